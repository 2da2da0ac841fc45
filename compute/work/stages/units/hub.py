"""The units of a suite of published models, and what each needs."""

from compute.base.digest import digest
from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.published.effort import DRAW_SEEDS, POSITION_SEEDS, Effort
from compute.suites.published.hub_model import HubModel
from compute.work.stages.published.chain import POSITION_SEED, Ahead
from compute.work.stages.published.sample import work_tokens
from compute.work.stages.units.shared import curvature_unit, quantize_unit
from compute.work.stages.versions import STAGE_VERSIONS
from compute.work.unit import Unit

#: Bytes that the hub's files of weights usually have for a parameter: half precision.
FILE_BYTES = 2

#: Stages that can be left out; not every model has units of each.
OPTIONAL = ("describe", "quantize", "sample", "chain", "information", "curvature")


def hub_units(models: tuple[HubModel, ...], effort: Effort, text: dict) -> list[Unit]:
    """Every unit of the suite, dependencies before dependents.

    Args:
        text: everything that determines the windows, as JSON.
    """
    return [unit for model in models for unit in _model_units(model, effort, text)]


def _model_units(model: HubModel, effort: Effort, text: dict) -> list[Unit]:
    name = model.model_id
    identity = {"model": model.identity, "fetch": STAGE_VERSIONS["fetch"]}
    fetch = Unit(
        stage="fetch",
        model_id=name,
        setting=None,
        identity=identity,
        tables=(),
        model=model,
        work_tokens=FILE_BYTES * model.params_total,
        work_unit="B",
        checkpoint=digest(identity),
        makes=("checkpoint",),
    )
    describe = Unit(
        stage="describe",
        model_id=name,
        setting=None,
        identity={
            **identity,
            "counts": [model.params_embedding, model.params_nonembedding],
            "train_tokens": model.train_tokens,
            "text": text,
            "describe": STAGE_VERSIONS["describe"],
        },
        tables=("models",),
        needs=(fetch.name,),
        model=model,
        checkpoint=fetch.checkpoint,
        reads=("checkpoint",),
        early=True,
    )
    units = [fetch, describe]
    windows = effort.calibration_windows
    if model.stand_in is None:
        windows = min(windows, model.train_windows)
    for setting in effort.settings:
        quantized = None
        if setting != UNQUANTIZED and setting.quantizer != "gguf":  # which is how it comes
            quantized = quantize_unit(model, setting, windows, fetch, text)
            units.append(quantized)
        units.append(_sample_unit(model, setting, effort, text, quantized or fetch, fetch))
    if model.chain:
        units += _information_units(model, effort, text, fetch, units)
    units += [curvature_unit(model, point, fetch, units, text) for point in effort.curvature]
    return units


def _sample_unit(
    model: HubModel, setting: Setting, effort: Effort, text: dict, before: Unit, fetch: Unit
) -> Unit:
    sampling = {
        "text": text,
        "sampling": effort.sampling_identity,
        "sample": STAGE_VERSIONS["sample"],
    }
    return Unit(
        stage="sample",
        model_id=model.model_id,
        setting=setting,
        identity={**before.identity, **sampling},
        tables=("quantized", "token_losses"),
        needs=(*before.needs, before.name),
        model=(model, effort, before),
        work_tokens=work_tokens(model, effort, before.coded is not None),
        checkpoint=before.checkpoint,
        coded=before.coded,
        paired=digest({**fetch.identity, **sampling}),
        reads=("checkpoint", "coded") if before.coded else ("checkpoint",),
        seeds={
            **before.seeds,
            **{f"{split}_windows": seed for split, seed in DRAW_SEEDS.items()},
            **{f"{split}_positions": seed for split, seed in POSITION_SEEDS.items()},
        },
        early=setting == UNQUANTIZED,
    )


def _information_units(
    model: HubModel, effort: Effort, text: dict, fetch: Unit, units: list[Unit]
) -> list[Unit]:
    ahead = Ahead(effort.chain_windows, effort.positions)
    steps = [step for step, _ in model.chain]
    windows = sum(len(ahead.indices(model, step)) for step in steps)
    chain = Unit(
        stage="chain",
        model_id=model.model_id,
        setting=None,
        identity={
            **fetch.identity,
            "text": text,
            "steps": steps,
            "ahead": [ahead.windows, ahead.positions, POSITION_SEED],
            "chain": STAGE_VERSIONS["chain"],
        },
        tables=("checkpoint_losses",),
        needs=(fetch.name,),
        model=(model, ahead),
        work_tokens=2 * windows * model.context_length,
        checkpoint=fetch.checkpoint,
        reads=("checkpoint",),
        seeds={"ahead_positions": POSITION_SEED},
    )
    measured = next(u for u in units if u.stage == "sample" and u.setting == UNQUANTIZED)
    information = Unit(
        stage="information",
        model_id=model.model_id,
        setting=None,
        identity={
            **measured.identity,
            "chain": chain.identity,
            "information": STAGE_VERSIONS["information"],
        },
        tables=("information",),
        needs=(fetch.name, chain.name, measured.name),
        model=(model, None, chain, measured),
    )
    return [chain, information]
