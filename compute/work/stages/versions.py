"""Versions of the stages, a part of every unit's name."""

#: Raised by one when a change of the code changes the numbers of that stage, so that files
#: written before are known to be stale.
STAGE_VERSIONS = {
    "train": 1,
    "sweep": 1,
    "register": 2,
    "quantize": 2,
    "measure": 3,
    "trajectory": 3,
    "information": 2,
    "curvature": 1,
    "fetch": 1,
    "describe": 2,
    "sample": 3,
    "chain": 3,
}
