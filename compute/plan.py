"""The units of a suite, what each needs, and which of them are still to be done."""

from dataclasses import dataclass

from compute.errors import InputError
from compute.setting import UNQUANTIZED
from compute.suites.ladder import Ladder, LadderModel
from compute.suites.windows import Windows
from compute.unit import Unit, digest
from compute.workspace import Workspace

#: Raised by one when a change of the code changes the numbers of that stage, so that files
#: written before are known to be stale.
STAGE_VERSIONS = {"train": 1, "register": 1, "measure": 1, "information": 1}


def suite_fingerprint(ladder: Ladder, corpus_fingerprint: str) -> str:
    """Digest of what the suite's checkpoints depend on: files with another never mix."""
    return digest(
        {
            "corpus": corpus_fingerprint,
            "corpus_seed": ladder.corpus_seed,
            "models": [model.identity for model in ladder.models],
            "version": STAGE_VERSIONS["train"],
        }
    )


def check_corpus_size(ladder: Ladder, windows: Windows, corpus: str) -> None:
    """Refuse, by name, a size whose D exceeds the training text.

    Raises:
        InputError: a model needs more distinct tokens than there are.
    """
    available = windows.training.size
    for model in ladder.models:
        if model.train_tokens > available:
            raise InputError(
                f"The model {model.model_id} needs D = {model.train_tokens:,} distinct tokens and "
                f"the corpus {corpus} has {available:,} for training; choose a larger corpus "
                "with CORPUS=path or a smaller preset."
            )


def ladder_units(ladder: Ladder, fingerprint: str, heldout_tokens: int) -> list[Unit]:
    """Every unit of the ladder, dependencies before dependents."""
    return [
        unit
        for model in ladder.models
        for unit in _model_units(ladder, model, fingerprint, heldout_tokens)
    ]


def _model_units(
    ladder: Ladder, model: LadderModel, fingerprint: str, heldout_tokens: int
) -> list[Unit]:
    # The fingerprint stands for the corpus; the model's own numbers are part of it too, but
    # naming them here keeps the key right should a suite ever grow model by model.
    trained = {"suite": fingerprint, "model": model.identity, "train": STAGE_VERSIONS["train"]}
    checkpoint = digest(trained)
    seeds = {"weights": model.seed}
    name = model.model_id
    train = Unit(
        stage="train",
        model_id=name,
        setting=None,
        identity=trained,
        tables=("online_losses",),
        model=model,
        work_tokens=model.train_tokens,
        checkpoint=checkpoint,
        seeds=seeds,
    )
    register = Unit(
        stage="register",
        model_id=name,
        setting=None,
        identity={**trained, "register": STAGE_VERSIONS["register"]},
        tables=("models",),
        needs=(train.name,),
        model=model,
        checkpoint=checkpoint,
        seeds=seeds,
    )
    measured = [
        Unit(
            stage="measure",
            model_id=name,
            setting=setting,
            identity={
                **trained,
                "setting": setting.columns,
                "measure": STAGE_VERSIONS["measure"],
            },
            tables=("quantized", "loss_histograms"),
            needs=(train.name,),
            model=model,
            work_tokens=model.train_tokens + heldout_tokens,
            checkpoint=checkpoint,
            seeds=seeds,
        )
        for setting in ladder.settings
    ]
    units = [train, register, *measured]
    unquantized = next((unit for unit in measured if unit.setting == UNQUANTIZED), None)
    if unquantized is not None:
        information = Unit(
            stage="information",
            model_id=name,
            setting=None,
            identity={**unquantized.identity, "information": STAGE_VERSIONS["information"]},
            tables=("information",),
            needs=(train.name, unquantized.name),
            model=(train, unquantized),
            seeds=seeds,
        )
        units.append(information)
    return units


@dataclass(frozen=True)
class Plan:
    """The units of a run by what is to happen to them, each in order.

    Attributes:
        units: all of them.
        done: their files are there.
        failed: name -> recorded error of those that failed before and are left alone.
        blocked: names of those that need a failed one, directly or not.
        todo: to be run.
    """

    units: list[Unit]
    done: list[Unit]
    failed: dict[str, str]
    blocked: list[str]
    todo: list[Unit]


def make_plan(units: list[Unit], workspace: Workspace, retry_failed: bool) -> Plan:
    """Sort out which units remain.

    A unit whose checkpoint has left the cache is run again, to the same bytes, if a unit that
    is to be run reads that checkpoint.
    """
    states = {unit.name: workspace.store.state(unit) for unit in units}
    failed = {n: error for n, (state, error) in states.items() if state == "failed"}
    if retry_failed:
        failed = {}
    blocked: list[str] = []
    for unit in units:  # dependencies come first
        if states[unit.name][0] == "missing" and {*unit.needs} & {*failed, *blocked}:
            blocked.append(unit.name)
    out = {*failed, *blocked}
    missing = [u for u in units if states[u.name][0] != "done" and u.name not in out]
    needed = {workspace.checkpoint(unit) for unit in missing if unit.checkpoint}
    lost = {path for path in needed if not path.exists()}
    todo = [
        unit
        for unit in units
        if unit in missing
        or (unit.stage == "train" and unit.name not in out and workspace.checkpoint(unit) in lost)
    ]
    names = {unit.name for unit in todo} | out
    done = [unit for unit in units if unit.name not in names]
    return Plan(units, done, failed, blocked, todo)
