"""Setting up: torch is never replaced, a person's environment never emptied, errors are short."""

import os
import shlex
import subprocess
import sys
import textwrap
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.environment import stamp
from tools.environment.install import install
from tools.environment.interpreter import ask, find_torch
from tools.environment.layers import ALONE, LAYERS, LIGHT
from tools.environment.pip import PipError, meaning, run_pip

#: What the Makefile calls, with ``.venv`` in another folder.
MAIN = """
import sys
sys.path.insert(0, {root!r})
import tools.environment.__main__ as main
from pathlib import Path
main.ENVIRONMENT = Path({environment!r})
{before}
main.main()
"""

#: In place of an installation of gigabytes: what pip would be called with.  New ones have no pip.
DRY = """
import tools.environment.install as install, venv
install.run_pip = lambda python, *arguments, **rest: print("pip", *arguments)
create = venv.create
venv.create = lambda folder, with_pip: create(folder, symlinks=True)
"""


#: The Python behind this one, without the packages of this one.
PLAIN = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """An environment as `uv venv` makes it, without pip, and how its adoption went."""
    own = tmp_path_factory.mktemp("bare") / "own"
    venv.create(own, with_pip=False, symlinks=True)
    return own, set_up(own, "app")


@pytest.fixture
def new_environment() -> Callable[[Path], Path]:
    """An environment as `python -m venv` makes it, with a pip that does nothing: none is called."""

    def make(folder: Path) -> Path:
        venv.create(folder, with_pip=False, symlinks=True)
        (site_of(folder) / "pip").mkdir()
        (site_of(folder) / "pip/__main__.py").touch()
        return folder

    return make


def site_of(environment: Path) -> Path:
    return next((environment / "lib").glob("python*")) / "site-packages"


def put_torch(environment: Path, version: str, cuda: str | None, metadata: str | None) -> Path:
    """A torch that calls itself ``version`` and that pip knows as ``metadata``."""
    site = site_of(environment)
    (site / "torch").mkdir()
    (site / "torch/__init__.py").write_text(
        textwrap.dedent(
            f"""
            class version:
                cuda = {cuda!r}
                hip = None
            __version__ = {version!r}
            """
        )
    )
    if metadata:
        info = site / f"torch-{metadata}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {metadata}\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")
    return environment / "bin/python"


def minimal_wheel(folder: Path, name: str, version: str, requires: str | None = None) -> Path:
    """A wheel with nothing in it but its metadata."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(
            f"{stem}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def run(*command, **variables) -> subprocess.CompletedProcess:
    # What this machine tells pip of versions and indexes is not the matter here.
    environment = os.environ | {"PIP_CONFIG_FILE": os.devnull} | variables
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)


def set_up(environment: Path, layer: str = "compute", python=PLAIN, before: str = DRY):
    """What `make` does first, on ``environment`` in place of ``.venv``; no torch calls."""
    code = MAIN.format(root=str(ROOT), environment=str(environment), before=before)
    return run(python, "-c", code, layer)


def one_sentence(result: subprocess.CompletedProcess) -> str:
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert line.endswith(".")
    return line


# --- which torch


@pytest.mark.parametrize(
    ("version", "cuda", "metadata"),
    [
        ("2.13.0+cu130", "13.0", "2.13.0"),  # from PyPI
        ("2.11.0+cu130", "13.0", "2.11.0+cu130"),  # from PyTorch's own index
        ("2.6.0a0+ecf3bae40a.nv25.1", "12.8", "2.6.0a0+ecf3bae40a.nv25.1"),  # NVIDIA's container
    ],
)
def test_an_accelerated_torch_of_the_calling_python_is_kept(
    tmp_path, bare, version, cuda, metadata
):
    base = tmp_path / "a base"
    venv.create(base, with_pip=False, symlinks=True)
    made, python = tmp_path / "a new one", put_torch(base, version, cuda, metadata)
    result = set_up(made, python=python)
    assert result.returncode == 0, result.stderr
    assert f"Using the installed torch {version}" in result.stdout
    assert "pip torch" not in result.stdout
    seen = find_torch(made / "bin/python")
    assert (seen.version, seen.metadata, seen.accelerated) == (version, metadata, True)
    # The constraint can be met, and a package that asks for another torch does not get it.
    constraint = made / "torch-constraint.txt"
    assert constraint.read_text() == f"torch=={metadata}\n"
    wheels = minimal_wheel(tmp_path, "torch", "99.0").parent
    pip = [bare[0] / "bin/python", "-m", "pip", "--python", made / "bin/python"]
    offline = [*pip, "install", "--no-index", "--find-links", wheels]
    needs = minimal_wheel(tmp_path, "needs-torch", "1.0", requires="torch>=2.0")
    assert run(*offline, "-c", constraint, needs).returncode == 0
    assert find_torch(made / "bin/python") == seen
    if metadata != version:  # the other versions are held in the same way
        wants = minimal_wheel(tmp_path, "wants-torch", "1.0", requires="torch>=99")
        assert run(*offline, "-c", constraint, wants).returncode != 0
        # So it was the constraint that held it.
        assert run(*offline, "--dry-run", wants).returncode == 0


def test_a_plain_torch_of_the_calling_python_is_not_used(tmp_path):
    base = tmp_path / "base"
    venv.create(base, with_pip=False, symlinks=True)
    python = put_torch(base, "2.13.0+cpu", None, "2.13.0+cpu")
    result = set_up(tmp_path / "new", python=python)
    assert "pip torch==2.13.0\n" in result.stdout
    assert "was installed but cannot be found" in result.stderr  # as pip did nothing here
    assert find_torch(tmp_path / "new/bin/python") is None
    assert set_up(tmp_path / "new", "app", python=python).returncode == 0


@pytest.mark.parametrize(
    ("version", "metadata", "reason"),
    [
        ("2.9.0+cu128", None, "has no package metadata, so that pip would put another in its"),
        ("2.4.1+cu121", "2.4.1", "is too old, 2.6 or later is needed"),
    ],
)
def test_a_torch_that_cannot_serve_is_one_sentence(
    tmp_path, new_environment, version, metadata, reason
):
    own = new_environment(tmp_path / "own")
    put_torch(own, version, "12.8", metadata)
    sentence = one_sentence(set_up(own))
    assert f"the torch {version} that own uses {reason}" in sentence
    assert "move .venv away" in sentence
    base = tmp_path / "base"
    venv.create(base, with_pip=False, symlinks=True)
    python = put_torch(base, version, "12.8", metadata)
    assert "make PYTHON=..." in one_sentence(set_up(tmp_path / "new", python=python))


@pytest.mark.parametrize(
    "fault", ["raise OSError('libcudart.so.13: gone')", "__import__('os').abort()"]
)
def test_a_persons_broken_torch_is_not_replaced(tmp_path, new_environment, fault):
    own = new_environment(tmp_path / "own")
    put_torch(own, "2.9.0", "12.8", "2.9.0")
    (site_of(own) / "torch/__init__.py").write_text(fault)
    reason = "libcudart.so.13: gone" if "OSError" in fault else "importing it stops Python"
    assert f"cannot be imported ({reason})" in one_sentence(set_up(own))


def test_a_half_installed_torch_of_ours_is_installed_again(tmp_path, new_environment):
    ours = new_environment(tmp_path / "ours")
    (ours / "created").touch()
    (site_of(ours) / "torch").mkdir()  # interrupted before its metadata were written
    assert "pip torch==2.13.0 --ignore-installed" in set_up(ours).stdout


# --- whose .venv


def test_a_persons_environment_is_adopted_and_keeps_what_it_has(tmp_path, new_environment):
    own = new_environment(tmp_path / "own")
    python = put_torch(own, "2.9.0+cu128", "12.8", "2.9.0")
    (own / "notes").write_text("mine")
    result = set_up(own, python=python)
    assert result.returncode == 0, result.stderr
    assert "into the existing own" in result.stdout
    assert (own / "notes").read_text() == "mine"
    assert (own / "torch-constraint.txt").read_text() == "torch==2.9.0\n"
    assert (own / "installed-compute").read_text() == stamp("compute")
    assert not (own / "created").exists()
    assert set_up(own).stdout == ""  # nothing left to do


def test_an_adopted_environment_without_pip_gets_one(bare):
    own, result = bare
    assert result.returncode == 0
    assert run(own / "bin/python", "-m", "pip", "--version").returncode == 0


def broken(folder: Path, new_environment, how: str) -> None:
    """An environment that does not work."""
    if how == "dangling":
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/python").symlink_to("/nowhere/python3.11")
        return
    new_environment(folder)
    if how == "upgraded":  # the Python behind it: packages are in the folder of another version
        library = next((folder / "lib").glob("python*"))
        library.rename(folder / "lib/python3.7")
    elif how == "not an environment":
        (folder / "pyvenv.cfg").unlink()


BROKEN = ["dangling", "upgraded", "not an environment"]


@pytest.mark.parametrize("how", BROKEN)
def test_a_persons_broken_environment_is_refused_and_kept(tmp_path, new_environment, how):
    broken(tmp_path / "own", new_environment, how)
    (tmp_path / "own/installed-compute").write_text(stamp("compute"))
    before = sorted((tmp_path / "own").rglob("*"))
    sentence = one_sentence(set_up(tmp_path / "own"))
    assert "which this project did not make, has no working Python" in sentence
    assert sorted((tmp_path / "own").rglob("*")) == before


@pytest.mark.parametrize("how", [*BROKEN, "unfinished"])
def test_a_broken_environment_of_ours_is_made_anew(tmp_path, new_environment, how):
    ours = tmp_path / "ours"
    broken(ours, new_environment, how)
    (ours / ("unfinished" if how == "unfinished" else "created")).touch()
    (ours / "installed-app").write_text(stamp("app"))
    (ours / "left").touch()
    result = set_up(ours, "app")
    assert result.returncode == 0, result.stderr
    assert "Installing the packages of: requirements.txt\n" in result.stdout
    assert ask(ours / "bin/python").prefix == ours
    assert (ours / "created").exists()
    assert not (ours / "left").exists()
    assert not (ours / "unfinished").exists()


def test_an_interrupted_creation_is_marked(tmp_path):
    stop = DRY + "import venv\ndef create(*a, **k): raise KeyboardInterrupt\nvenv.create = create\n"
    assert "interrupted" in one_sentence(set_up(tmp_path / "ours", before=stop))
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["unfinished"]


def test_what_is_no_folder_and_a_link_to_none(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    for name in ("file", "link"):
        assert "is not a folder, or a link" in one_sentence(set_up(tmp_path / name))
    (tmp_path / "absent").mkdir()
    assert set_up(tmp_path / "link", "app").returncode == 0
    assert (tmp_path / "absent/pyvenv.cfg").exists()


def test_an_older_python_in_a_persons_environment_is_named(tmp_path, new_environment):
    own = new_environment(tmp_path / "own")
    older = (
        "import tools.environment.folder as folder, dataclasses; ask = folder.ask\n"
        "folder.ask = lambda python: dataclasses.replace(ask(python), version=(3, 9, 18))\n"
    )
    sentence = one_sentence(set_up(own, before=older))
    assert "has Python 3.9.18, and 3.11 or later is needed; move it away" in sentence


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    assert "absent" in one_sentence(set_up(tmp_path / "absent/.venv"))


# --- what pip says


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError("
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify "
            "failed: self-signed certificate in certificate chain'))'\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "PIP_CERT",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
         "PIP_CACHE_DIR"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", "PIP_INDEX_URL"),
        ("ProxyError('Cannot connect to proxy.', OSError('407'))", "HTTPS_PROXY"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no torch==2.13.0 for this Py"),
        ("error: command 'gcc' failed: No such file or directory", "C compiler"),
        ("ERROR: Could not install: [Errno 30] Read-only file system: '/x'", "written to"),
        ("ERROR: Something new.", "pip says: Something new"),
        ("", "pip says: nothing"),
    ],
)  # fmt: skip
def test_a_failure_of_pip_is_one_sentence(output, words):
    sentence = meaning(output)
    assert words in sentence
    assert "\n" not in sentence
    assert not sentence.endswith(".")


def test_a_constraint_from_outside_is_named(monkeypatch):
    monkeypatch.setenv("PIP_CONSTRAINT", "/etc/pip/constraint.txt")
    assert meaning("ERROR: ResolutionImpossible: for help").endswith(
        "PIP_CONSTRAINT asks for those in /etc/pip/constraint.txt, so call make without it"
    )


def test_the_real_pip_without_an_index(tmp_path, bare):
    empty = tmp_path / "wheels"
    empty.mkdir()
    python = bare[0] / "bin/python"
    nothing = ["--no-index", "--find-links", str(empty), "boundscape-nothing==1"]
    with pytest.raises(PipError, match="index has no boundscape-nothing==1 for this Py") as caught:
        run_pip(str(python), *nothing, log=tmp_path / "log")
    assert str(tmp_path / "log") in str(caught.value)
    assert "boundscape-nothing" in (tmp_path / "log").read_text()


def test_auto_gptq_is_built_where_it_has_no_wheel(tmp_path, new_environment, monkeypatch):
    calls = []

    def pip(python, *arguments, log, **variables):
        calls.append((arguments, variables))
        if "--only-binary=:all:" in arguments:
            raise PipError("the package index has none")

    own = new_environment(tmp_path / "own")
    put_torch(own, "2.13.0", "13.0", "2.13.0")
    monkeypatch.setattr("tools.environment.install.run_pip", pip)
    install("compute", own)
    without, needs, build = calls[-3:]
    assert without[0] == ("--no-deps", "--only-binary=:all:", "auto-gptq==0.7.1")
    assert needs[0] == ("setuptools", "wheel")
    assert build == (
        ("--no-deps", "--no-build-isolation", "auto-gptq==0.7.1"),
        {"BUILD_CUDA_EXT": "0"},
    )


# --- how it is called


def test_an_unknown_layer_is_one_sentence():
    usage = run(sys.executable, "-m", "tools.environment", "everything")
    assert usage.returncode == 1
    layers = "app|results|compute|ray|check|test|bench"
    assert usage.stderr.strip() == f"usage: python -m tools.environment {layers}"


def test_an_old_python_is_one_sentence():
    code = "import sys, runpy; sys.version_info = (3, 10, 2, 'final', 0); import tools.environment"
    sentence = one_sentence(run(sys.executable, "-c", code))
    assert "Boundscape needs Python 3.11 or later, and this is 3.10.2;" in sentence


def test_make_passes_names_with_spaces_and_quotes(tmp_path):
    """Each option of the Makefile is one word, whatever is in it."""
    home = tmp_path / "it's mine"
    home.mkdir()
    fake, seen = home / "a python", home / "seen"
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{seen}"\n')
    fake.chmod(0o755)
    options = {
        "PRESET": "a b",
        "CORPUS": "my texts/it's $here",
        "SUITE": "c 'd'",
        "ADDRESS": "e f",
        "WORKERS": "2",
    }
    given = [f"{name}={value.replace('$', '$$')}" for name, value in options.items()]
    python = ("PYTHON=~/a python", f"VENV={shlex.quote(str(fake))}")
    make = run("make", "-C", ROOT, "compute", *python, *given, HOME=str(home))
    assert make.returncode == 0, make.stderr
    words = seen.read_text().splitlines()
    assert words[:3] == ["-m", "tools.environment", "compute"]
    assert words[3:6] == ["-m", "compute", "run"]
    for name, value in options.items():
        assert words[words.index(f"--{name.lower()}") + 1] == value


def test_the_pins_of_the_layers_agree():
    pins: dict[str, str] = {}
    layers = {file for files in [*LAYERS.values(), *ALONE.values()] for file in files}
    assert "compute/ray-requirements.txt" in layers
    for file in {file for files in LAYERS.values() for file in files}:
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, version = line.partition("==")
                assert version, line
                assert pins.setdefault(name, version) == version
    for layer in LIGHT:
        lines = [line for file in LAYERS[layer] for line in (ROOT / file).read_text().splitlines()]
        assert not {"torch", "transformers"} & {line.partition("==")[0] for line in lines}
