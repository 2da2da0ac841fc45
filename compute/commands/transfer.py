"""Transfer a quantized model: export its coded file, restore a working checkpoint."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from compute.base.errors import InputError
from compute.base.folders import whole_folder
from compute.commands.run import run_only
from compute.models.layout import layout
from compute.quantize import coded_model, codes
from compute.quantize.codes.header import CODES
from compute.session.session import Session
from compute.suites.hub.files import TOKENIZER, folder_files, matching
from compute.work.stages.quantize import Quantize
from compute.work.unit import Unit

#: The coded model in an exported folder, together with the architecture, ``config.json``, and the
#: tokenizer.
WEIGHTS = "weights.boundscape"


def export_model(session: Session, model_id: str, setting: str, code: str, folder: Path) -> None:
    """Write the coded file of one measured model, its architecture and tokenizer into a new folder.

    A model that is not in the cache is quantized again, and trained again if necessary; the
    artifacts do not change.  The exported model is the measured one, or there is an error.

    Args:
        setting: slug, such as ``gptq_step-step0.7``.
        code: ``entropy_coded`` or ``stored``.

    Raises:
        InputError: there is no such model, setting or code, it was not measured, the folder
            exists, or the measured model could not be made again.
    """
    if code not in CODES:
        raise InputError(f"There is no code {code!r}; choose one of {', '.join(CODES)}.")
    _check_absent(folder)
    units = [unit for unit in session.plan.units if isinstance(unit, Quantize)]
    _check_known("model", model_id, sorted({unit.model_id for unit in units}))
    units = [unit for unit in units if unit.model_id == model_id]
    _check_known("setting", setting, [unit.setting.slug for unit in units])
    unit = next(unit for unit in units if unit.setting.slug == setting)
    bits, weights_sha256 = _recorded(session, unit, code)
    workspace = session.workspace
    if not (workspace.coded(unit).exists() and workspace.checkpoint(unit).exists()):
        failed = run_only(session, unit)
        if failed:
            raise InputError(f"The model cannot be exported: {next(iter(failed.values()))}.")
    try:
        file = coded_model.load(workspace.coded(unit), unit.setting, weights_sha256)[code]
    except (ValueError, OSError) as error:
        raise InputError(f"The model cannot be exported: {error}.") from None
    if 8 * len(file) != bits:
        raise InputError(
            f"The file made here has {8 * len(file):,} bits and the measured one {bits:,}: it was "
            "measured with another --calibration, or another processor or library rounds "
            "differently."
        )
    with whole_folder(folder) as ready:
        (ready / WEIGHTS).write_bytes(file)
        shutil.copyfile(workspace.checkpoint(unit) / "config.json", ready / "config.json")
        unit.model.tokenizer.save_pretrained(ready)
    print(f"{folder / WEIGHTS}: {len(file):,} bytes, a code length of {bits:,} bits.")


def _recorded(session: Session, unit: Unit, code: str) -> tuple[int, str]:
    """Code length of the measured model, and the hash of the weights that it was made from."""
    store = session.workspace.store
    others = {"model_id": unit.model_id}
    model = _rows(store.folder / "models", others)
    quantized = _rows(store.folder / "quantized", others | unit.setting.columns)
    if not (model and quantized):
        raise InputError(
            f"{unit.model_id} was not measured at {unit.setting.slug} in {store.folder}; "
            "`make compute` measures it."
        )
    return quantized[0][f"{code}_bits"], model[0]["weights_sha256"]


def _rows(table: Path, wanted: dict) -> list[dict]:
    """Rows of a table whose columns have these values."""
    files = sorted(table.glob(f"{wanted['model_id']}*.parquet"))  # one if it is published
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def restore_model(source: Path, folder: Path) -> None:
    """Decode an exported folder into a new checkpoint folder in Hugging Face layout, float32.

    The tokenizer is included.

    Raises:
        InputError: the source is not an exported folder, its file is damaged, or the target
            exists.
    """
    _check_absent(folder)
    for name in (WEIGHTS, "config.json"):
        if not (source / name).is_file():
            raise InputError(f"{source} is not an exported model: it has no file {name}.")
    file = (source / WEIGHTS).read_bytes()
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=True)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    except Exception as error:  # noqa: BLE001 - transformers raises anything at a bad config
        reason = str(error).splitlines()[0]
        raise InputError(f"{source / 'config.json'} does not describe a model: {reason}") from None
    try:
        codes.check_whole(file, layout(model))
        setting = codes.setting_of(file)
        with torch.no_grad():
            for name, values in codes.decode(file, layout(model)):
                model.get_parameter(name).copy_(values)
    except ValueError as error:
        raise InputError(f"{source / WEIGHTS} cannot be decoded: {error}.") from None
    with whole_folder(folder) as ready:
        model.save_pretrained(ready)
        for name in matching(folder_files(source), TOKENIZER):
            shutil.copyfile(source / name, ready / name)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{folder}: {setting.slug}, {parameters:,} parameters.")


def _check_known(what: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise InputError(f"There is no {what} {value!r} here; choose one of {', '.join(known)}.")


def _check_absent(folder: Path) -> None:
    if folder.exists():
        raise InputError(f"{folder} exists already; choose a new folder.")
