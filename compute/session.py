"""From what a person asks for to a checked plan: corpus, suite, device, units."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from compute.errors import InputError
from compute.machines import Machines, choose_machines
from compute.perform import describe_device
from compute.plan import (
    Plan,
    check_corpus_size,
    ladder_units,
    make_plan,
    suite_fingerprint,
)
from compute.provenance import Provenance
from compute.store import SuiteStore
from compute.suites.corpus import Corpus, load_corpus
from compute.suites.ladder import Ladder, load_ladder
from compute.suites.windows import tile
from compute.workspace import Workspace


@dataclass(frozen=True)
class Request:
    """What a person asks for; None means the default.

    Attributes:
        preset: name in ``ladder.toml`` (or in ``ladder_file``).
        corpus: folder or file of text; None for the standard library's sources.
        data_dir: where artifacts go.
        cache_dir: where checkpoints and token windows go.
        suite: folder under ``data_dir``.
        device: torch device.
        workers: processes.
        retry_failed: try units again that failed before.
        ladder_file: another ``ladder.toml``.
        executor: ``local`` or ``ray``.
        address: of a Ray cluster.
    """

    preset: str
    corpus: Path | None
    data_dir: Path
    cache_dir: Path
    suite: str | None = None
    device: str | None = None
    workers: int | None = None
    retry_failed: bool = False
    ladder_file: Path | None = None
    executor: str = "local"
    address: str | None = None


@dataclass(frozen=True)
class Session:
    """A request found to be sound, ready to run."""

    ladder: Ladder
    corpus: Corpus
    workspace: Workspace
    workers: int
    retry_failed: bool
    plan: Plan
    machines: Machines

    def planned_again(self) -> "Session":
        """The same session with a plan for what is on disk now."""
        plan = make_plan(self.plan.units, self.workspace, self.retry_failed)
        return replace(self, plan=plan)


def open_session(request: Request) -> Session:
    """Check everything that can be checked before long work begins.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    ladder = load_ladder(request.preset, request.ladder_file)
    _check_quantizers(ladder)
    machines = choose_machines(
        request.executor, request.address, request.workers, (request.data_dir, request.cache_dir)
    )
    device = machines.device(request.device)
    workers = machines.workers(request.workers, device)
    corpus = load_corpus(request.corpus, ladder.heldout_bytes, ladder.corpus_seed)
    files = tile(corpus, ladder.context_length, ladder.corpus_seed, request.cache_dir)
    windows = files.open()
    check_corpus_size(ladder, windows, corpus.name)
    fingerprint = suite_fingerprint(ladder, corpus.fingerprint)
    store = _suite_store(request, ladder, fingerprint)
    device_name = machines.call(device, describe_device, device)
    workspace = Workspace(
        store=store,
        cache_dir=request.cache_dir,
        windows=files,
        corpus=corpus.name,
        device=device,
        corpus_seed=ladder.corpus_seed,
        provenance=Provenance(store.suite, fingerprint, device_name),
        workers=workers,
    )
    units = ladder_units(ladder, fingerprint, windows.heldout.size)
    plan = make_plan(units, workspace, request.retry_failed)
    return Session(ladder, corpus, workspace, workers, request.retry_failed, plan, machines)


def _check_quantizers(ladder: Ladder) -> None:
    from compute.quantizers import gptq

    wanted = {m.setting.quantizer for m in ladder.measurements} & {"gptq", "gptq_actorder"}
    if wanted and not gptq.installed():
        raise InputError(
            f"The quantizer {min(wanted)} needs the package auto-gptq, which is not installed "
            "here; `make compute` installs it."
        )


def _suite_store(request: Request, ladder: Ladder, fingerprint: str) -> SuiteStore:
    """The suite's folder; measurements on another corpus or other models are never mixed in."""
    if request.suite is not None and not re.fullmatch(r"\w[\w.-]*", request.suite):
        raise InputError(
            f"The suite name {request.suite!r} cannot be a folder name; use letters, digits, "
            "'-', '_' and '.'."
        )
    if request.data_dir.exists() and not request.data_dir.is_dir():
        raise InputError(f"The folder of artifacts {request.data_dir} is a file.")
    store = SuiteStore(request.data_dir, request.suite or ladder.suite)
    found = store.fingerprint()
    if found in (None, fingerprint):
        return store
    if request.suite:
        raise InputError(
            f"The suite {request.suite!r} in {request.data_dir} was measured on another corpus or "
            "with other models; choose another name with SUITE=name, or remove the folder."
        )
    return SuiteStore(request.data_dir, f"{ladder.suite}-{fingerprint[:6]}")
