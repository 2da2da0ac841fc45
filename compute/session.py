"""From what a person asks for to a checked plan: models, text, device, units."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

from transformers import PreTrainedConfig

from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.base.provenance import Provenance
from compute.base.setting import Setting
from compute.machines.choice import Machines, choose_machines
from compute.machines.devices import describe_device
from compute.request import Goes, Request
from compute.work.plan import Plan, make_plan
from compute.work.store import SuiteStore
from compute.work.unit import Unit
from compute.work.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """What is asked for, and where it will be done.

    Attributes:
        request: as it came.
        machines: that do the work.
        device: torch device.
        workers: processes.
    """

    request: Request
    machines: Machines
    device: str
    workers: int


@dataclass(frozen=True)
class Offer:
    """A request for less work.

    Attributes:
        request: what could be asked for instead.
        seconds: expected of it.
    """

    request: Request
    seconds: float


@dataclass(frozen=True)
class Session:
    """A request found to be sound, ready to run.

    Attributes:
        workspace: what its units share.
        workers: processes.
        retry_failed: whether failed units are tried again.
        plan: what is to be done.
        machines: that do it.
        why: a sentence on how the models were chosen, if nobody named them.
        skipped: name -> reason of units that are not even tried.
        skipped_units: these.
        request: that it was opened for.
    """

    workspace: Workspace
    workers: int
    retry_failed: bool
    plan: Plan
    machines: Machines
    why: str | None = field(default=None, kw_only=True)
    skipped: dict[str, str] = field(default_factory=dict, kw_only=True)
    skipped_units: tuple[Unit, ...] = field(default=(), kw_only=True)
    request: Request = field(kw_only=True)

    @classmethod
    def of(cls, place: "Place", workspace: Workspace, units: list[Unit], **own: Any) -> Self:
        """A session with a plan for what is on disk now."""
        again = place.request.retry_failed
        plan = make_plan(units, workspace, again)
        asked = {"request": place.request, **own}
        return cls(workspace, place.workers, again, plan, place.machines, **asked)

    @property
    def models(self) -> tuple[Any, ...]:
        """Smallest first."""
        raise NotImplementedError

    @property
    def about(self) -> list[str]:
        """What a reader of the plan should know."""
        raise NotImplementedError

    def columns(self, seconds: Callable[[Unit], float]) -> dict[str, list[str]]:
        """More columns of the plan's table, one entry per model."""
        raise NotImplementedError

    def config_of(self, model: Any) -> PreTrainedConfig:
        """The architecture of one model."""
        raise NotImplementedError

    def unit_seconds(self, units: list[Unit]) -> Callable[[Unit], float]:
        """Expected seconds of a unit, for scheduling and for the estimate."""
        raise NotImplementedError

    def gpus(self, unit: Unit) -> float:
        """GPUs that a unit takes where there are several."""
        return 1.0

    @property
    def memory_of_one(self) -> Memory:
        """What there is for a worker that is alone."""
        return self.machines.memory(replace(self.workspace, workers=1))

    @property
    def shared_memory(self) -> str:
        """The end of a sentence on what has no room, where one worker alone would have it."""
        return f"; {self.workers} workers share the memory, and --workers 1 makes room"

    @property
    def preparation_seconds(self) -> float:
        """Expected seconds before the first unit can start."""
        return 0.0

    def smaller(self, seconds: Callable[[Unit], float]) -> "Offer | None":
        """A request for less that takes hours instead of days, where there is one."""
        return None

    def prepared(self) -> Self:
        """The same session when all that its units share is in the cache."""
        return self

    def limited(self) -> Self:
        """Without the units for which something is lacking: they are ``skipped``.

        What is done stays: it may have been measured on a larger machine.
        """
        out = self.shortages(self.plan.todo)
        out |= self._beyond_hours(self.plan.todo, out)
        if not out:
            return self
        parts = {part: getattr(self.plan, part) for part in ("units", "todo")}
        left = {part: [u for u in units if u.name not in out] for part, units in parts.items()}
        units = tuple(unit for unit in self.plan.units if unit.name in out)
        plan = replace(self.plan, **left)
        return replace(self, plan=plan, skipped=out, skipped_units=units)

    def shortages(self, units: list[Unit]) -> dict[str, str]:
        """Name -> reason of units that the machine has no room for."""
        return {}

    def _beyond_hours(self, units: list[Unit], out: dict[str, str]) -> dict[str, str]:
        """Models that would take the run beyond its time, in their order."""
        hours = self.request.hours
        if hours is None:
            return {}
        seconds = self.unit_seconds(units)
        spent, found = 0.0, {}
        for model in self.models:
            mine = [u for u in units if u.model_id == model.model_id and u.name not in out]
            cost = sum(map(seconds, mine)) / self.workers
            if spent + cost > 3600 * hours:
                reason = f"the run would take longer than {hours:g} hours"
                found |= dict.fromkeys([u.name for u in mine], reason)
            else:
                spent += cost
        return found

    def planned_again(self) -> Self:
        """The same session with a plan for what is on disk now."""
        plan = make_plan(self.plan.units, self.workspace, self.retry_failed)
        return replace(self, plan=plan)


def open_session(request: Request) -> Session:
    """Check everything that can be checked before long work begins.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    from compute import hub_session, ladder_session
    from compute.suites.published.hub_suite import hub_presets

    if request.executor == "ray":  # its processes run in folders of their own
        folders = (request.data_dir.absolute(), request.cache_dir.absolute())
        request = replace(request, data_dir=folders[0], cache_dir=folders[1])
    place = _place(request)
    if request.model:
        if request.preset is not None:
            raise InputError("--preset names a suite and --model a model; give one of them.")
        request.check(Goes.MODEL, "--model")
        return hub_session.open_model(place)
    preset, why = request.preset, None
    if preset is None:
        preset = "pythia" if place.device.startswith("cuda") else "small"
        why = (
            f"Preset {preset}, since there is {'a' if preset == 'pythia' else 'no'} GPU; choose "
            "another with --preset (PRESET=... of make)."
        )
        place = replace(place, request=replace(request, preset=preset))
    if preset in hub_presets(request.hub_file):
        request.check(Goes.PUBLISHED, f"the preset {preset}")
        return replace(hub_session.open_preset(place, preset), why=why)
    request.check(Goes.LADDER, f"the preset {preset}, which is trained here")
    return replace(ladder_session.open_ladder(place, preset), why=why)


def picked(models: tuple[T, ...], only: tuple[str, ...]) -> tuple[T, ...]:
    """The models of these ids; all of them where none is given.

    Raises:
        InputError: there is no model of an id.
    """
    known = {model.model_id for model in models}
    for name in only:
        if name not in known:
            raise InputError(f"There is no model {name!r}; choose from {', '.join(sorted(known))}.")
    return tuple(model for model in models if not only or model.model_id in only)


def _place(request: Request) -> Place:
    folders = (request.data_dir, request.cache_dir)
    machines = choose_machines(request.executor, request.address, request.workers, folders)
    device = machines.device(request.device)
    return Place(request, machines, device, machines.workers(request.workers, device))


def check_quantizers(settings: Iterable[Setting]) -> None:
    """Refuse settings whose package is missing.

    Raises:
        InputError: naming it.
    """
    from compute.quantize.quantizers import gptq

    wanted = {setting.quantizer for setting in settings} & {"gptq", "gptq_actorder"}
    if wanted and not gptq.installed():
        raise InputError(
            f"The quantizer {min(wanted)} needs the package auto-gptq, which is not installed "
            "here; `make compute` installs it."
        )


def suite_store(request: Request, suite: str, fingerprint: str) -> SuiteStore:
    """The suite's folder; measurements on another text or other models are never mixed in, and none
    at all into a published copy.

    Args:
        suite: its name if the request has none.

    Raises:
        InputError: the name is no folder's, another suite lies there, or a published copy.
    """
    if request.suite is not None and not re.fullmatch(r"\w[\w.-]*", request.suite):
        raise InputError(
            f"The suite name {request.suite!r} cannot be a folder name; use letters, digits, "
            "'-', '_' and '.'."
        )
    if request.data_dir.exists() and not request.data_dir.is_dir():
        raise InputError(f"The folder of artifacts {request.data_dir} is a file.")
    store = SuiteStore(request.data_dir, request.suite or suite)
    found = store.fingerprint()
    if found not in (None, fingerprint) and not request.suite:
        store = SuiteStore(request.data_dir, f"{suite}-{fingerprint[:6]}")
    elif found not in (None, fingerprint):
        raise InputError(
            f"The suite {request.suite!r} in {request.data_dir} was measured on another corpus or "
            "with other models; choose another name with SUITE=name, or remove the folder."
        )
    if request.measures and store.is_published:
        raise InputError(
            f"The suite {store.folder} is a published copy, which nothing is measured into; name "
            "another suite with SUITE=name (--suite name), or another folder with --data."
        )
    return store


def workspace_of(
    place: Place,
    store: SuiteStore,
    fingerprint: str,
    windows: Any,
    corpus: str,
    corpus_seed: int,
) -> Workspace:
    """What the units of a session share."""
    name = place.machines.call(place.device, describe_device, place.device)
    return Workspace(
        store=store,
        cache_dir=place.request.cache_dir,
        windows=windows,
        corpus=corpus,
        device=place.device,
        corpus_seed=corpus_seed,
        provenance=Provenance(store.suite, fingerprint, name),
        workers=place.workers,
    )
