"""Where a model comes from: a repository of the Hugging Face hub at a revision, or a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from compute.base.errors import InputError

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
