"""Make ``.venv`` with what the app, the batch stage, the results, the tests or the benchmarks need.

Called by the Makefile with a bare Python 3.11 or later; uses the standard library only.

    python tools/environment.py app|results|compute|ray|test|bench
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"

#: Installed first and alone where no accelerated build is found.
TORCH = "torch==2.13.0"

#: Installed last and without its dependencies: it pins ones that do not go with the others, and
#: its quantization algorithm needs none of them.
AUTO_GPTQ = "auto-gptq==0.7.1"

#: Requirement files of each layer, the lighter ones first.
LAYERS = {
    "app": ["requirements.txt"],
    "results": ["requirements.txt", "tools/results/requirements.txt"],
    "compute": ["requirements.txt", "compute/requirements.txt"],
    "ray": ["requirements.txt", "compute/requirements.txt", "compute/ray-requirements.txt"],
    "test": [
        "requirements.txt",
        "compute/requirements.txt",
        "compute/ray-requirements.txt",
        "tools/results/requirements.txt",
        "tests/requirements.txt",
    ],
    "bench": ["requirements.txt", "compute/requirements.txt", "tests/requirements.txt"],
}

#: Layers that need no torch.
LIGHT = ("app", "results")

#: Requirement files that are installed last, without what their packages ask for.
ALONE = {"bench": ["tests/bench/requirements.txt"]}

_PROBE = """
import json, sys
try:
    import torch
    print(json.dumps({
        "version": torch.__version__,
        "accelerated": bool(torch.version.cuda or torch.version.hip),
        "site": [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))],
    }))
except ImportError:
    print("null")
"""


def find_torch(python: str) -> dict | None:
    """Version of the torch that ``python`` imports, whether it is a CUDA or ROCm build, and
    the package folders it comes from; None without torch."""
    result = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True)
    return json.loads(result.stdout or "null") if result.returncode == 0 else None


def environment_python() -> Path:
    """The interpreter inside ``.venv``."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def create_environment() -> None:
    """Make ``.venv``; where this Python has an accelerated torch, let ``.venv`` see it.

    The folder that holds that torch is put at the end of the path (a ``.pth`` file), which
    works for a system Python, a user install and another virtual environment alike.
    """
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        sys.exit(
            "error: this Python cannot make virtual environments with pip; install its venv "
            "package (on Debian and Ubuntu: apt-get install python3-venv)."
        )
    existing = find_torch(sys.executable)
    if existing and existing["accelerated"]:
        query = [
            environment_python(),
            "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))",
        ]
        site = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
        Path(site, "existing_torch.pth").write_text("\n".join(existing["site"]) + "\n")
    created_marker().touch()


def created_marker() -> Path:
    """Written last: an environment without it was left unfinished and is made again."""
    return ENVIRONMENT / "created"


def install(layer: str) -> None:
    """Install what ``layer`` needs into ``.venv``; never replaces a torch that is there."""
    python = str(environment_python())
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = list(pip)
    if layer not in LIGHT:
        torch = find_torch(python)
        if torch is None:
            print(f"Installing {TORCH}", flush=True)
            subprocess.run([*pip, TORCH], check=True)
            torch = find_torch(python)
            if torch is None:
                sys.exit(f"error: {TORCH} was installed but cannot be imported.")
        elif torch["accelerated"]:
            print(f"Using the torch {torch['version']} that is installed", flush=True)
        constraint = ENVIRONMENT / "torch-constraint.txt"
        constraint.write_text(f"torch=={torch['version']}\n")
        command += ["--constraint", str(constraint)]
    for file in LAYERS[layer]:
        command += ["--requirement", str(ROOT / file)]
    print(f"Installing the packages of: {', '.join(LAYERS[layer])}", flush=True)
    subprocess.run(command, check=True)
    if layer not in LIGHT:
        _install_auto_gptq(pip)
    for file in ALONE.get(layer, []):
        print(f"Installing the packages of: {file}", flush=True)
        subprocess.run([*pip, "--no-deps", "--requirement", str(ROOT / file)], check=True)


def _install_auto_gptq(pip: list[str]) -> None:
    """From its wheel where there is one for this Python, else built from source without CUDA."""
    print(f"Installing {AUTO_GPTQ}", flush=True)
    if subprocess.run([*pip, "--no-deps", "--only-binary=:all:", AUTO_GPTQ]).returncode:
        subprocess.run([*pip, "setuptools", "wheel"], check=True)
        build = [*pip, "--no-deps", "--no-build-isolation", AUTO_GPTQ]
        subprocess.run(build, check=True, env=os.environ | {"BUILD_CUDA_EXT": "0"})


def stamp(layer: str) -> str:
    """Digest of what ``layer`` asks for: when it changes, the environment is brought up to date."""
    sha = hashlib.sha256(f"{TORCH} {AUTO_GPTQ}".encode())
    for file in LAYERS[layer] + ALONE.get(layer, []):
        sha.update((ROOT / file).read_bytes())
    return sha.hexdigest()


def main() -> None:
    """Create the environment if need be and bring the layer up to date."""
    if len(sys.argv) != 2 or sys.argv[1] not in LAYERS:
        sys.exit(f"usage: python tools/environment.py {'|'.join(LAYERS)}")
    if sys.version_info < (3, 11):  # noqa: UP036 - this file alone meets any Python
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: Boundscape needs Python 3.11 or later, and this is {found}.")
    layer = sys.argv[1]
    marker = ENVIRONMENT / f"installed-{layer}"
    if marker.exists() and marker.read_text() == stamp(layer):
        return
    if not created_marker().exists():
        create_environment()
    try:
        install(layer)
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: installing packages failed; pip ended with status {error.returncode}.")
    marker.write_text(stamp(layer))


if __name__ == "__main__":
    main()
