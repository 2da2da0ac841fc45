"""A small server that answers as the Hugging Face hub does, from the files of a hub cache.

Knows what ``huggingface_hub`` asks of a model: its revisions, its list of files, and the files,
whole or from a byte on.  Repositories named ``x/gated``, ``x/private`` and so on are refused.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from compute.suites.hub.files import remote_files
from tests.tiny_hub import offline_environment

#: Refusals: (status, error code, error message), as the hub words them.
REFUSED = {
    "x/gated": (403, "GatedRepo", "Access to model x/gated is restricted."),
    "x/private": (401, None, "Invalid username or password."),
    "x/token": (401, None, "Invalid credentials in Authorization header"),
    "x/forbidden": (403, None, "This account may not."),
    "x/down": (503, None, "Down for maintenance."),
}


@dataclass
class FakeHub:
    """What the server has and what it was asked.

    Attributes:
        cache: The hub cache whose models it serves.
        cuts: Name of a file -> after how many bytes to hang up; used once each.
        stubs: Name of a file -> how many of its bytes to send as if they were all; once each.
        requests: (method, path, Range header or None), in order.
        tokens: What requests for models were authorized with.
    """

    cache: Path
    cuts: dict[str, int] = field(default_factory=dict)
    stubs: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    address: str = ""

    def snapshot(self, repo_id: str, revision: str) -> Path | None:
        repo = self.cache / f"models--{repo_id.replace('/', '--')}"
        ref = repo / "refs" / revision
        folder = repo / "snapshots" / (ref.read_text() if ref.is_file() else revision)
        return folder if folder.is_dir() else None

    def has(self, repo_id: str) -> bool:
        return (self.cache / f"models--{repo_id.replace('/', '--')}").is_dir()


@contextmanager
def serving(cache: Path) -> Iterator[FakeHub]:
    """The server on a free port of this machine, until the end of the block."""
    hub = FakeHub(cache)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment_of(home: Path, address: str) -> dict[str, str]:
    """Of a process with the hub's cache under ``home`` whose hub is at ``address``."""
    reached = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
    return offline_environment(home) | reached | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@contextmanager
def reached(home: Path, address: str, offline: bool = False, token: str = "") -> Iterator[None]:
    """Let this process be one of ``environment_of`` within the block.

    ``huggingface_hub`` reads its environment once, when it is imported: its constants are set.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(home, address).items():
            patch.setenv(name, value)
        patch.setenv("HF_TOKEN", token)
        patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        patch.setattr(constants, "HF_HUB_OFFLINE", offline)
        files = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + files)
        patch.setattr(constants, "ENDPOINT", address)
        _forget_hub()
        try:
            yield
        finally:
            _forget_hub()


def _forget_hub() -> None:
    """Forget the connections to a hub and its list of files, which may differ elsewhere."""
    close_session()
    remote_files.cache_clear()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def log_message(self, *_):
        pass

    def _answer(self):
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?/?", path)
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if api:
            repo_id, kind, revision = api[1], api[2] or "revision", api[3] or "main"
        elif resolve:
            repo_id, revision, kind = resolve[1], resolve[2], "resolve"
        else:
            return self._refuse(404, None, "no such page")
        self.hub.tokens.add(self.headers.get("Authorization"))
        if repo_id in REFUSED:
            return self._refuse(*REFUSED[repo_id])
        if not self.hub.has(repo_id):
            return self._refuse(404, "RepoNotFound", "Repository not found")
        snapshot = self.hub.snapshot(repo_id, revision)
        if snapshot is None:
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if kind == "revision":
            return self._json({"id": repo_id, "sha": snapshot.name, "siblings": [], "tags": []})
        if kind == "tree":
            return self._json([_listed(file) for file in sorted(snapshot.iterdir())])
        return self._file(snapshot, resolve[3])

    def _refuse(self, status: int, code: str | None, message: str):
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self._body(json.dumps({"error": message}).encode())

    def _json(self, value):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self._body(json.dumps(value).encode())

    def _file(self, snapshot: Path, name: str):
        path = snapshot / name
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        content, start = path.read_bytes(), 0
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        self.send_response(206 if wanted else 200)
        if wanted:
            start = int(wanted[1])
            content = content[: int(wanted[2]) + 1] if wanted[2] else content
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("X-Repo-Commit", snapshot.name)
        self.send_header("ETag", f'"{path.readlink().name}"')
        self.send_header("Accept-Ranges", "bytes")
        got = self.command == "GET"
        cut = self.hub.cuts.pop(name, None) if got else None
        end = self.hub.stubs.pop(name, None) if got else None
        self._body(content[start:end], cut)
        return None

    def _body(self, content: bytes, cut: int | None = None):
        self.send_header("Content-Length", str(len(content)))
        if cut is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


def _listed(file: Path) -> dict:
    size, blob = file.stat().st_size, file.readlink().name
    entry = {"type": "file", "path": file.name, "size": size, "oid": blob}
    if len(blob) == 64:
        entry |= {"oid": blob[:40], "lfs": {"oid": blob, "size": size, "pointerSize": 134}}
    return entry
