"""A real local hub cache of tiny models, as ``huggingface_hub`` would have downloaded it.

``models--ORG--NAME`` holds ``blobs`` (large files named by SHA-256, small ones by git's SHA-1),
``refs`` (a revision's commit) and ``snapshots`` (a commit's files, relative links to the blobs).
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, save_torch_state_dict
from transformers import PreTrainedModel

from tests.tiny_models import make_tokenizer, tiny_gpt2, tiny_llama, tiny_neox, token_windows, train

#: Endings of files that the hub keeps as large files (LFS).
LARGE = (".safetensors", ".bin")
FORMATS = ("safetensors", "bin", "sharded", "sharded-bin")

#: Revisions of the chain ``tiny/neox-a``; nothing is learned before step 1, as in a warm-up.
CHAIN = (0, 1, 2, 4, 8, 16)

#: Windows that one step of the chain trains on: two updates, so that losses fall clearly.
WINDOWS_A_STEP = 2 * 16


@dataclass(frozen=True)
class TinyHub:
    """The folder that ``HF_HOME`` names, and a tokenizer's folder that its models share."""

    home: Path
    tokenizer: Path

    @property
    def cache(self) -> Path:
        """What ``HF_HUB_CACHE`` names."""
        return self.home / "hub"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a subprocess with this cache and no network."""
        return offline_environment(self.home)


def offline_environment(home: Path) -> dict[str, str]:
    """This process's environment with the hub's cache under ``home``, and offline."""
    ours = {"HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_OFFLINE": "1"}
    return {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | ours


def use_offline(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let this process see the cache under ``home`` and no network, until ``monkeypatch`` ends.

    ``huggingface_hub`` reads its environment once, when it is imported: its constants are set.
    """
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name, value in offline_environment(home).items():
        if name.startswith("HF_"):
            monkeypatch.setenv(name, value)


def add_revision(
    cache: Path,
    repo_id: str,
    revision: str,
    model: PreTrainedModel,
    tokenizer_folder: Path | None,
    fmt: str = "safetensors",
) -> str:
    """Put ``model`` into the cache as ``revision`` of ``repo_id``; returns the commit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_model(model, folder, fmt)
        if tokenizer_folder is not None:
            shutil.copytree(tokenizer_folder, folder, dirs_exist_ok=True)
        return add_files(cache, repo_id, revision, folder)


def save_model(model: PreTrainedModel, folder: Path, fmt: str = "safetensors") -> None:
    """A checkpoint in Hugging Face layout; ``fmt`` is one of ``FORMATS``."""
    assert fmt in FORMATS, fmt
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    if fmt == "safetensors":
        model.save_pretrained(folder)
        return
    model.config.save_pretrained(folder)
    weights = model.state_dict()
    if fmt == "bin":
        torch.save(weights, folder / "pytorch_model.bin")
        return
    total = sum(w.numel() * w.element_size() for w in weights.values())
    pattern = "model{suffix}.safetensors" if fmt == "sharded" else "pytorch_model{suffix}.bin"
    save_torch_state_dict(
        weights,
        folder,
        filename_pattern=pattern,
        max_shard_size=total // 2,
        safe_serialization=fmt == "sharded",
        metadata={"format": "pt"},
    )


def add_files(cache: Path, repo_id: str, revision: str, folder: Path) -> str:
    """Put the files of ``folder`` into the cache as ``revision`` of ``repo_id``.

    Returns:
        The commit: a hash of repository, revision, names and contents.
    """
    repo = cache / f"models--{repo_id.replace('/', '--')}"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    blobs = {path.relative_to(folder): blob_name(path) for path in files}
    commit = hashlib.sha1(repr((repo_id, revision, sorted(blobs.items()))).encode()).hexdigest()
    snapshot = repo / "snapshots" / commit
    for name, blob in blobs.items():
        kept, link = repo / "blobs" / blob, snapshot / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            shutil.copyfile(folder / name, kept)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(kept, link.parent))
    ref = repo / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit)
    return commit


def blob_name(file: Path) -> str:
    """What the hub calls a file's content: SHA-256 of a large file, else git's SHA-1."""
    content = file.read_bytes()
    if file.name.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def build(home: Path) -> TinyHub:
    """``tiny/neox-a`` (``main`` and ``CHAIN``), ``tiny/gpt2`` and ``tiny/llama``."""
    hub = TinyHub(home, home / "tokenizer")
    windows = token_windows(make_tokenizer(hub.tokenizer), WINDOWS_A_STEP * CHAIN[-1])
    model, done = tiny_neox(seed=0), 0
    for step in CHAIN:
        if step > 1:
            train(model, windows[WINDOWS_A_STEP * done : WINDOWS_A_STEP * step])
            done = step
        add_revision(hub.cache, "tiny/neox-a", f"step{step}", model, hub.tokenizer)
    add_revision(hub.cache, "tiny/neox-a", "main", model, hub.tokenizer)
    for name, other in {"gpt2": tiny_gpt2(seed=1), "llama": tiny_llama(seed=2)}.items():
        train(other, windows[: 16 * 8])
        add_revision(hub.cache, f"tiny/{name}", "main", other, hub.tokenizer)
    return hub


@pytest.fixture(scope="session")
def tiny_hub(tmp_path_factory) -> TinyHub:
    """The cache of ``build``; shared by all tests: write into copies only (``own_hub``)."""
    return build(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def offline_hub(tiny_hub, monkeypatch) -> TinyHub:
    """``tiny_hub`` as this process's hub cache, without a network."""
    use_offline(monkeypatch, tiny_hub.home)
    return tiny_hub


@pytest.fixture
def own_hub(tiny_hub, tmp_path, monkeypatch) -> TinyHub:
    """A copy of ``tiny_hub`` that the test may change, as this process's hub cache."""
    shutil.copytree(tiny_hub.home, tmp_path / "hub-home", symlinks=True)
    hub = TinyHub(tmp_path / "hub-home", tmp_path / "hub-home" / "tokenizer")
    use_offline(monkeypatch, hub.home)
    return hub
