"""Memory of this process: the peak of one unit, the free memory, and releasing it."""

import contextlib
import ctypes
import gc
import resource
import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FREE = Path("/proc/meminfo")

#: Limit and use of a container, in the two versions of control groups, with the names of the pages
#: of files in it, which the system frees on demand.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def reset_peak() -> bool:
    """Restart the measurement of ``peak_bytes``; whether the system can, as Linux does."""
    try:
        _CLEAR.write_text("5")  # proc(5): sets the peak to the resident size of now
    except OSError:
        return False
    return True


def peak_bytes() -> int:
    """Peak resident size since ``reset_peak``; without /proc, over the whole life of the
    process."""
    try:
        return _kibibytes(_STATUS, "VmHWM")
    except (OSError, KeyError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def keep_loaded() -> None:
    """Exempt what a worker has loaded from collection: modules stay for its whole life, and
    ``give_back`` would take longer over them, after each unit, than many a unit takes."""
    gc.freeze()


def give_back() -> None:
    """Return unused memory to the system: glibc is set to keep it in workers while a unit runs."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def free_bytes() -> int | None:
    """Memory that processes may still use, of the computer or the container; None if unknown."""
    try:
        found = [_kibibytes(_FREE, "MemAvailable")]
    except (OSError, KeyError):
        return None
    for limit, used, files in _GROUPS:
        with contextlib.suppress(OSError, ValueError, KeyError):  # no such file, or "max"
            most, taken = int(Path(limit).read_text()), int(Path(used).read_text())
            found.append(most - taken + _entry(Path(used).with_name("memory.stat"), files))
    return min(found)


def _kibibytes(file: Path, name: str) -> int:
    return 1024 * _entry(file, f"{name}:")


def _entry(file: Path, name: str) -> int:
    lines = (line.split() for line in file.read_text().splitlines())
    return int({line[0]: line[1] for line in lines if len(line) > 1}[name])
