"""The request of a measured suite, recorded in its folder for an export."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

import schema
from compute.base.errors import InputError
from compute.base.setting import Setting
from compute.base.whole_file import whole_file
from compute.session.request import Goes, Request, options
from compute.suites.measurements import setting_name
from compute.suites.published.hub_suite import hub_presets

FILE = "request.json"


def keep_request(request: Request, folder: Path) -> None:
    """Write the models, text and effort of a suite to its folder, completely or not at all."""
    kept = {}
    for option in options():
        value = option.value_in(request)
        if Goes.KEPT in option.goes and value != option.default:
            kept[option.name] = str(value) if isinstance(value, Path) else value
    with whole_file(folder / FILE) as writing:
        writing.write_text(json.dumps(kept, indent=1) + "\n")


def request_of_suite(request: Request, model_id: str, setting: str) -> Request:
    """The request with that of a measured suite, if it names no models itself.

    Args:
        request: with the name of the suite, or else one suite under its ``data_dir`` has the model.
        model_id: of the requested model.
        setting: slug of the setting that it was measured at.

    Raises:
        InputError: several suites have the model, or the recorded request cannot be read.
    """
    if request.preset is not None or request.model:
        return request
    suites = [request.suite] if request.suite else [*_suites_with(request.data_dir, model_id)]
    if len(suites) > 1:
        raise InputError(
            f"The model {model_id} is in the suites {', '.join(suites)}; name one with --suite."
        )
    file = request.data_dir / (suites[0] if suites else "") / FILE
    if not (suites and file.is_file()):
        return request
    found = replace(request, suite=suites[0], **_read(file))
    measured = _measured(file.parent, model_id, setting)
    if measured is not None and _of_published_models(found):
        found = replace(found, quantizers=(setting_name(measured),))
    return found


def _suites_with(data_dir: Path, model_id: str) -> Iterator[str]:
    """Suites with a recorded request that have the model."""
    for file in sorted(data_dir.glob(f"*/{FILE}")):
        if _rows(file.parent / "models", model_id):
            yield file.parent.name


def _of_published_models(request: Request) -> bool:
    return bool(request.model) or request.preset in hub_presets(request.hub_file)


def _read(file: Path) -> dict:
    """Fields of a request."""
    try:
        content = json.loads(file.read_text())
        known = {o.name: o for o in options() if Goes.KEPT in o.goes}
        return {name: known[name].restored(value) for name, value in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(
            f"{file} does not say what the suite was measured with ({error!r}); name its models "
            "with --preset or --model, as in the measurement."
        ) from None


def _measured(suite: Path, model_id: str, slug: str) -> Setting | None:
    """The setting of this slug that the model was measured at."""
    columns = [field.name for field in schema.SETTING_FIELDS]
    for row in _rows(suite / "quantized", model_id):
        setting = Setting(**{name: row[name] for name in columns})
        if setting.slug == slug:
            return setting
    return None


def _rows(table: Path, model_id: str) -> list[dict]:
    """Rows of a table that are of one model."""
    rows = [
        row for file in sorted(table.glob("*.parquet")) for row in pq.read_table(file).to_pylist()
    ]
    return [row for row in rows if row["model_id"] == model_id]
