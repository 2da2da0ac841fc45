"""Datasets of a hub: as its server gives them, and as its cache holds them."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAME = "tiny/text"


def commit_of(files: dict[str, bytes]) -> str:
    """Forty hexadecimal digits."""
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


def cache_dataset(
    cache: Path, files: dict[str, bytes], revision: str = "main", name: str = NAME
) -> str:
    """Put files into the cache as a client without listings does; returns the commit."""
    commit = commit_of(files)
    repository = cache / ("datasets--" + name.replace("/", "--"))
    (repository / "refs" / revision).parent.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / revision).write_text(commit)
    (repository / "blobs").mkdir(exist_ok=True)
    for path, content in files.items():
        blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        link = repository / "snapshots" / commit / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return commit


@dataclass
class Hub:
    """What a server on this machine says of one dataset.

    Attributes:
        revisions: files by revision.
        gated: whether it refuses to give them away.
        downloads: paths of files that were sent, in order.
    """

    revisions: dict[str, dict[str, bytes]]
    gated: bool = False
    broken: bool = False
    downloads: list[str] = field(default_factory=list)
    requests: int = 0

    def serve(self) -> tuple[ThreadingHTTPServer, str]:
        """A running server and its address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, f"http://127.0.0.1:{server.server_port}"

    def files(self, revision: str) -> dict[str, bytes] | None:
        """Of a branch or a commit."""
        by_commit = {commit_of(files): files for files in self.revisions.values()}
        return self.revisions.get(revision, by_commit.get(revision))


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body: bool):
            hub.requests += 1
            path = unquote(urlsplit(self.path).path)
            api, resolve = f"/api/datasets/{NAME}", f"/datasets/{NAME}/resolve/"
            if hub.broken:
                self.send(500, b"", body)
            elif path == api or path.startswith(f"{api}/revision/"):
                revision = path.removeprefix(api).removeprefix("/revision/") or "main"
                self.about(revision, body)
            elif path.startswith(f"{api}/tree/"):
                files = hub.files(path.removeprefix(f"{api}/tree/"))
                rows = [
                    {"type": "file", "oid": _sha(c)[:40], "size": len(c), "path": p}
                    for p, c in files.items()
                ]
                self.send(200, json.dumps(rows).encode(), body)
            elif path.startswith(resolve):
                commit, _, name = path.removeprefix(resolve).partition("/")
                self.file(commit, name, body)
            else:
                self.send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

        def about(self, revision: str, body: bool):
            files = hub.files(revision)
            if files is None:
                self.send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
            else:
                found = {"id": NAME, "sha": commit_of(files), "siblings": []}
                self.send(200, json.dumps(found).encode(), body)

        def file(self, commit: str, name: str, body: bool):
            if hub.gated:
                self.send(403, b"", body, {"X-Error-Code": "GatedRepo"})
                return
            content = hub.files(commit)[name]
            if body:
                hub.downloads.append(name)
            self.send(
                200, content, body, {"ETag": f'"{_sha(content)[:40]}"', "X-Repo-Commit": commit}
            )

        def send(self, status: int, content: bytes, body: bool, headers: dict | None = None):
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
