"""Where a model comes from: a repository of the Hugging Face hub at a revision, or a folder."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, is_offline_mode, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name

from compute.base.errors import InputError
from compute.hub.failures import explained

#: "NAME" (old models) or "ORG/NAME"; what else a name might be is a path.
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

#: A branch, tag or commit; no path out of the cache's folder of revisions.
REVISION = re.compile(r"(?!.*\.\.)[\w][\w./+-]*")


@dataclass(frozen=True)
class Source:
    """A model to load.

    Attributes:
        name: ``ORG/NAME`` on the hub, or a local folder.
        revision: Branch, tag or commit; must be left as it is for a folder.
        gguf: Name of the GGUF file in that folder which holds the model; None for a checkpoint in
            Hugging Face layout.
    """

    name: str
    revision: str = "main"
    gguf: str | None = None

    def __str__(self) -> str:
        if self.gguf is not None:
            return f"{self.name}/{self.gguf}"
        return self.name if self.revision == "main" else f"{self.name} at {self.revision}"


def local_folder(source: Source) -> Path | None:
    """The folder that ``source`` names, or None if it names a repository.

    Raises:
        InputError: there is no such folder, it holds no model, or it is given a revision; the
            name or the revision is none.
    """
    folder = Path(source.name).expanduser()
    if folder.is_dir():
        if source.revision != "main":
            raise InputError(
                f"{source.name!r} is a folder, which has no revision {source.revision!r}: leave "
                "the revision out, or name the folder that holds it."
            )
        if source.gguf is not None:
            if not (folder / source.gguf).is_file():
                raise InputError(
                    f"The folder {source.name!r} holds no file {source.gguf!r}; --gguf names one "
                    "inside the folder that --model names."
                )
            return folder
        ggufs = sorted(path.name for path in folder.glob("*.gguf"))
        if not (folder / "config.json").is_file() and ggufs:
            raise InputError(
                f"The folder {source.name!r} holds a model as GGUF; name its file with --gguf "
                f"{ggufs[0]}."
            )
        if not (folder / "config.json").is_file():
            raise InputError(
                f"The folder {source.name!r} holds no config.json: name a folder that "
                "save_pretrained wrote."
            )
        return folder
    if folder.is_file() and folder.suffix.lower() == ".gguf":
        raise InputError(
            f"{source.name!r} is a GGUF file; name its folder and the file: --model "
            f"{folder.parent} --gguf {folder.name}."
        )
    if source.gguf is not None:
        raise InputError(
            f"--gguf {source.gguf} is read from a folder, and {source.name!r} is not one; fetch "
            "the file first."
        )
    if not REPOSITORY.fullmatch(source.name) or folder.exists():
        raise InputError(
            f"{source.name!r} is neither a folder nor a model's name on the hub (ORG/NAME): check "
            "the spelling."
        )
    if not REVISION.fullmatch(source.revision):
        raise InputError(
            f"{source.revision!r} is no revision of {source.name}: name a branch, tag or commit."
        )
    return None


def commit_of(source: Source) -> str:
    """The commit that the revision stands for; of a folder, a digest of the names, sizes and
    times of its files.

    Where the hub cannot be asked it is the commit that it named last.

    Raises:
        InputError: no such folder, repository or revision; no access; or the hub cannot be asked,
            and never was.
    """
    folder = local_folder(source)
    if folder is not None:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if source.gguf is not None:
            files = [folder / source.gguf]
        states = [(path.name, path.stat()) for path in files]
        lines = [f"{name}\t{s.st_size}\t{s.st_mtime_ns}\n" for name, s in states]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with explained(source):
        return (
            HfApi()
            .resolve_revision(
                source.name, revision=source.revision, local_files_only=is_offline_mode()
            )
            .resolved
        )


def repository_cache(source: Source) -> Path:
    """Folder of the hub's cache with all that is kept of the repository; it need not exist."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.name, repo_type="model")


def cached_snapshot(source: Source, commit: str) -> Path | None:
    """The cache's folder of this commit, complete or not, or None."""
    try:
        # No pattern, no file that must be there.
        return Path(
            snapshot_download(
                source.name, revision=commit, local_files_only=True, allow_patterns=[]
            )
        )
    except LocalEntryNotFoundError:
        return None
