"""Shards in Pythia's layout, and a web server with range requests that can be told to misbehave."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import unquote

import numpy as np

#: What the hub calls the commit of every dataset that is served.
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def shard_name(index: int, shards: int) -> str:
    """document-00000-of-00020.bin is the first of 21."""
    return f"document-{index:05d}-of-{shards - 1:05d}.bin"


def write_shards(folder: Path, ids: np.ndarray, shards: int) -> None:
    """Write ``ids`` as little-endian uint16, cut into equal shards and a smaller last one."""
    folder.mkdir(parents=True, exist_ok=True)
    content = ids.astype("<u2").tobytes()
    size = 2 * -(-len(content) // (2 * shards))
    for index in range(shards):
        part = content[index * size : (index + 1) * size]
        (folder / shard_name(index, shards)).write_bytes(part)


@dataclass
class Request:
    """One request that came: what was asked for, and how many bytes of content were sent.

    It is counted before the answer goes out, so that a client with the answer sees the count.
    """

    path: str
    range: str | None
    token: str | None
    sent: int = 0


#: Called with the handler and the bytes asked for; True if it has answered instead of the server.
Fault = Callable[["Handler", bytes], bool]


@dataclass
class ShardServer(AbstractContextManager):
    """Serves ``folder`` on 127.0.0.1, from a thread, until the block ends.

    ``/shards/NAME`` is a plain file server. ``/datasets/ORG/NAME/resolve/REVISION/NAME`` answers
    as the hub does: with a redirect to storage at another port, under a signature that can be
    made to expire.

    Attributes:
        fault: what to do instead of answering well; see ``once``, and the functions below.
        revisions: that the hub knows.
        expired: signatures that the storage no longer accepts; every redirect has its own.
    """

    folder: Path
    fault: Fault | None = None
    revisions: tuple[str, ...] = ("main", COMMIT)
    expired: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    signatures: Iterator[int] = field(default_factory=count)

    def __enter__(self) -> "ShardServer":
        handler = partial(Handler, self)
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def storage(self) -> str:
        """Where the hub redirects to."""
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    @property
    def address(self) -> str:
        """Of the plain file server."""
        return f"{self.endpoint}/shards"

    @property
    def sent(self) -> int:
        """Bytes of content sent so far."""
        return sum(request.sent for request in self.requests)

    def forget(self) -> None:
        """Count requests from here on."""
        self.requests.clear()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, served: ShardServer, *arguments: object):
        self.served = served
        super().__init__(*arguments)

    def log_message(self, *message: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        """Answer, and count."""
        token = self.headers.get("Authorization")
        self.counted = Request(self.path, self.headers.get("Range"), token)
        self.served.requests.append(self.counted)
        self._answer()

    def send_content(self, content: bytes) -> None:
        """Send it, and count it."""
        self.counted.sent += len(content)
        self.wfile.write(content)

    def _answer(self) -> None:
        path, _, query = unquote(self.path).partition("?")
        hub = re.fullmatch(r"/datasets/org/stream/resolve/(.+)/([^/]+)", path)
        self.file = file = self.served.folder / path.rpartition("/")[2]
        if path.startswith("/datasets/") and not hub:
            self.reply(404, {"X-Error-Code": "RepoNotFound"})
        elif hub and hub[1] not in self.served.revisions:
            self.reply(404, {"X-Error-Code": "RevisionNotFound"})
        elif not file.is_file():
            self.reply(404, {"X-Error-Code": "EntryNotFound"})
        elif path.startswith("/stored/") and query in self.served.expired:
            self.reply(403)
        elif self.served.fault is None or not self.served.fault(self, self.asked(file)[0]):
            if hub:
                target = f"{self.served.storage}/stored/{hub[2]}?{next(self.served.signatures)}"
                self.reply(302, {"Location": target, "X-Repo-Commit": COMMIT})
            else:
                self.send_range(file)

    def asked(self, file: Path) -> tuple[bytes, int, int, int]:
        """(content, first, last, size) of the range asked for; all of a file without one."""
        size = file.stat().st_size
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", f"bytes=0-{size}"))
        first, last = int(found[1]), min(int(found[2]), size - 1)
        with file.open("rb") as content:
            content.seek(first)
            return content.read(max(0, last - first + 1)), first, last, size

    def send_range(self, file: Path) -> None:
        """206 with the content, or 416."""
        content, first, last, size = self.asked(file)
        if not content:
            self.reply(416, {"Content-Range": f"bytes */{size}"})
        else:
            self.reply(206, {"Content-Range": f"bytes {first}-{last}/{size}"}, content)

    def reply(self, status: int, headers: dict | None = None, content: bytes = b"") -> None:
        """One whole answer."""
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.send_content(content)


def once(fault: Fault, after: int = 0) -> Fault:
    """Misbehave one time, after ``after`` requests that go well."""
    lock, counted = threading.Lock(), count()

    def chosen(handler: Handler, content: bytes) -> bool:
        with lock:
            now = next(counted) == after
        return now and fault(handler, content)

    return chosen


def first_time(fault: Fault) -> Fault:
    """Misbehave the first time that a range of a file is asked for."""
    seen = set()

    def chosen(handler: Handler, content: bytes) -> bool:
        asked = (handler.path.partition("?")[0], handler.headers["Range"])
        if asked in seen:
            return False
        seen.add(asked)
        return fault(handler, content)

    return chosen


def expire(handler: Handler, content: bytes) -> bool:
    """The storage lets every signature expire at its tenth use."""
    if not handler.path.startswith("/stored/"):
        return False
    served = handler.served
    if sum(request.path == handler.path for request in list(served.requests)) < 10:
        return False
    served.expired.add(handler.path.partition("?")[2])
    handler.reply(403)
    return True


def status(code: int, **headers: str) -> Fault:
    """Answer with this status."""

    def fault(handler: Handler, content: bytes) -> bool:
        handler.reply(code, {key.replace("_", "-"): value for key, value in headers.items()})
        return True

    return fault


def redirect_to(folder: str) -> Fault:
    """Redirect everything that is not there yet to ``/folder/NAME`` of the same server."""

    def fault(handler: Handler, content: bytes) -> bool:
        if handler.path.startswith(f"/{folder}/"):
            return False
        handler.reply(302, {"Location": f"/{folder}/{handler.path.rpartition('/')[2]}"})
        return True

    return fault


def ignore_range(handler: Handler, content: bytes) -> bool:
    """Send the file from its start, with 200, as long as someone listens."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(30_000_000_000))
    handler.end_headers()
    try:
        for _ in range(2000):
            handler.send_content(bytes(65536))
    except OSError:
        pass
    handler.close_connection = True
    return True


def drop(handler: Handler, content: bytes) -> bool:
    """Close the connection in the middle of the content."""
    _send_half(handler, content, len(content))
    handler.close_connection = True
    return True


def truncate(handler: Handler, content: bytes) -> bool:
    """Send the right range and too few bytes of it, as if that were all."""
    _send_half(handler, content, len(content) // 2)
    return True


def _send_half(handler: Handler, content: bytes, length_told: int) -> None:
    _, first, last, size = handler.asked(handler.file)
    handler.send_response(206)
    handler.send_header("Content-Length", str(length_told))
    handler.send_header("Content-Range", f"bytes {first}-{last}/{size}")
    handler.end_headers()
    handler.send_content(content[: len(content) // 2])
