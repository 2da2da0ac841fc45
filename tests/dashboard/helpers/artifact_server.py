"""A small web server over a folder of artifacts, that can fail in the ways that servers do.

It speaks enough of S3 (``GET`` and ``HEAD`` of ``/BUCKET/KEY``, ranges) and of the Hugging Face hub
(``/datasets/ORG/NAME/resolve/REVISION/PATH``) for what asks them.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class ArtifactServer:
    """What the server has, how it fails, and what it was asked.

    Attributes:
        folder: that it serves.
        faults: pattern of a path -> what to do instead, given the handler and the file's content.
        requests: (method, path), in order.
        authorized: what requests were authorized with.
    """

    folder: Path
    address: str = ""
    faults: dict[str, Callable] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorized: set[str | None] = field(default_factory=set)

    def gets(self) -> list[str]:
        """Paths that were asked for by ``GET``."""
        return [path for method, path in self.requests if method == "GET"]


@contextmanager
def serving(folder: Path) -> Iterator[ArtifactServer]:
    """The server on a free port of this machine, until the end of the block."""
    found = ArtifactServer(folder)
    handler = type("Handler", (_Handler,), {"ours": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    ours: ArtifactServer
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def log_message(self, *_):
        pass

    def _answer(self):
        path = self.path.partition("?")[0]
        self.ours.requests.append((self.command, path))
        self.ours.authorized.add(self.headers.get("Authorization"))
        hub = re.fullmatch(r"/datasets/[^/]+/[^/]+/resolve/[^/]+/(.+)", path)
        file = self.ours.folder / (hub[1] if hub else path[1:])
        content = file.read_bytes() if file.is_file() else None
        for pattern, fault in self.ours.faults.items():
            if re.search(pattern, path):
                return fault(self, content)
        if content is None:
            return self.send(404, b"there is no such file")
        return self.send(200, content)

    def send(self, status: int, content: bytes, length: int | None = None, **headers: str):
        """An answer; ``length`` is what it says of itself, if that is not so."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked and status == 200:
            status, whole = 206, len(content)
            start, end = int(asked[1]), int(asked[2] or whole - 1)
            content = content[start : end + 1]
            headers["Content-Range"] = f"bytes {start}-{start + len(content) - 1}/{whole}"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
        if length is not None:
            self.close_connection = True


def status(code: int) -> Callable:
    """Answers with this status and nothing else."""
    return lambda handler, _: handler.send(code, b"no")


def cut(handler: _Handler, content: bytes):
    """Hangs up half way."""
    handler.send(200, content[: len(content) // 2], length=len(content))


def shortened(handler: _Handler, content: bytes):
    """Sends half as if it were all."""
    handler.send(200, content[: len(content) // 2])


def altered(handler: _Handler, content: bytes):
    """Sends as many other bytes."""
    handler.send(200, content[:-1] + bytes([content[-1] ^ 1]))


def padded(handler: _Handler, content: bytes):
    """Sends more than there is."""
    handler.send(200, content + b"more")


def redirected(handler: _Handler, _):
    """Sends on to a copy, as hosts of large files do."""
    handler.send(302, b"", Location=handler.path.replace("/public/", "/elsewhere/"))


def redirected_to(host: str):
    """Sends on to the same path on another host."""

    def answer(handler: _Handler, _):
        handler.send(302, b"", Location=host + handler.path)

    return answer


def silent(handler: _Handler, _):
    """Takes the question, and never answers."""
    time.sleep(3)
    handler.close_connection = True


def endless(handler: _Handler, _):
    """Sends for as long as somebody listens."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        for _ in range(10_000):
            handler.wfile.write(bytes(2**16))
    handler.close_connection = True


def trickling(handler: _Handler, content: bytes):
    """Sends a byte now and then."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        for byte in content:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)
    handler.close_connection = True


class Once:
    """A fault that happens the first time only."""

    def __init__(self, fault: Callable) -> None:
        self._fault = fault

    def __call__(self, handler: _Handler, content: bytes):
        fault, self._fault = self._fault, lambda h, c: h.send(200, c)
        return fault(handler, content)
