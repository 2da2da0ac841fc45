"""Installing a layer into an environment; an existing torch is never replaced."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.environment.folder import BORROWED, made_here
from tools.environment.interpreter import Torch, ask, find_torch, python_of
from tools.environment.layers import ALONE, AUTO_GPTQ, LAYERS, LIGHT, OLDEST_TORCH, ROOT, TORCH
from tools.environment.pip import PipError, run_pip


def install(layer: str, environment: Path) -> None:
    """Install what ``layer`` needs into ``environment``, which works.

    Raises:
        PipError: pip failed.
    """
    pip = Pip(environment)
    constraint = []
    if layer not in LIGHT:
        torch = _torch(pip)
        # As pip knows it: the module of the metadata's 2.13.0 calls itself 2.13.0+cu130.
        held = environment / "torch-constraint.txt"
        held.write_text(f"torch=={torch.metadata}\n")
        constraint = ["--constraint", str(held)]
    files = LAYERS[layer]
    where = "" if made_here(environment) else f" into the existing {environment.name}"
    print(f"Installing the packages of: {', '.join(files)}{where}", flush=True)
    pip(*constraint, *(part for file in files for part in ("--requirement", str(ROOT / file))))
    if layer not in LIGHT:
        _install_auto_gptq(pip)
    for file in ALONE.get(layer, []):
        print(f"Installing the packages of: {file}", flush=True)
        pip("--no-deps", "--requirement", str(ROOT / file))


class Pip:
    """The pip of one environment.

    Attributes:
        environment: its folder.
        python: its interpreter.
    """

    def __init__(self, environment: Path):
        self.environment = environment
        self.python = str(python_of(environment))

    def __call__(self, *arguments: str, **variables: str) -> None:
        """``pip install`` with these arguments and environment variables."""
        run_pip(self.python, *arguments, log=self.environment / "pip-errors.txt", **variables)


def _torch(pip: Pip) -> Torch:
    """The torch to use: the existing one, else one installed now."""
    found = find_torch(pip.python)
    ours = made_here(pip.environment)
    borrowed = (ask(pip.python).own / BORROWED).exists()
    if found is None or (found.error and ours and not borrowed):
        print(f"Installing {TORCH}", flush=True)
        # One of ours that cannot be imported was left half-installed.
        pip(TORCH, *(["--ignore-installed"] if found else []))
        found = find_torch(pip.python)
        if found is None:
            sys.exit(f"error: {TORCH} was installed but cannot be found.")
    what = f"the torch {found.version or ''}".rstrip() + f" that {pip.environment.name} uses"
    remedy = (
        "repair it, or remove .venv and name another Python, as in: make PYTHON=... compute"
        if ours
        else "repair it, or move .venv away, and call make again"
    )
    if found.error:
        sys.exit(f"error: {what} cannot be imported ({_short(found.error)}); {remedy}.")
    if found.metadata is None:
        sys.exit(
            f"error: {what} has no package metadata, so that pip would put another in its place; "
            f"{remedy}."
        )
    if _release(found.version) < OLDEST_TORCH:
        needed = ".".join(map(str, OLDEST_TORCH))
        sys.exit(f"error: {what} is too old, {needed} or later is needed; {remedy}.")
    if found.accelerated:
        print(f"Using the installed torch {found.version}", flush=True)
    return found


def _short(error: str) -> str:
    return error.strip().splitlines()[0][:200]


def _release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; a version of another form counts as the latest."""
    try:
        return tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        return (sys.maxsize,)


def _install_auto_gptq(pip: Pip) -> None:
    """Install auto-gptq from its wheel if this Python has one, else from source without CUDA."""
    print(f"Installing {AUTO_GPTQ}", flush=True)
    try:
        pip("--no-deps", "--only-binary=:all:", AUTO_GPTQ)
    except PipError:
        pip("setuptools", "wheel")
        pip("--no-deps", "--no-build-isolation", AUTO_GPTQ, BUILD_CUDA_EXT="0")
