"""Names, shapes and contents of a checkpoint's tensors, read without loading or fetching it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import HfApi, get_session, hf_hub_url
from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status
from safetensors import safe_open

from compute.base.errors import InputError
from compute.suites.hub import files
from compute.suites.hub.downloads.fetching import cached_weights, weight_files
from compute.suites.hub.failures import UnreachableError, explained
from compute.suites.hub.revisions import commit_of
from compute.suites.hub.source import Source

#: Bytes of each tensor that are compared where the weights are not here: enough that two that
#: were trained apart differ.
_SAMPLE_BYTES = 65_536


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as a file of weights lists it.

    Attributes:
        shape: as it is stored.
        read: its first values as they are stored, shape (count,): all of it where the file is
            here, and a sample of the same size for every tensor where it is not.
    """

    shape: tuple[int, ...]
    read: Callable[[], torch.Tensor]


def stored_tensors(source: Source) -> dict[str, StoredTensor] | None:
    """Every tensor of the files of weights, by name.

    Returns:
        None if it is unknown before the download: the hub cannot be asked, or
        they are not safetensors.

    Raises:
        InputError: the hub refuses, or a file is damaged.
    """
    folder = cached_weights(source)
    if folder is not None:
        return _in_folder(folder)
    try:
        names = weight_files(source)
        if names is None or not all(name.endswith(files.SAFETENSORS) for name in names):
            return None
        shards = [name for name in names if not name.endswith(".json")]
        return {k: v for name in shards for k, v in _on_hub(source, commit_of(source), name)}
    except UnreachableError:
        return None


def same_values(one: StoredTensor, other: StoredTensor) -> bool:
    """Whether two tensors hold the same values, as far as they can be read."""
    return one.shape == other.shape and torch.equal(one.read(), other.read())


def _in_folder(folder: Path) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    for name in files.folder_weights(folder, str(folder)):
        path = folder / name
        if name.endswith(".safetensors"):
            with safe_open(path, framework="pt") as opened:
                for key in opened.keys():  # noqa: SIM118 - it is no dictionary
                    shape = tuple(opened.get_slice(key).get_shape())
                    found[key] = StoredTensor(shape, _reader(path, key))
        elif name.endswith(".bin"):
            for key, tensor in torch.load(path, "cpu", weights_only=True, mmap=True).items():
                found[key] = StoredTensor(tuple(tensor.shape), tensor.flatten)
    return found


def _reader(path: Path, key: str) -> Callable[[], torch.Tensor]:
    def read() -> torch.Tensor:
        with safe_open(path, framework="pt") as opened:
            return opened.get_tensor(key).flatten()

    return read


def _on_hub(source: Source, commit: str, name: str) -> list[tuple[str, StoredTensor]]:
    with explained(source):
        try:
            header = HfApi().parse_safetensors_file_metadata(source.name, name, revision=commit)
        except (SafetensorsParsingError, NotASafetensorsRepoError) as error:
            raise InputError(f"{name} of {source} is not a safetensors file: {error}") from error
    url = hf_hub_url(source.name, name, revision=commit)

    def sample(start: int, end: int) -> Callable[[], torch.Tensor]:
        return lambda: _range(source, url, start, min(end, start + _SAMPLE_BYTES))

    return [
        (key, StoredTensor(tuple(info.shape), sample(*info.data_offsets)))
        for key, info in header.tensors.items()
    ]


def _range(source: Source, url: str, start: int, end: int) -> torch.Tensor:
    """Bytes from ``start`` to ``end`` of a file's data, which follows its header."""
    first = 8 + int.from_bytes(_bytes(source, url, 0, 8), "little")
    content = _bytes(source, url, first + start, first + end)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _bytes(source: Source, url: str, start: int, end: int) -> bytes:
    headers = build_hf_headers() | {"Range": f"bytes={start}-{end - 1}"}
    with explained(source):
        answer = get_session().get(url, headers=headers)
        hf_raise_for_status(answer)
    return answer.content[: end - start]
