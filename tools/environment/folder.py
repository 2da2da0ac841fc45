"""The folder ``.venv``: made by this project, adopted from the user, or refused."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tools.environment.interpreter import Interpreter, ask, find_torch, python_of
from tools.environment.pip import PipError, meaning

#: Marks of the owner: ``unfinished`` is written before anything else, ``created`` at the end.
UNFINISHED, CREATED = "unfinished", "created"

#: In the package folder: names the folders of the Python whose torch it uses.
BORROWED = "existing_torch.pth"


def prepare(environment: Path) -> None:
    """Leave a working virtual environment in ``environment``, or exit with one sentence.

    One that this project made is made again if it is unfinished or its Python is gone.
    An environment of the user is used if it works, and never emptied.

    Raises:
        PipError: pip cannot be put into a new one.
    """
    if not environment.is_dir():
        if environment.is_symlink() or environment.exists():
            sys.exit(
                f"error: {environment} is not a folder, or a link to one that does not exist; "
                "remove it, or make that folder, and call make again."
            )
        _create(environment)
    elif (environment / UNFINISHED).exists() or not any(environment.iterdir()):
        _create(environment)
    elif made_here(environment):
        if _working(environment) is None:
            print(f"The Python of {environment.name} is gone; making it again", flush=True)
            _create(environment)
    else:
        _adopt(environment)


def made_here(environment: Path) -> bool:
    """Whether this project made it, and may make it again."""
    return (environment / CREATED).exists()


def _working(environment: Path) -> Interpreter | None:
    """The environment's interpreter, if it runs, belongs there and sees its package folder.

    After an upgrade of the Python behind it, say from 3.11 to 3.12, it runs and sees no package.
    """
    found = ask(python_of(environment))
    if found is None or found.prefix.resolve() != environment.resolve() or not found.own.is_dir():
        return None
    return found


def _adopt(environment: Path) -> None:
    """Accept a virtual environment of the user, or exit with the reason and the remedy."""
    where = f"the environment {environment}, which this project did not make,"
    remedy = "repair it, or move it away, and call make again."
    found = _working(environment)
    if found is None:
        sys.exit(f"error: {where} has no working Python; {remedy}")
    if found.version < (3, 11):
        sys.exit(
            f"error: {where} has Python {found.version_text}, and 3.11 or later is needed; "
            "move it away, and call make again."
        )
    python = str(python_of(environment))
    # `uv venv` makes them without pip.
    if not _runs(python, "-m", "pip", "--version") and not _runs(python, "-m", "ensurepip"):
        sys.exit(f"error: {where} has no pip, and none can be added; {remedy}")


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _create(environment: Path) -> None:
    """Make it; if the calling Python has an accelerated torch, make that torch visible.

    The folder with that torch is put at the end of the path (a ``.pth`` file), which
    works for a system Python, a user install and another virtual environment alike.
    """
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "error: this Python cannot make virtual environments with pip; install its venv "
            "package (on Debian and Ubuntu: apt-get install python3-venv)."
        )
    environment.mkdir(exist_ok=True)
    for child in environment.iterdir():
        shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    (environment / UNFINISHED).touch()
    try:
        venv.create(environment.resolve(), with_pip=True)  # it refuses links
    except subprocess.CalledProcessError as error:
        raise PipError(meaning((error.output or b"").decode(errors="replace"))) from None
    existing = find_torch(sys.executable)
    if existing and existing.accelerated:
        own = ask(python_of(environment)).own
        (own / BORROWED).write_text("\n".join(existing.site) + "\n")
    (environment / CREATED).touch()
    (environment / UNFINISHED).unlink()
