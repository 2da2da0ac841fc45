"""The units of a suite of published models, and what each needs."""

from compute.base.setting import UNQUANTIZED
from compute.suites.published.effort import Effort
from compute.suites.published.hub_model import HubModel
from compute.work.stages.information import Information
from compute.work.stages.published.chain import Ahead, Chain
from compute.work.stages.published.describe import Describe
from compute.work.stages.published.fetch import Fetch
from compute.work.stages.published.sample import Sample
from compute.work.stages.stage import Stage
from compute.work.stages.units.shared import curvature_unit, quantize_unit


def hub_units(models: tuple[HubModel, ...], effort: Effort, text: dict) -> list[Stage]:
    """Every unit of the suite, dependencies before dependents.

    Args:
        text: everything that determines the windows, as JSON.
    """
    return [unit for model in models for unit in _model_units(model, effort, text)]


def _model_units(model: HubModel, effort: Effort, text: dict) -> list[Stage]:
    fetch = Fetch(model=model)
    units = [fetch, Describe(model=model, before=fetch, text=text)]
    windows = effort.calibration_windows
    if model.stand_in is None:
        windows = min(windows, model.train_windows)
    samples = {}
    for setting in effort.settings:
        before = fetch
        if setting != UNQUANTIZED and setting.quantizer != "gguf":  # which is how it comes
            before = quantize_unit(fetch, setting, windows, text)
            units.append(before)
        of = {"model": model, "before": before, "setting": setting}
        samples[setting] = Sample(**of, text=text, effort=effort)
        units.append(samples[setting])
    if model.chain:
        ahead = Ahead(effort.chain_windows, effort.positions)
        chain = Chain(model=model, before=fetch, text=text, ahead=ahead)
        units += [chain, Information(model=model, before=samples[UNQUANTIZED], ahead=chain)]
    units += [curvature_unit(point, fetch, units, text) for point in effort.curvature]
    return units
