"""Read bytes from an address with fsspec: in pieces, with timeouts, errors as one sentence."""

import logging
import os
import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.remote.address import VARIABLE, Address, on_this_machine
from dashboard.style.escaping import quoted

#: Seconds to wait for a connection, and for the next bytes on it.
CONNECT_SECONDS, READ_SECONDS = 10, 15

#: Seconds that a file may take, plus its size at the slowest accepted speed.
FILE_SECONDS, SLOWEST_BYTES_PER_SECOND = 60, 50_000

#: Bytes of one piece, and of one request to S3.
PIECE, S3_BLOCK = 2**20, 8 * 2**20

_log = logging.getLogger(__name__)


class UnreachableError(ArtifactError):
    """The address did not answer, or the connection broke; a later attempt may succeed."""


class Remote:
    """The files below an address."""

    def __init__(self, address: Address) -> None:
        """Prepare to read, without contacting the address.

        Raises:
            ArtifactError: a library for such addresses is not installed.
        """
        self.address = address
        try:
            import fsspec

            protocol, options = _filesystem(address)
            self._files = fsspec.filesystem(protocol, skip_instance_cache=True, **options)
        except ImportError as error:
            _log.warning("%s", error)
            raise ArtifactError(
                f"Addresses that begin with {address.protocol}:// need packages that are not "
                "installed; the operator of this app installs them with `pip install -r "
                "requirements.txt`."
            ) from None

    def pieces(self, path: str, size: int | None, most: int) -> Iterator[bytes]:
        """The content of a file, piece by piece, at most ``most`` bytes and one piece more.

        Args:
            path: below the address.
            size: in bytes, if it is known: this saves one request.

        Raises:
            UnreachableError: it cannot be read now.
            ArtifactError: it cannot be read.
        """
        url = f"{self.address.folder}/{path}"
        if self.address.protocol == "s3":
            how = {"block_size": S3_BLOCK, "size": size}
        else:  # without blocks it streams; with a given size it does not ask the server for it
            how = {"block_size": 0, "size": most}
        deadline = time.monotonic() + FILE_SECONDS + most / SLOWEST_BYTES_PER_SECOND
        got = 0
        try:
            with self._files.open(url, "rb", **how) as file:
                while got <= most and (piece := file.read(PIECE)):
                    got += len(piece)
                    yield piece
                    if time.monotonic() > deadline:
                        raise TimeoutError
        except ArtifactError:
            raise
        except Exception as error:  # noqa: BLE001 - every library has its own errors
            _log.warning("%s: %s: %s", url, type(error).__name__, error)
            raise self._sentence(error, path) from None

    def read(self, path: str, most: int) -> bytes:
        """A whole file of at most ``most`` bytes.

        Raises:
            UnreachableError: it cannot be read now.
            ArtifactError: it cannot be read, or is longer.
        """
        content = b"".join(self.pieces(path, None, most))
        if len(content) > most:
            raise ArtifactError(
                f"The file {quoted(path)} at {self.address.place} is longer than "
                f"{most / 2**20:g} MiB, so it is not read; check the address in {VARIABLE}."
            )
        return content

    def _sentence(self, error: Exception, path: str) -> ArtifactError:
        """The sentence for a visitor about an error of some library."""
        place, status = self.address.place, _status(error)
        if isinstance(error, FileNotFoundError) or status in (404, 410):
            return ArtifactError(
                f"There is no file {quoted(path)} at {place}; the operator of this app checks the "
                f"address in {VARIABLE}, and that everything was uploaded."
            )
        if isinstance(error, PermissionError) or status in (401, 403):
            return ArtifactError(
                f"{place} refuses the file {quoted(path)}: it needs credentials, or does not "
                f"exist; the operator of this app checks both and the address in {VARIABLE}."
            )
        if status is not None and status >= 400:
            why = f"it answers with status {status}"
        elif isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
            why = "it does not answer in time"
        else:
            why = "there is no connection, or it broke"
        return UnreachableError(
            f"{place} cannot be reached: {why}. Reload this page in a minute; the operator of "
            f"this app checks the address in {VARIABLE}."
        )


def _status(error: Exception) -> int | None:
    """HTTP status behind an error, if there is one."""
    found = getattr(error, "status", None)
    if found is None:
        found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


async def _check_redirect(address: Address, _session: Any, _context: Any, redirect: Any) -> None:
    """Refuse redirects to addresses that would themselves be refused."""
    target = redirect.response.headers.get("Location") or redirect.response.headers.get("URI", "")
    there = urlsplit(urljoin(str(redirect.response.url), target))
    stays_here = urlsplit(address.folder).scheme == "http" and on_this_machine(there)
    if there.scheme != "https" and not stays_here:
        raise ArtifactError(
            f"{address.place} redirects to an address that is not encrypted, so anyone in between "
            f"could change the numbers; the operator of this app checks the address in {VARIABLE}."
        )


def _filesystem(address: Address) -> tuple[str, dict[str, Any]]:
    """The protocol for fsspec, its timeouts, and its credentials."""
    if address.protocol == "s3":
        from botocore.session import Session

        limits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
        anonymous = Session().get_credentials() is None
        return "s3", {
            "anon": anonymous,
            "config_kwargs": {**limits, "retries": {"max_attempts": 1}},
        }
    if address.protocol in ("https", "http", "hf"):
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
        )
        token = os.environ.get("HF_TOKEN") if address.protocol == "hf" else None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        redirects = aiohttp.TraceConfig()
        redirects.on_request_redirect.append(partial(_check_redirect, address))
        client = {"timeout": timeout, "trust_env": True, "headers": headers}
        client["trace_configs"] = [redirects]
        return "https", {"client_kwargs": client}
    return address.protocol, {}
