"""The image and the notes for hosts: what can be tried of them without Docker."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dashboard.artifacts.manifest import SHIPPED
from tests.conftest import ROOT
from tests.dashboard.helpers.artifact_server import serving

DOCKERFILE = (ROOT / "Dockerfile").read_text()
HOSTING = (ROOT / "docs/hosting.md").read_text()


def instructions(name: str) -> list[str]:
    """Arguments of every instruction of this name, in order."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def copies() -> list[tuple[Path, Path]]:
    """(source, target) of what the image takes from the repository."""
    found = []
    for line in instructions("COPY"):
        *sources, target = line.split()
        inside = len(sources) > 1 or target in (".", "./")
        found += [(Path(s), Path(target) / s if inside else Path(target)) for s in sources]
    return found


def environment() -> dict[str, str]:
    """Variables that the image sets."""
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())


def requirements() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def ours(folder: Path) -> set[str]:
    """Our own packages that the modules of a folder import."""
    names = {path.name.removesuffix(".py") for path in ROOT.iterdir()}
    found = re.findall(
        r"^\s*(?:from|import) (\w+)",
        "\n".join(path.read_text() for path in [*folder.rglob("*.py"), ROOT / "app.py"]),
        re.MULTILINE,
    )
    return set(found) & names


def test_the_image_has_all_that_the_app_imports_and_nothing_of_the_batch_stage():
    taken = {str(source) for source, _ in copies()}
    assert all((ROOT / source).exists() for source in taken)
    wanted = ours(ROOT / "dashboard") | ours(ROOT / "pages") | ours(ROOT / "bounds")
    assert wanted == {"bounds", "dashboard", "schema", "tables"}
    for name in wanted:
        assert name in taken or f"{name}.py" in taken
    assert {"app.py", "pages", "data", ".streamlit", "requirements.txt"} <= taken
    assert not taken & {"compute", "tests", "tools", ".", "docs"}


def test_docker_is_given_what_it_copies():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / path).exists() for path in allowed)
    for source, _ in copies():
        assert any(Path(path).is_relative_to(source) for path in allowed), source


def test_the_image_is_small_and_its_user_is_nobody_special():
    assert instructions("FROM") == ["python:3.11-slim"]
    assert instructions("USER") == ["app"]
    assert "--uid 1000 app" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER ") > max(m.start() for m in re.finditer("\nCOPY ", DOCKERFILE))
    assert not {"torch", "transformers", "ray"} & {r.name for r in requirements()}


def test_every_host_is_told_the_same_port():
    port = environment()["PORT"]
    assert instructions("EXPOSE") == [port]
    front = re.search(r"```yaml\n---\n(.*?)\n---\n```", HOSTING, re.DOTALL)[1]
    assert dict(line.split(": ") for line in front.splitlines()) == {
        "title": "Boundscape",
        "sdk": "docker",
        "app_port": port,
    }
    assert f"127.0.0.1:{port}:{port}" in HOSTING
    assert f"proxy_pass http://127.0.0.1:{port}" in HOSTING


def test_notes_are_under_a_screen_each_and_name_what_there_is():
    sections = re.split(r"^## ", HOSTING, flags=re.MULTILINE)
    assert len(sections) == 6
    for section in sections:
        assert len(section.splitlines()) <= 42, section.splitlines()[0]
        assert max(map(len, section.splitlines())) <= 132
    for variable in set(re.findall(r"\bBOUNDSCAPE_\w+", HOSTING + DOCKERFILE)):
        code = "".join(path.read_text() for path in (ROOT / "dashboard").rglob("*.py"))
        assert f'"{variable}"' in code


# The command of the image, on what it copies, with what it installs.


@pytest.fixture(scope="module")
def container():
    """A folder like the image's: the app, read-only, and a Python with the required packages."""
    base = Path(tempfile.mkdtemp(prefix="boundscape-"))
    base.chmod(0o755)  # also for an unprivileged user
    for source, target in copies():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (base / "app" / target).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, base / "app" / target)
    for path in (base / "app").rglob("*"):
        path.chmod(path.stat().st_mode & ~0o222 | stat.S_IROTH)
    venv.create(base / "python", with_pip=False, symlinks=False)
    site = next((base / "python/lib").glob("python*")) / "site-packages"
    for entry in installed():
        if not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    (base / "home").mkdir()
    (base / "cache").mkdir(mode=0o777)
    (base / "cache").chmod(0o777)
    yield base
    shutil.rmtree(base, ignore_errors=True)


def installed() -> set[Path]:
    """Where the required packages lie, and those that they require."""
    entries, names, todo = set(), set(), requirements()
    while todo:
        wanted = todo.pop()
        if wanted.name.lower() in names or (wanted.marker and not wanted.marker.evaluate()):
            continue
        names.add(wanted.name.lower())
        found = metadata.distribution(wanted.name)
        for file in found.files or []:
            if file.parts[0] not in ("..", "__pycache__"):
                entries.add(Path(found.locate_file(file.parts[0])))
        todo += [Requirement(line) for line in found.requires or [] if "extra ==" not in line]
    return entries


def start(base: Path, command: list[str], **variables: str) -> subprocess.Popen:
    """Run a command inside the folder, without privileges if we are root."""
    path = f"{base / 'python/bin'}:{os.environ['PATH']}"
    variables = environment() | {"HOME": str(base / "home"), "PATH": path} | variables
    variables["BOUNDSCAPE_CACHE"] = str(base / "cache")
    return subprocess.Popen(
        command,
        cwd=base / "app",
        env=variables | {"PYTHONNOUSERSITE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **unprivileged(base / "python/bin/python"),
    )


def unprivileged(python: Path) -> dict:
    """The unprivileged user of a command, if we are root and that user may run this Python."""
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    try:
        probe = subprocess.run([python, "-c", "import json"], check=False, **user)
    except (OSError, LookupError):
        return {}
    return user if probe.returncode == 0 else {}


def test_the_command_serves_the_shipped_data_and_is_found_healthy(container):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = start(container, json.loads(instructions("CMD")[0]), PORT=port)
    try:
        health = f"http://127.0.0.1:{port}/_stcore/health"
        for _ in range(600):
            assert server.poll() is None, server.stdout.read()
            try:
                with urllib.request.urlopen(health, timeout=5) as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                time.sleep(0.1)
        options, check = instructions("HEALTHCHECK")[0].split(" CMD ")
        assert options == "--start-period=30s"
        assert start(container, json.loads(check), PORT=port).wait() == 0
        assert start(container, json.loads(check), PORT="9").wait() != 0
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            assert b"<title>Streamlit</title>" in page.read()
        assert server.poll() is None
    finally:
        server.terminate()
        assert "Traceback" not in server.communicate()[0]


VISIT = """
import os, sys
from streamlit.testing.v1 import AppTest
from dashboard.ui.page import frame
opened, take = [], frame.open_suite
frame.open_suite = lambda: opened.append(take()) or opened[-1]
def visit():
    app = AppTest.from_file("app.py", default_timeout=60).run()
    assert not app.exception and not app.error and not app.warning, [e.value for e in app.error]
    suite = opened[-1]
    assert not suite.version.note, suite.version.note
    print(suite.name, suite.version.digest, app.metric[0].value)
visit()
os.environ["BOUNDSCAPE_DATA"] = sys.argv[1]
visit()
assert "torch" not in sys.modules
"""


def test_the_required_packages_are_enough_here_and_from_an_address(container, micro_suite):
    """One process visits both: a new one takes seconds to import what the app needs."""
    (container / "visit.py").write_text(VISIT.replace("app.py", str(container / "app/app.py")))
    command = [str(container / "python/bin/python"), str(container / "visit.py")]
    with serving(micro_suite / "data") as server:
        command.append(f"{server.address}/micro")
        process = start(container, command, PYTHONPATH=str(container / "app"), NO_PROXY="*")
        text = process.communicate()[0]
    assert process.returncode == 0, text
    shown = [line for line in text.splitlines() if line.startswith((f"{SHIPPED} ", "micro "))]
    assert [line.split()[0] for line in shown] == [SHIPPED, "micro"]
    assert next((container / "cache/suites").iterdir()).name in shown[1]


def test_nothing_of_the_test_environment_is_lent(container):
    python = str(container / "python/bin/python")
    for name, there in (("streamlit", True), ("s3fs", True), ("pytest", False), ("torch", False)):
        found = start(container, [python, "-c", f"import {name}"])
        assert (found.wait() == 0) is there, name
    assert sys.prefix != str(container / "python")
