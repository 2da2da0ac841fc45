"""Runs on published models in this process, one unit after the other, against a miniature hub."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from compute.session.opening import open_session
from compute.session.request import Request
from compute.session.session import Session
from compute.work.machines.perform import perform
from tests.published import Published, published
from tests.tiny_hub import TinyHub, use_offline


@dataclass(frozen=True)
class Run:
    """One that has ended.

    Attributes:
        there: what it was run against.
        session: as it was carried out, its text ready.
        errors: of the units that failed, by name.
    """

    there: Published
    session: Session
    errors: dict[str, str]

    def rows(self, table: str, **equal) -> list[dict]:
        """Rows of one table in which these columns have these values."""
        found = pq.read_table(self.session.workspace.store.folder / table).to_pylist()
        return [row for row in found if all(row[k] == v for k, v in equal.items())]


def opened(there: Published, base: Path, preset: str | None = "pythia", **wanted) -> Session:
    """A session with artifacts and cache under ``base``; curvature is left out."""
    wanted = {"without": ("curvature",), "hub_file": there.folder / "suites.toml"} | wanted
    for name in ("model", "revision", "train_tokens"):  # one model is named as one
        value = wanted.pop(name, None)
        wanted[name] = value if isinstance(value, tuple) else () if value is None else (value,)
    wanted = {"workers": 1} | wanted
    corpus = wanted.pop("corpus", None)
    folders = (base / "data", base / "cache")
    return open_session(Request(preset, corpus, *folders, device="cpu", **wanted))


def carried_out(there: Published, session: Session) -> Run:
    """Do what is left to do, as an executor would: what needs a failed unit is not begun."""
    session = session.prepared()
    errors: dict[str, str] = {}
    out: set[str] = set()
    for unit in session.plan.todo:
        if out & {*unit.needs}:
            out.add(unit.name)
            continue
        outcome = perform(unit, session.workspace, lambda tokens: None)
        if outcome.error is not None:
            errors[unit.name] = outcome.error
            out.add(unit.name)
    return Run(there, session, errors)


def done_again(there: Published, base: Path, **wanted) -> Run:
    """Open a session and carry it out."""
    return carried_out(there, opened(there, base, **wanted))


def snapshot(there: Published, repo: str, revision: str) -> Path:
    """Folder of a revision in the miniature's hub cache."""
    folder = there.hub.cache / f"models--{repo.replace('/', '--')}"
    return folder / "snapshots" / (folder / "refs" / revision).read_text()


def checkpoint(there: Published, repo: str, revision: str) -> PreTrainedModel:
    """That revision as transformers alone loads it."""
    return AutoModelForCausalLM.from_pretrained(
        snapshot(there, repo, revision), dtype=torch.float32, local_files_only=True
    ).eval()


@torch.no_grad()
def plain_losses(
    model: PreTrainedModel, windows: np.ndarray, vocab_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Losses and entropies of all predictions, shape (windows, T), float64, by all the logits."""
    losses, entropies = [], []
    for ids in torch.from_numpy(windows.astype(np.int64)).split(64):
        logits = model(input_ids=ids[:, :-1]).logits[..., :vocab_size]
        log_p = torch.log_softmax(logits.double(), dim=-1)
        losses.append(-log_p.gather(-1, ids[:, 1:, None])[..., 0])
        entropies.append(-(log_p.exp() * log_p).sum(dim=-1))
    return torch.cat(losses).numpy(), torch.cat(entropies).numpy()


@pytest.fixture(scope="session")
def miniature(tmp_path_factory) -> Published:
    """Shared by all tests: write into copies only (``own_miniature``)."""
    with published(tmp_path_factory.mktemp("published")) as there:
        yield there


@pytest.fixture
def on_miniature(miniature, monkeypatch) -> Published:
    """``miniature`` as this process's hub, without a network."""
    use_offline(monkeypatch, miniature.hub.home)
    return miniature


@pytest.fixture
def own_miniature(miniature, tmp_path, monkeypatch) -> Published:
    """A copy of ``miniature``, but for its token server, that the test may change."""
    folder = tmp_path / "published"
    shutil.copytree(
        miniature.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("shards")
    )
    hub = TinyHub(folder / "hub-home", folder / "tokenizer")
    use_offline(monkeypatch, hub.home)
    return replace(miniature, hub=hub, folder=folder)


@pytest.fixture(scope="session")
def pythia_run(miniature, tmp_path_factory) -> Run:
    """The miniature's preset ``pythia``, all of it but curvature."""
    with pytest.MonkeyPatch.context() as patch:
        use_offline(patch, miniature.hub.home)
        run = done_again(miniature, tmp_path_factory.mktemp("pythia-run"))
    assert not run.errors
    return run
