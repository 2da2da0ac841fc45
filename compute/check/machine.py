"""The hardware and software of this machine: device, memory, disk, versions, the hub."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from huggingface_hub import constants, get_session, is_offline_mode

from compute.base.memory import Memory, gibibytes
from compute.check.row import Row
from compute.quantize.quantizers import gptq
from compute.work.machines.devices import describe_device

PART = "machine"

#: Packages whose versions a bug report should name.
PACKAGES = ("torch", "transformers", "accelerate", "auto-gptq", "constriction", "numpy", "pyarrow")

#: Seconds to wait for the hub.
HUB_SECONDS = 5.0

#: Of disk: Pythia up to 1.4 billion parameters, in float32.
_WANTED_DISK = 20e9


def rows(device: str, cache_dir: Path) -> Iterator[Row]:
    """Rows about the machine; only a missing part of the batch stage counts as wrong."""
    yield Row(PART, "device", describe_device(device))
    if device.startswith("cuda"):
        yield Row(PART, "GPUs", f"{torch.cuda.device_count()}, CUDA {torch.version.cuda}")
    memory = Memory.of(device)
    yield Row(PART, "memory of the device", gibibytes(memory.device_bytes))
    if memory.host_bytes:
        yield Row(PART, "memory of the computer", gibibytes(memory.host_bytes))
    yield Row(PART, "cores", f"{_cores()}, {torch.get_num_threads()} thread(s) of torch")
    for what, folder in (("cache", cache_dir), ("hub's cache", Path(constants.HF_HUB_CACHE))):
        yield _disk(what, folder)
    yield Row(PART, "Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield Row(PART, "packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    found = gptq.installed()
    yield Row(
        PART,
        "auto-gptq",
        "installed" if found else "missing",
        "installed",
        found,
        "" if found else "run `make compute`, which installs it",
    )
    yield _hub()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _disk(what: str, folder: Path) -> Row:
    folder = folder.absolute()
    there = next(f for f in (folder, *folder.parents) if f.exists())
    free, writable = shutil.disk_usage(there).free, os.access(there, os.W_OK)
    advice = ""
    if not writable:
        advice = "name a writable folder: --cache, or HF_HOME for the hub's"
    elif free < _WANTED_DISK:
        advice = "Pythia's models up to 1.4 billion parameters need more"
    found = f"{free / 1e9:,.0f} GB free in {folder}" if writable else f"{folder} is read-only"
    return Row(PART, f"disk of the {what}", found, "it can be written", writable, advice)


def _hub() -> Row:
    endpoint = constants.ENDPOINT
    if is_offline_mode():
        return Row(PART, "hub", "offline (HF_HUB_OFFLINE): only models in the cache")
    try:
        get_session().head(endpoint, timeout=HUB_SECONDS)
    except Exception as error:  # noqa: BLE001 - proxies, certificates and names fail in many ways
        return Row(
            PART,
            "hub",
            f"{endpoint} does not answer ({type(error).__name__})",
            advice="models in the cache and in folders can be measured; set the proxy with "
            "HTTPS_PROXY, its certificate with REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
        )
    return Row(PART, "hub", f"{endpoint} answers")
