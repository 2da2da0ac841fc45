"""A kept view as it stands in a link: one parameter, itself a query string of the controls."""

from urllib.parse import parse_qsl, urlencode

from dashboard import catalog
from dashboard.analysis.laws.fits import SHAPES
from dashboard.analysis.laws.sizes import ANOTHER, LARGEST, RATIOS, SMALLEST
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import quoted
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.inequalities import forms_of
from dashboard.style.numbers import parse_count
from dashboard.ui.beside.view import NAMES, View
from dashboard.ui.controls.controls import BEST, CHOSEN, DELTAS, delta_label

#: Its name in the address.
PARAMETER = "beside"

#: Characters of the longest that is read; all controls together take some 300.
_LONGEST = 1000

#: What a complaint calls a control.
_CALLED = {
    "suite": "the suite",
    "settings": "“Setting of each model”",
    "quantizer": "the quantizer",
    "bits": "the bitrate",
    "form": "the form of the bound",
    "code": "the code length",
    "delta": "delta",
    "model": "the model",
    "n": "the size",
    "matrix": "the matrix",
    "ratio": "tokens per parameter",
    "vocab": "the vocabulary",
    "law": "“Shape of the laws”",
}

#: Numbers that a reader writes, with the ends of what may be asked for.
_COUNTS = {"n": (SMALLEST, LARGEST), "ratio": RATIOS, "vocab": (1.0, 1e7)}


class LinkError(ValueError):
    """No such view; the message is for the reader."""


def written(view: View) -> str:
    """The view as the parameter's value."""
    return urlencode(view.said)


def parsed(text: str, here: Suite) -> tuple[Suite, dict[str, str]]:
    """The suite of a kept view and what its controls say, every value one that exists.

    Args:
        here: the suite that is shown, which a view without a suite is of.

    Raises:
        LinkError: it cannot be read, or a value in it does not exist.
        ArtifactError: its suite cannot be used.
    """
    said = _pairs(text)
    names = [*catalog.suite_names()] if "suite" in said else []
    _check(said, {"suite": names})
    same = said.get("suite", here.name) == here.name
    suite = here if same else catalog.open_by_name(said["suite"])
    if "bits" in said and "quantizer" not in said:
        raise _unknown("bits", said["bits"])
    rates = [s.rate for s in suite.settings() if s.family.label == said.get("quantizer")]
    if len(rates) > 1 and "bits" not in said:
        raise _unknown("bits", "")
    allowed = {
        "settings": [BEST, CHOSEN],
        "quantizer": [setting.family.label for setting in suite.settings()],
        "bits": rates,
        "form": list(forms_of(suite.is_sampled)),
        "code": list(CODE_LABELS.values()),
        "delta": [delta_label(delta) for delta in DELTAS],
        "model": [*suite.models()["model_id"], *([ANOTHER] if "n" in said else [])],
        "matrix": list(MATRICES.values()),
        "law": list(SHAPES),
    }
    _check(said, allowed)
    for name, (low, high) in _COUNTS.items():
        if name in said:
            value = parse_count(said[name])
            if value is None or not low <= value <= high:
                raise _unknown(name, said[name])
    return suite, said


def _pairs(text: str) -> dict[str, str]:
    unread = LinkError(
        f"The link asks for the kept view {quoted(text)}, which cannot be read; no view is kept."
    )
    if not 0 < len(text) <= _LONGEST:
        raise unread
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, max_num_fields=len(NAMES)
        )
    except ValueError:
        raise unread from None
    said = dict(pairs)
    if len(said) < len(pairs) or not said or not said.keys() <= set(NAMES):
        raise unread
    return said


def _check(said: dict[str, str], allowed: dict[str, list[str]]) -> None:
    for name, values in allowed.items():
        if name in said and said[name] not in values:
            raise _unknown(name, said[name])


def _unknown(name: str, value: str) -> LinkError:
    return LinkError(
        f"The link asks for a kept view with {_CALLED[name]} {quoted(value)}, which does not exist "
        "here; no view is kept."
    )
