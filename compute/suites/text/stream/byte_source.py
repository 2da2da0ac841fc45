"""From an address to the bytes behind it: a dataset on the hub, a web server, a folder."""

import functools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from huggingface_hub import get_session, hf_hub_url, is_offline_mode, parse_hf_uri
from huggingface_hub.errors import HfUriError
from huggingface_hub.utils import build_hf_headers, httpx

from compute.base.errors import InputError
from compute.suites.text.stream.range_reads import RangeReader


class ByteSource(Protocol):
    """Files that parts can be read of, by several threads at once."""

    commit: str | None

    def size(self, name: str) -> int:
        """Bytes of a file; ``InputError`` if there is none or it cannot be read."""

    def read(self, name: str, start: int, stop: int, size: int) -> bytes:
        """Bytes ``start`` to ``stop`` of a file of ``size`` bytes, or ``InputError``."""

    def stop(self) -> None:
        """Try nothing again from now on."""


def is_folder(address: str) -> bool:
    """Whether the address is one of this machine's folders."""
    return "://" not in address


@contextmanager
def open_source(address: str, commit: str | None = None) -> Iterator[ByteSource]:
    """The files below an address.

    Args:
        address: ``hf://datasets/ORG/NAME``, ``hf://datasets/ORG/NAME@REVISION``, ``http://...``,
            ``https://...`` or a folder of this machine.
        commit: reads a hub dataset at this commit, whatever its revision names by now.

    Raises:
        InputError: the address is none of these, or offline mode forbids to contact it.
    """
    if is_folder(address):
        yield LocalFolder(Path(address))
    elif address.startswith("hf://"):
        yield _hub_dataset(address, commit)
    elif address.startswith(("http://", "https://")):
        # Not the hub's client: that one refuses every address while the hub is offline.
        with httpx.Client(verify=_trusted()) as client:
            yield RangeReader(
                address,
                url=lambda name, commit: f"{address.rstrip('/')}/{quote(name)}",
                client=lambda: client,
                headers={},
            )
    else:
        raise InputError(
            f"The address {address} is not one of hf://datasets/ORG/NAME, http://..., https://... "
            "and a folder; correct it."
        )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Certificates of this machine: to load them takes longer than many a read."""
    return httpx.create_ssl_context()


def _hub_dataset(address: str, commit: str | None) -> RangeReader:
    try:
        uri = parse_hf_uri(address)
    except HfUriError:
        uri = None
    if uri is None or uri.type != "dataset":
        raise InputError(
            f"The address {address} does not name a dataset of the hub; write "
            "hf://datasets/ORG/NAME or hf://datasets/ORG/NAME@REVISION."
        )
    if is_offline_mode():
        raise InputError(
            f"Not all that is needed of {address} is cached, and HF_HUB_OFFLINE is set; unset it "
            "to contact the hub, or give the address of a copy."
        )
    return RangeReader(
        address,
        url=lambda name, commit: hf_hub_url(
            uri.id,
            name,
            subfolder=uri.path_in_repo,
            repo_type="dataset",
            revision=commit or uri.revision,
        ),
        client=get_session,
        headers=build_hf_headers(library_name="boundscape"),
        commit=commit,
    )


class LocalFolder:
    """Files of this machine."""

    commit = None

    def __init__(self, folder: Path):
        self._folder = folder

    def size(self, name: str) -> int:
        """Bytes of a file."""
        with self._opened(name) as path:
            return path.stat().st_size

    def read(self, name: str, start: int, stop: int, size: int) -> bytes:
        """Bytes ``start`` to ``stop`` of a file; it must still have ``size`` bytes."""
        with self._opened(name) as path, path.open("rb") as file:
            file.seek(start)
            content = file.read(stop - start)
            found = path.stat().st_size
        if found != size or len(content) != stop - start:
            raise InputError(
                f"The shard {path} has {found:,} bytes now and had {size:,} a moment ago; wait "
                "until nothing writes to it."
            )
        return content

    def stop(self) -> None:
        """Nothing is tried twice."""

    @contextmanager
    def _opened(self, name: str) -> Iterator[Path]:
        path = self._folder / name
        try:
            yield path
        except FileNotFoundError:
            raise InputError(
                f"The shard {path} is missing; correct the folder or the number of shards."
            ) from None
        except OSError as error:
            raise InputError(
                f"The shard {path} cannot be read ({error.strerror}); check the disk and who may "
                "read it."
            ) from error
