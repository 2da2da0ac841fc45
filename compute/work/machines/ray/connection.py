"""A connection to Ray, on a cluster or this machine alone, and what our tasks ask of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from compute.base.errors import InputError
from compute.base.provenance import ROOT
from compute.work.machines.executor import KEEP_MEMORY

#: Seconds within which a cluster must answer.
ANSWER_WITHIN = 30.0

#: For objects that tasks exchange, in bytes; ours are small, and Ray takes no less than 75 MiB.
OBJECT_STORE_BYTES = 100 * 2**20


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[None]:
    """A connection to Ray, closed afterwards unless there was one before.

    Args:
        address: ``host:port`` of the cluster's head, or ``auto`` on one of its machines; None
            starts Ray on this machine alone, with one CPU for each of ``workers``.

    Raises:
        InputError: nothing answers there in time.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # sends nothing to Ray's makers
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        local = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        ray.init("local", num_cpus=workers, **local, **quiet)
    else:
        _check_answers(address)
        try:
            ray.init(address, **quiet)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise InputError(
                f"The Ray cluster at {address} cannot be joined from here; run this on one of its "
                f"machines with the same versions of Python and Ray: {first_line(error)}"
            ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ask in a process of its own: where nothing answers, Ray tries for minutes and then exits."""
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answers = subprocess.run(ask, capture_output=True, timeout=ANSWER_WITHIN).returncode == 0
    except subprocess.TimeoutExpired:
        answers = False
    if not answers:
        raise InputError(
            f"No Ray cluster answers at the address {address!r}; give host:port of its head "
            "(`ray start --head` prints it), or auto on one of its machines."
        )


#: Of the hub and its cache, the same everywhere; a token stays on the machine that it is for.
_OF_THE_HUB = ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT")


def task_options(gpus: float) -> dict[str, Any]:
    """Ray's options for a process of ours: ``gpus`` GPUs or else one CPU, and our code."""
    variables = {name: os.environ.get(name, value) for name, value in KEEP_MEMORY.items()}
    variables |= {name: os.environ[name] for name in _OF_THE_HUB if name in os.environ}
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return {
        "num_gpus": gpus,
        "num_cpus": 0 if gpus else 1,
        "runtime_env": {"env_vars": variables},
    }


def first_line(error: Exception) -> str:
    """Of what Ray says, which runs to pages."""
    return next(iter(str(error).splitlines()), type(error).__name__)
