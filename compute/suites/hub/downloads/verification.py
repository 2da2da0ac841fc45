"""Is a checkpoint on disk whole and unharmed."""

import hashlib
import pickle
import re
import zipfile
import zlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from compute.base.errors import InputError
from compute.suites.hub import files

SHA256 = re.compile(r"[0-9a-f]{64}")


def verify(folder: Path) -> None:
    """Check every file of weights in ``folder`` that a model is loaded from; reads them all.

    A safetensors file must have a header that parses and exactly the length that it says; a
    ``.bin`` file must be a whole archive; a file that the hub's cache names by a SHA-256 must
    have that one.

    Raises:
        InputError: one does not, or is missing; names it and says to delete it and run again.
    """
    for name in files.folder_weights(folder, str(folder)):
        path = folder / name
        if name.endswith(".safetensors"):
            _check_safetensors(path)
        elif name.endswith(".bin"):
            _check_archive(path)
        _check_hash(path)


def _check_safetensors(path: Path) -> None:
    try:
        with safe_open(path, framework="pt") as opened:
            opened.keys()
    except (SafetensorError, OSError) as error:
        raise _damaged(path, str(error)) from error


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise _damaged(path, "the end of the archive is missing")
        # Written by torch before 1.6: a plain pickle, whose end only reading it all finds.
        try:
            torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError, ValueError, OSError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise _damaged(path, f"no archive of weights: {reason}") from error
        return
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise _damaged(path, str(error)) from error
    if bad is not None:
        raise _damaged(path, f"the checksum of its part {bad} is wrong")


def _check_hash(path: Path) -> None:
    # One link only: what the cache links to may itself be a link, to a store named by other hashes.
    blob = path.readlink() if path.is_symlink() else path
    if blob.parent.name != "blobs" or not SHA256.fullmatch(blob.name):
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != blob.name:
        raise _damaged(path, f"its SHA-256 is {digest}, not {blob.name}")


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is damaged ({reason}): delete {path.resolve()} and run again.")
