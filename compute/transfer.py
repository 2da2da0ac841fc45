"""Hand a quantized model to someone else: its coded file out, a working checkpoint back in."""

import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from compute import codes, language_model
from compute.codes.header import CODES
from compute.errors import InputError
from compute.folders import whole_folder
from compute.layout import layout
from compute.run import run_only
from compute.session import Session
from compute.terminal import console

#: The coded model inside an exported folder; beside it lies the architecture, ``config.json``.
WEIGHTS = "weights.boundscape"


def export_model(session: Session, model_id: str, setting: str, code: str, folder: Path) -> None:
    """Write the coded file of one model, and its architecture, into a new folder.

    A model that is not in the cache is quantized again, and trained again if need be.

    Args:
        setting: slug, such as ``gptq_step-step0.7``.
        code: ``entropy_coded`` or ``stored``.

    Raises:
        InputError: there is no such model, setting or code, the folder is there already, or the
            model could not be quantized.
    """
    if code not in CODES:
        raise InputError(f"There is no code {code!r}; choose one of {', '.join(CODES)}.")
    _check_absent(folder)
    units = [unit for unit in session.plan.units if unit.stage == "quantize"]
    _check_known("model", model_id, sorted({unit.model_id for unit in units}))
    units = [unit for unit in units if unit.model_id == model_id]
    _check_known("setting", setting, [unit.setting.slug for unit in units])
    unit = next(unit for unit in units if unit.setting.slug == setting)
    coded = session.workspace.coded(unit)
    if not coded.exists():
        failed = run_only(session, unit)
        if failed:
            raise InputError(f"The model cannot be exported: {next(iter(failed.values()))}.")
    with whole_folder(folder) as ready:
        shutil.copyfile(coded / code, ready / WEIGHTS)
        shutil.copyfile(session.workspace.checkpoint(unit) / "config.json", ready / "config.json")
    size = (folder / WEIGHTS).stat().st_size
    console.print(f"{folder / WEIGHTS}: {size:,} bytes, a code length of {8 * size:,} bits.")


def restore_model(source: Path, folder: Path) -> None:
    """Decode an exported folder into a new checkpoint folder in Hugging Face layout, float32.

    Raises:
        InputError: the source is not an exported folder, its file is damaged, or the target is
            there already.
    """
    _check_absent(folder)
    for name in (WEIGHTS, "config.json"):
        if not (source / name).is_file():
            raise InputError(f"{source} is no exported model: it has no file {name}.")
    file = (source / WEIGHTS).read_bytes()
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=True)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{source / 'config.json'} describes no model: {reason}") from None
    try:
        setting, weights = codes.setting_of(file), codes.decode(file, layout(model))
        codes.check_whole(file, layout(model))
    except ValueError as error:
        raise InputError(f"{source / WEIGHTS} cannot be decoded: {error}.") from None
    with torch.no_grad():
        for name, values in weights.items():
            model.get_parameter(name).copy_(values)
    language_model.save(model, folder)
    console.print(
        f"{folder}: {setting.slug}, {sum(p.numel() for p in model.parameters()):,} parameters, "
        f"SHA-256 of the weights {language_model.weights_sha256(model)}."
    )


def _check_known(what: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise InputError(f"There is no {what} {value!r} here; choose one of {', '.join(known)}.")


def _check_absent(folder: Path) -> None:
    if folder.exists():
        raise InputError(f"{folder} is there already; choose a folder that is not.")
