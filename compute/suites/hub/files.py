"""Which files of a model are used: its configuration, its tokenizer's, and one set of weights."""

import functools
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile

from compute.base.errors import InputError
from compute.suites.hub.failures import explained
from compute.suites.hub.source import Source

CONFIGURATION = ("config.json", "generation_config.json")
TOKENIZER = (
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "chat_template.jinja",
)

#: Weights in the order in which transformers looks for them: (one file, index of several).
WEIGHTS = (
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
)

#: The files of weights alone, in the same order.
WEIGHT_PATTERNS = ("model*.safetensors", "pytorch_model*.bin")

#: Of these weights the hub tells names and shapes.
SAFETENSORS = (".safetensors", ".safetensors.index.json")


@dataclass(frozen=True)
class RemoteFile:
    """A file as the hub lists it: its size in bytes, and what the cache calls its content."""

    size: int
    blob: str


@functools.lru_cache(maxsize=1024)
def remote_files(source: Source, commit: str) -> dict[str, RemoteFile]:
    """The files at the top of the repository; asked once, as a commit never changes.

    Raises:
        UnreachableError: the hub cannot be asked.
        InputError: it refuses.
    """
    with explained(source):
        listed = list(HfApi().list_repo_tree(source.name, revision=commit))
    return {
        file.path: RemoteFile(file.size, file.lfs.sha256 if file.lfs else file.blob_id)
        for file in listed
        if isinstance(file, RepoFile)
    }


def folder_files(folder: Path) -> dict[str, int]:
    """Names and bytes of the files at the top of ``folder``."""
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}


def matching(names: Collection[str], patterns: Collection[str]) -> list[str]:
    """The ``names`` that match a pattern, sorted."""
    return sorted(n for n in names if any(fnmatch(n, pattern) for pattern in patterns))


def weights_among(names: Collection[str], place: str, read: Callable[[str], Path]) -> list[str]:
    """The files that make up the weights: one format only, shards with their index.

    Args:
        names: Files that there are.
        place: What they are the files of, for the message.
        read: Where the file of that name lies; called for an index alone.

    Raises:
        InputError: there are no weights, or not all that the index names.
    """
    for single, index in WEIGHTS:
        if single in names:
            return [single]
        if index in names:
            shards = _shards(read(index))
            missing = [shard for shard in shards if shard not in names]
            if missing:
                raise InputError(
                    f"{place} lacks {missing[0]}, one of {len(shards)} files of weights that "
                    f"{index} names: fetch it again while connected, or name another revision."
                )
            return [index, *shards]
    formats = " or ".join(single for single, _ in WEIGHTS)
    raise InputError(f"{place} has no weights ({formats}, whole or in shards).")


def folder_weights(folder: Path, place: str) -> dict[str, int]:
    """``weights_among`` the files of ``folder``, with their bytes."""
    found = folder_files(folder)
    return {name: found[name] for name in weights_among(found, place, folder.joinpath)}


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{index} is not an index of weights: delete {index.resolve()} and run again."
        ) from None
