"""The stages of the batch job, one module each.

A stage is a function ``run(unit, workspace, report) -> {table: rows}``.  It reads what its
``unit.needs`` wrote and calls ``report(tokens)`` with the tokens it has been through.
"""

from collections.abc import Callable

import pyarrow as pa

from compute.stages import (
    chain,
    curvature,
    describe,
    fetch,
    information,
    measure,
    quantize,
    register,
    sample,
    sweep,
    train,
    trajectory,
)
from compute.work.unit import Unit
from compute.work.workspace import Workspace

Stage = Callable[[Unit, Workspace, Callable[[int], None]], dict[str, pa.Table]]

STAGES: dict[str, Stage] = {
    "train": train.run,
    "sweep": sweep.run,
    "register": register.run,
    "quantize": quantize.run,
    "measure": measure.run,
    "curvature": curvature.run,
    "trajectory": trajectory.run,
    "information": information.run,
    "fetch": fetch.run,
    "describe": describe.run,
    "sample": sample.run,
    "chain": chain.run,
}
