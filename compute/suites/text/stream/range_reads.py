"""Parts of files over HTTP: each one checked, and asked for again while the trouble may pass."""

import re
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from huggingface_hub.utils import httpx, parse_ratelimit_headers

from compute.base.errors import InputError
from compute.suites.text.stream.http_refusals import refusal

#: How often one read is tried.
ATTEMPTS = 5

#: Before the second attempt; doubles with each.
FIRST_WAIT_SECONDS = 1.0

#: The longest wait that a server may ask for: the hub counts requests over five minutes.
LONGEST_WAIT_SECONDS = 310.0

TIMEOUT_SECONDS = 30.0

#: Statuses that another attempt may change, as for huggingface_hub's own downloads.
PASSING_STATUSES = {408, 429, 500, 502, 503, 504}

PASSING_ERRORS = (
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.ProxyError,
    httpx.RemoteProtocolError,
)


class _PassingError(Exception):
    """Trouble that may pass; ``wait`` is how many seconds the server wants us to."""

    def __init__(self, message: str, wait: float | None = None):
        super().__init__(message)
        self.wait = wait


class RangeReader:
    """Reads files below one address by range; may be used by several threads.

    A hub answers with a redirect to its storage. The redirect is remembered per file until it is
    refused, so that thousands of reads do not count as thousands of requests to the hub, which
    limits them. The token never goes to another host.

    Attributes:
        address: as a person wrote it, for messages.
        commit: of the hub's dataset; where none was given, the one that answered first, which
            all later reads are of.
    """

    def __init__(
        self,
        address: str,
        url: Callable[[str, str | None], str],
        client: Callable[[], httpx.Client],
        headers: dict[str, str],
        commit: str | None = None,
    ):
        """``url`` is a function of file name and commit; ``headers`` go to its host alone."""
        self.address = address
        self.commit = commit
        self._url = url
        self._client = client
        self._headers = headers
        self._stored: dict[str, str] = {}  # file name -> address in the hub's storage
        self._stopping = threading.Event()

    def size(self, name: str) -> int:
        """Bytes of a file.

        Raises:
            InputError: it cannot be read by range, and why.
        """
        return self._insist(name, 0, 1)[1]

    def read(self, name: str, start: int, stop: int, size: int) -> bytes:
        """Bytes ``start`` to ``stop`` of a file of ``size`` bytes.

        Raises:
            InputError: they cannot be read, and why, or the file has another size.
        """
        content, found = self._insist(name, start, stop)
        if found != size:
            raise InputError(
                f"{self._url(name, self.commit)} has {found:,} bytes now and had {size:,} when its "
                "size was first asked for, so it is no longer the same stream; name a fixed "
                "revision, or delete the stream's file in token_streams of the cache."
            )
        return content

    def stop(self) -> None:
        """Try nothing again from now on."""
        self._stopping.set()

    def _insist(self, name: str, start: int, stop: int) -> tuple[bytes, int]:
        """The bytes, and the size of the file, in at most ``ATTEMPTS`` attempts."""
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(name, start, stop)
            except _PassingError as error:
                self._stored.pop(name, None)
                trouble = error
            asked = wait if trouble.wait is None else min(trouble.wait, LONGEST_WAIT_SECONDS)
            if attempt == ATTEMPTS or self._stopping.wait(asked):
                break
            wait *= 2
        raise InputError(
            f"{self._url(name, self.commit)} of {self.address} could not be read in {attempt} "
            f"attempts ({trouble}); check the network and run again: what came is kept."
        )

    def _attempt(self, name: str, start: int, stop: int) -> tuple[bytes, int]:
        url, stored = self._url(name, self.commit), self._stored.get(name)
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        if not stored:
            headers |= self._headers
        try:
            with self._client().stream(
                "GET",
                stored or url,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                follow_redirects=True,
            ) as response:
                self._check_status(response, name, url, bool(stored))
                size = self._size_of_file(response, url, start, stop)
                content = _body(response, min(stop, size) - start)
        except PASSING_ERRORS as error:
            raise _PassingError(f"{type(error).__name__}: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(
                f"{url} of {self.address} cannot be read ({type(error).__name__}: {error}); "
                "correct the address."
            ) from error
        self._remember(response, name, url)
        return content, size

    def _check_status(self, response: httpx.Response, name: str, url: str, stored: bool) -> None:
        """Let pass what has a ``Content-Range``."""
        status = response.status_code
        if status in PASSING_STATUSES:
            raise _PassingError(f"status {status}", _wait_asked_for(response))
        if status in (206, 416):
            return
        if stored:  # a redirect is signed for an hour or so; the next attempt asks for a new one
            raise _PassingError(f"status {status} of the hub's storage", wait=0.0)
        raise InputError(refusal(self.address, name, url, status, response.headers))

    def _size_of_file(self, response: httpx.Response, url: str, start: int, stop: int) -> int:
        """From ``Content-Range``, which must be the range that was asked for."""
        told = response.headers.get("Content-Range", "")
        if response.status_code == 416:  # these bytes do not exist
            found = re.fullmatch(r"bytes \*/(\d+)", told)
            if found and int(found[1]) <= start:
                return int(found[1])
        else:
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", told)
            if found:
                first, last, size = map(int, found.groups())
                if (first, last) == (start, min(stop, size) - 1):
                    return size
        raise InputError(
            f"{url} of {self.address} was asked for bytes {start}-{stop - 1} and answered "
            f"{told or 'without a range'}; use a server that supports range requests, or copy the "
            "shards and give their folder."
        )

    def _remember(self, response: httpx.Response, name: str, url: str) -> None:
        """Keep the commit that answered, and where the hub stores the file."""
        answers = [*response.history, response]
        commits = (answer.headers.get("X-Repo-Commit") for answer in answers)
        self.commit = self.commit or next(filter(None, commits), None)
        if response.history and _host(str(response.url)) != _host(url):
            self._stored[name] = str(response.url)


def _body(response: httpx.Response, length: int) -> bytes:
    """The ``length`` bytes that the answer has; never more of it is held in memory."""
    content = bytearray()
    if response.status_code == 206:
        for part in response.iter_raw():
            content += part
            if len(content) > length:
                break
        if len(content) != length:
            raise _PassingError(f"{len(content)} bytes came instead of {length}")
    return bytes(content)


def _wait_asked_for(response: httpx.Response) -> float | None:
    """Seconds until the server wants to be asked again, if it says so."""
    limit = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and not limit.remaining:
        return limit.reset_in_seconds + 1.0
    after = response.headers.get("Retry-After", "")
    return float(after) if after.isdecimal() else None


def _host(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]
