"""A view as one self-contained HTML file: charts, numbers, formulas, provenance.

Charts are pictures (SVG) inside the file and formulas MathML, so there is no script in it, and its
own policy forbids the browser to fetch anything.
"""

import base64
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from dashboard.analysis.measured import runs
from dashboard.artifacts.suite import Suite
from dashboard.export import chart_files, markdown_html
from dashboard.export.record import Chart, Chosen, Metric, Part, Record, Table, Words
from dashboard.style.glossary import GUARANTEE, term_of
from dashboard.style.inequalities import Form
from dashboard.style.training_text import stand_ins, trained_on

#: Libraries that computed the numbers of a view, besides the code itself.
_LIBRARIES = ("numpy", "scipy", "pandas", "duckdb", "altair", "streamlit")

#: Rows of a table that is open at first, and letters of a cell that stays on one line.
_OPEN_ROWS, _SHORT = 12, 40

_template = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
).get_template("exported_view.html")


def slug(shown: Record) -> str:
    """Page and suite as the name of a file."""
    name = "-".join([shown.page, *(suite.name for suite in shown.suites)])
    return re.sub(r"[^\w]+", "-", name.casefold()).strip("-")[:80]


def document(shown: Record, link: str) -> str:
    """The file's content.

    Raises:
        PictureError: a chart could not be drawn.
    """
    return _template.render(
        page=shown.page,
        suites=[suite.name for suite in shown.suites],
        link=link,
        caveat=shown.caveat,
        controls=[(control.label, _text(control)) for control in shown.controls.values()],
        forms=[_formulas(form) for form in shown.forms],
        guarantee=_line(GUARANTEE),
        blocks=list(_blocks(shown)),
        provenance=_provenance(shown),
        libraries=", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _line(text: str) -> Markup:
    return Markup(markdown_html.line(text))


def _text(control: Chosen) -> str:
    if control.words:
        return control.words
    if isinstance(control.value, bool):
        return "yes" if control.value else "no"
    return ", ".join(control.value) or "none" if isinstance(control.value, list) else control.value


def _formulas(form: Form) -> dict:
    """A form as text and formulas."""
    terms = {
        "training_loss": r"\hat R(h)",
        "quantization_gap": r"\hat R(h_q) - \hat R(h)",
        **form.formulas,
    }
    return {
        "label": form.label,
        "idea": _line(form.idea),
        "source": form.source,
        "terms": [(term_of(key).label, _line(f"${latex}$")) for key, latex in terms.items()],
    }


def _blocks(shown: Record) -> Iterator[dict]:
    """The parts in their order, with adjacent metrics grouped."""
    pictures = iter(chart_files.untitled_svgs(shown.charts()))
    for kind, group in groupby(shown.parts, type):
        if kind is Metric:
            yield {"kind": "metrics", "metrics": list(group)}
            continue
        yield from (_block(part, pictures) for part in group)


def _block(part: Part, pictures: Iterator[bytes]) -> dict:
    if isinstance(part, Chart):
        picture = base64.b64encode(next(pictures)).decode()
        title, plain = _line(part.title), chart_files.plain_title(part)
        block = {"kind": "chart", "title": title, "plain": plain, "picture": picture}
        return block | {"subtitle": _line(part.subtitle)}
    if isinstance(part, Table):
        return _table(part)
    assert isinstance(part, Words)
    if part.kind == "heading":
        return {"kind": "heading", "html": _line(part.markdown)}
    html = Markup(markdown_html.block(part.markdown))
    return {"kind": "words", "look": part.kind, "html": html}


def _table(part: Table) -> dict:
    columns = list(part.frame.columns)
    rows = [
        [_cell(name, value) for name, value in zip(columns, row, strict=True)]
        for row in part.frame.itertuples(index=False)
    ]
    return {
        "kind": "table",
        "title": part.title,
        "columns": [part.headers.get(name, name) for name in columns],
        "rows": rows,
        "open": len(rows) <= _OPEN_ROWS,
    }


def _cell(column: str, value: object) -> dict:
    """A value to read, and in full if it is a number."""
    if isinstance(value, (bool, np.bool_)):
        words = ("not certified", "certified") if column == "certified" else ("no", "yes")
        badge = ("orange", "green")[bool(value)] if column == "certified" else ""
        return {"text": words[bool(value)], "badge": badge}
    if isinstance(value, (int, np.integer)):
        return {"text": f"{value:,}", "number": str(int(value))}
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return {"text": ""}
        return {"text": f"{value:.6g}", "number": repr(float(value))}
    text = "" if value is None or value is pd.NA or value is pd.NaT else str(value)
    return {"text": text, "look": "long" if len(text) > _SHORT else ""}


def _provenance(shown: Record) -> dict[str, dict[str, str]]:
    """The provenance of the numbers as text: of each suite, and of an uploaded file."""
    found = {f"Suite {suite.name}": _of_suite(suite) for suite in shown.suites}
    return found | ({"File of losses": shown.upload} if shown.upload else {})


def _named_values(records: list[str]) -> str:
    """JSON objects as text, each name with all of its values."""
    found: dict[str, list[str]] = {}
    for record in records:
        for name, value in runs.entries(record).items():
            values = found.setdefault(name, [])
            values += [value] * (value not in values)
    return ", ".join(f"{name} {' and '.join(values)}" for name, values in found.items())


def _of_suite(suite: Suite) -> dict[str, str]:
    models = suite.models()
    began, ended = suite.measured_between()
    rows = {
        "Artifacts, version": suite.version.short,
        "SHA-256 of their manifest": suite.version.digest,
        "Measured": f"{began} to {ended}" if began != ended else began,
        "Code revision": ", ".join(suite.provenance("code_revision")),
        "Schema": ", ".join(suite.provenance("schema_version")),
        "Device": ", ".join(suite.provenance("device")),
        "Arithmetic": ", ".join(sorted(set(models["arithmetic"]))),
        "Libraries": _named_values(suite.provenance("library_versions")),
        "Seeds": _named_values(suite.provenance("seeds")),
        "Models": f"{len(models)}: {', '.join(models['model_id'])}",
        "Trained on": trained_on(models),
        "Scored on": "sampled windows" if suite.is_sampled else "every training token",
    }
    if others := stand_ins(models):
        rows["Stands in for the training text"] = others
    return {key: value for key, value in rows.items() if value}
