"""What a page shows in a test run, to compare two runs of it."""

import json
from urllib.parse import parse_qsl, urlsplit

#: Every page with choices that are not its defaults.
PAGES = {
    "overview": {"settings": "as chosen", "bits": "3", "unit": "bits per byte"},
    "bound_explorer": {"bits": "3", "delta": "1e-06", "form": "paper, four terms"},
    "loss_variation": {"quantizer": "Round to nearest", "bits": "3", "model": "ladder-6k"},
    "quantization": {"quantizer": "Grid-step GPTQ", "code": "entropy-coded"},
    "curvature": {"bandwidth": "0.5", "matrix": "Hessian", "model": "ladder-12k"},
    "information": {"unit": "bits per byte", "reach": "2M"},
    "scaling_laws": {"law": "power law with a floor", "code": "nominal"},
    "what_if": {"n": "3.5M", "ratio": "50", "target": "0.75", "unit": "bits per byte"},
    "your_losses": {"own_example": "true", "unit": "bits per byte"},
    "artifacts": {"part": "Tables", "table": "layers", "only": "ladder-6k", "where": "bits = 3"},
}


def record_of(app):
    """What the page kept for sharing."""
    return app.session_state["record"]


def link_of(app):
    """The address that the button would copy."""
    return json.loads(app.get("bidi_component")[0].proto.json)["text"]


def query_of(link):
    """Name -> value, or list of values where there are several."""
    found = {}
    for name, value in parse_qsl(urlsplit(link).query, strict_parsing=True):
        found[name] = [*found[name], value] if name in found else [value]
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def numbers_of(app):
    """Every number that the page shows large, and every table."""
    metrics = [(metric.label, metric.value, metric.delta) for metric in app.metric]
    return metrics, [frame.value.to_csv() for frame in app.dataframe]
