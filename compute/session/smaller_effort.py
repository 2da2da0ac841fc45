"""Smaller efforts for a machine that is too slow for the full one."""

from collections.abc import Iterator
from dataclasses import replace

from compute.session.request import Request

#: Longest time of a smaller run: a night.
NIGHT_SECONDS = 10 * 3600

#: Expensive stages that no bound needs.
_COSTLY = ("chain", "curvature")

#: From the largest effort to the smallest: windows, quantizers and calibration windows.
_EFFORTS = (
    {},
    {"windows": 4096},
    {"windows": 1024, "quantizers": ("gptq:3,4", "gptq:3:128,4:128"), "calibration": 128},
    {"windows": 256, "quantizers": ("gptq:4,4:128",), "calibration": 128},
    {"windows": 64, "quantizers": ("gptq:4:128",), "calibration": 128},
)


def smaller_requests(request: Request) -> Iterator[Request]:
    """Smaller and smaller requests; smaller choices of the user stay."""
    without = tuple(dict.fromkeys((*request.without, *_COSTLY)))
    for effort in _EFFORTS:
        wanted = dict(effort)
        if request.quantizers:
            wanted.pop("quantizers", None)
        for name in ("windows", "calibration"):
            given = getattr(request, name)
            if given is not None:
                wanted[name] = min(given, wanted.get(name, given))
        found = replace(request, without=without, **wanted)
        if found != request:
            yield found
