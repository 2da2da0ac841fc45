"""The machines of a request, and the folder of its suite."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from compute.base.errors import InputError
from compute.base.provenance import Provenance
from compute.base.setting import Setting
from compute.quantize.quantizers import gptq
from compute.session.request import Request
from compute.work.machines.choice import Machines, choose_machines
from compute.work.machines.devices import describe_device
from compute.work.store import SuiteStore
from compute.work.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A request with the place of its work.

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


def place_of(request: Request) -> Place:
    """The machines that a request names, with a test of the device.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    folders = (request.data_dir, request.cache_dir)
    machines = choose_machines(request.executor, request.address, request.workers, folders)
    device = machines.device(request.device)
    return Place(request, machines, device, machines.workers(request.workers, device))


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


def check_quantizers(settings: Iterable[Setting]) -> None:
    """Refuse settings whose package is missing.

    Raises:
        InputError: naming it.
    """
    wanted = {setting.quantizer for setting in settings} & {"gptq", "gptq_actorder"}
    if wanted and not gptq.installed():
        raise InputError(
            f"The quantizer {min(wanted)} needs the package auto-gptq, which is not installed "
            "here; `make compute` installs it."
        )


def suite_store(request: Request, suite: str, fingerprint: str) -> SuiteStore:
    """The suite's folder; measurements on another text or other models never mix.

    Nothing is written into a published copy.

    Args:
        suite: its name if the request has none.

    Raises:
        InputError: the name is not a folder name, or the folder has another suite or a published
            copy.
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
            f"The suite {store.folder} is a published copy, and nothing can be added to it; name "
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
