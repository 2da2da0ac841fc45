"""The units of a suite of published models, and what each needs."""

from compute.base.setting import UNQUANTIZED, Setting
from compute.suites.published.effort import Effort
from compute.suites.published.hub_model import HubModel
from compute.work.stages.curvature import Curvature
from compute.work.stages.information import Information
from compute.work.stages.published.chain import Chain
from compute.work.stages.published.describe import Describe
from compute.work.stages.published.fetch import Fetch
from compute.work.stages.published.sample import Sample
from compute.work.stages.quantize import Quantize
from compute.work.stages.stage import Stage


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
    states: dict[Setting, Stage] = {UNQUANTIZED: fetch}
    samples: dict[Setting, Sample] = {}
    for setting in effort.settings:
        of = {"model": model, "setting": setting, "text": text}
        if setting != UNQUANTIZED and setting.quantizer != "gguf":  # which is how it comes
            states[setting] = Quantize(**of, before=fetch, windows=windows)
            units.append(states[setting])
        samples[setting] = Sample(**of, before=states.get(setting, fetch), effort=effort)
        units.append(samples[setting])
    if model.chain:
        how = {"windows": effort.chain_windows, "positions": effort.positions}
        chain = Chain(model=model, before=fetch, text=text, **how)
        units += [chain, Information(model=model, before=samples[UNQUANTIZED], ahead=chain)]
    for point in effort.curvature:
        state = states[point.setting]
        of = {"model": model, "setting": state.setting, "text": text}
        units.append(Curvature(**of, before=state, point=point))
    return units
