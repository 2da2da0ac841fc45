"""Setting up: an accelerated torch that is there is used and never replaced."""

import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

from tools.environment import LAYERS, LIGHT

ROOT = Path(__file__).resolve().parent.parent


def fake_python(folder: Path, version: str, cuda: str | None) -> Path:
    """A Python installation that imports a torch of this version."""
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    site = next((folder / "lib").glob("python*")) / "site-packages"
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
    info = site / f"torch-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text("")
    return python


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


def create(python: Path, environment: Path) -> Path:
    """Run ``create_environment`` under ``python``; the new interpreter."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import environment as e; "
        f"from pathlib import Path; e.ENVIRONMENT = Path({str(environment)!r}); "
        "e.create_environment()"
    )
    subprocess.run([str(python), "-c", code], check=True)
    return environment / "bin/python"


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.mark.parametrize(("version", "cuda"), [("2.11.0+cu130", "13.0"), ("2.13.0+cpu", None)])
def test_an_accelerated_torch_is_seen_and_a_plain_one_is_not(tmp_path, version, cuda):
    base = fake_python(tmp_path / "base", version, cuda)
    python = create(base, tmp_path / "new")
    got = run(python, "-c", "import torch; print(torch.__version__)")
    if cuda is None:
        assert "No module named 'torch'" in got.stderr
        return
    assert got.stdout.strip() == version
    constraint = tmp_path / "constraint.txt"
    constraint.write_text(f"torch=={version}\n")
    pip = run(python, "-m", "pip", "install", "--no-index", "--constraint", constraint, "torch")
    assert pip.returncode == 0, pip.stderr
    assert "already satisfied: torch" in pip.stdout
    # A package that asks for another torch must not get it: pip reports the conflict instead.
    wheel = minimal_wheel(tmp_path, "wants-torch", "1.0", requires="torch>=99")
    other = minimal_wheel(tmp_path, "torch", "99.0")
    offline = [python, "-m", "pip", "install", "--no-index", "--find-links", tmp_path]
    assert other.exists()
    assert run(*offline, "-c", constraint, wheel).returncode != 0
    assert run(*offline, "--dry-run", wheel).returncode == 0  # so it is the constraint that held


def test_an_unknown_layer_and_an_old_python_are_one_sentence():
    script = ROOT / "tools/environment.py"
    usage = run(sys.executable, script, "everything")
    assert usage.returncode == 1
    layers = "app|results|compute|ray|test|bench"
    assert usage.stderr.strip() == f"usage: python tools/environment.py {layers}"
    code = (
        f"import sys, runpy; sys.version_info = (3, 10, 2); sys.argv = ['x', 'app']; "
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    old = run(sys.executable, "-c", code)
    assert old.stderr.strip() == "error: Boundscape needs Python 3.11 or later, and this is 3.10.2."


def test_the_pins_of_the_layers_agree():
    pins: dict[str, str] = {}
    layers = {file for files in LAYERS.values() for file in files}
    assert "compute/ray-requirements.txt" in layers
    for file in layers:
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, version = line.partition("==")
                assert version, line
                assert pins.setdefault(name, version) == version
    for layer in LIGHT:
        lines = [line for file in LAYERS[layer] for line in (ROOT / file).read_text().splitlines()]
        assert not {"torch", "transformers"} & {line.partition("==")[0] for line in lines}
