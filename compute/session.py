"""From what a person asks for to a checked plan: models, text, device, units."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from transformers import PreTrainedConfig

from compute.errors import InputError
from compute.machines import Machines, choose_machines
from compute.perform import describe_device
from compute.plan import Plan, make_plan
from compute.provenance import Provenance
from compute.setting import Setting
from compute.store import SuiteStore
from compute.unit import Unit
from compute.workspace import Workspace


@dataclass(frozen=True)
class Request:
    """What a person asks for; None means the default.

    Attributes:
        preset: name in ``ladder.toml`` or ``hub.toml``; None for Pythia on a GPU and for the
            ladder elsewhere.
        corpus: folder or file of text; None for the standard library's sources.
        data_dir: where artifacts go.
        cache_dir: where checkpoints and token windows go.
        suite: folder under ``data_dir``.
        device: torch device.
        workers: processes.
        retry_failed: try units again that failed before.
        ladder_file: another ``ladder.toml``.
        hub_file: another ``hub.toml``.
        model: a model on the hub, or in a folder, instead of a preset.
        revision: of that model.
        gguf: file in the folder of that model that holds it.
        train_tokens: D of that model.
        dataset: on the hub, whose text stands in for what that model was trained on.
        text_field: column or field of the text in a dataset or in shards.
        stream: address of the token files that a model was trained on.
        shards: files that these are divided into.
        context_length: tokens of a window of that model.
        only: ids of the models to measure.
        without: stages to leave out.
        hours: models whose units would take the run beyond so many hours are left out.
        executor: ``local`` or ``ray``.
        address: of a Ray cluster.
        measures: whether units are to be run, which a published copy does not take.
    """

    preset: str | None
    corpus: Path | None
    data_dir: Path
    cache_dir: Path
    suite: str | None = None
    device: str | None = None
    workers: int | None = None
    retry_failed: bool = False
    ladder_file: Path | None = None
    hub_file: Path | None = None
    model: str | None = None
    revision: str | None = None
    gguf: str | None = None
    train_tokens: int | None = None
    dataset: str | None = None
    text_field: str = "text"
    stream: str | None = None
    shards: int | None = None
    context_length: int | None = None
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    hours: float | None = None
    executor: str = "local"
    address: str | None = None
    measures: bool = True


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
    """

    workspace: Workspace
    workers: int
    retry_failed: bool
    plan: Plan
    machines: Machines
    why: str | None = field(default=None, kw_only=True)
    skipped: dict[str, str] = field(default_factory=dict, kw_only=True)

    @classmethod
    def of(cls, place: "Place", workspace: Workspace, units: list[Unit], **own: Any) -> Self:
        """A session with a plan for what is on disk now."""
        again = place.request.retry_failed
        plan = make_plan(units, workspace, again)
        return cls(workspace, place.workers, again, plan, place.machines, **own)

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

    def prepared(self) -> Self:
        """The same session when all that its units share is in the cache."""
        return self

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
    from compute.suites.hub_suite import hub_presets

    if request.executor == "ray":  # its processes run in folders of their own
        folders = (request.data_dir.absolute(), request.cache_dir.absolute())
        request = replace(request, data_dir=folders[0], cache_dir=folders[1])
    place = _place(request)
    if request.model is not None:
        return hub_session.open_model(place)
    if request.gguf is not None:
        raise InputError("--gguf names a file inside the folder that --model names; give both.")
    preset, why = request.preset, None
    if preset is None:
        preset = "pythia" if place.device.startswith("cuda") else "small"
        why = (
            f"Preset {preset}, since there is {'a' if preset == 'pythia' else 'no'} GPU; choose "
            "another with --preset (PRESET=... of make)."
        )
    on_hub = preset in hub_presets(request.hub_file)
    opened = hub_session.open_preset if on_hub else ladder_session.open_ladder
    return replace(opened(place, preset), why=why)


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
    from compute.quantizers import gptq

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
