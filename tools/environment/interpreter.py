"""Facts about a Python: whether it runs, its environment, and its torch."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# `site` lists the folders of packages; in an environment, `own` is the one that pip installs into.
_WHO = """
import json, sys, sysconfig
print(json.dumps({"version": sys.version_info[:3], "prefix": sys.prefix,
                  "own": sysconfig.get_path("purelib")}))
"""

# Metadata is what pip goes by; it can differ from what the module calls itself (2.13.0+cu130).
_TORCH = """
import importlib.metadata, importlib.util, json, sys
try:
    metadata = importlib.metadata.version("torch")
except Exception:
    metadata = None
found = {"metadata": metadata, "version": metadata, "accelerated": False, "error": None,
         "site": [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]}
try:
    import torch
    found["version"] = str(torch.__version__)
    found["accelerated"] = bool(torch.version.cuda or torch.version.hip)
except Exception as error:
    missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
    found = {} if missing and not metadata else found | {"error": str(error) or repr(error)}
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs.

    Attributes:
        version: major, minor, micro.
        prefix: the environment that it belongs to.
        own: folder that pip installs into.
    """

    version: tuple[int, int, int]
    prefix: Path
    own: Path

    @property
    def version_text(self) -> str:
        """Such as 3.11.7."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True)
class Torch:
    """The torch that a Python has.

    Attributes:
        version: what the module calls itself, or else its metadata; None if neither says.
        metadata: version that pip knows it by; None if pip does not know it.
        accelerated: whether it is a CUDA or ROCm build.
        site: the package folders that this Python looks into.
        error: why it cannot be imported, or None.
    """

    version: str | None
    metadata: str | None
    accelerated: bool
    site: list[str]
    error: str | None


def ask(python: Path | str) -> Interpreter | None:
    """Facts about ``python``; None if it does not run."""
    said = _answer(python, _WHO)
    if said is None:
        return None
    return Interpreter(tuple(said["version"]), Path(said["prefix"]), Path(said["own"]))


def find_torch(python: Path | str) -> Torch | None:
    """The torch of a running ``python``; None without one."""
    said = _answer(python, _TORCH)
    if said is None:
        return Torch(None, None, False, [], "importing it stops Python")
    return Torch(**said) if said else None


def _answer(python: Path | str, code: str) -> dict | None:
    """The last line that ``code`` prints, read as JSON; None if Python fails before."""
    try:
        result = subprocess.run(
            [str(python), "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return None
    lines = result.stdout.splitlines()
    return json.loads(lines[-1]) if result.returncode == 0 and lines else None


def python_of(environment: Path) -> Path:
    """The interpreter inside an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
