"""The needs of each layer: requirement files, and the two packages that are installed by hand."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

#: Installed first and alone where no accelerated build is found.
TORCH = "torch==2.13.0"

#: transformers silently ignores an older torch, and then has no models.
OLDEST_TORCH = (2, 6)

#: Installed last and without its dependencies: it pins versions that conflict with the others, and
#: its quantization algorithm needs none of them.
AUTO_GPTQ = "auto-gptq==0.7.1"

#: Requirement files of each layer, the lighter ones first.
LAYERS = {
    "app": ["requirements.txt"],
    "results": ["requirements.txt", "tools/results/requirements.txt"],
    "compute": ["requirements.txt", "compute/requirements.txt"],
    "ray": ["requirements.txt", "compute/requirements.txt", "compute/ray-requirements.txt"],
    "check": ["requirements.txt", "tests/check-requirements.txt"],
    "test": [
        "requirements.txt",
        "compute/requirements.txt",
        "compute/ray-requirements.txt",
        "tools/results/requirements.txt",
        "tests/check-requirements.txt",
        "tests/project/browser/requirements.txt",
    ],
    "bench": [
        "requirements.txt",
        "compute/requirements.txt",
        "tests/check-requirements.txt",
        "tests/project/browser/requirements.txt",
    ],
}

#: Layers that need no torch.
LIGHT = ("app", "results", "check")

#: Requirement files that are installed last, without the dependencies of their packages.
ALONE = {"bench": ["tests/project/bench/requirements.txt"]}


def stamp(layer: str) -> str:
    """Digest of the needs of ``layer``: when it changes, the environment is brought up to date."""
    sha = hashlib.sha256(f"{TORCH} {AUTO_GPTQ}".encode())
    for file in LAYERS[layer] + ALONE.get(layer, []):
        sha.update((ROOT / file).read_bytes())
    return sha.hexdigest()
