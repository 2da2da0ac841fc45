"""The stages of the batch job, one module each: of ladders, of published models, of both.

A stage is a function ``run(unit, workspace, report) -> {table: rows}``.  It reads what its
``unit.needs`` wrote and calls ``report(tokens)`` with the tokens it has been through.
"""

from collections.abc import Callable

import pyarrow as pa

from compute.work.stages import curvature, information, quantize
from compute.work.stages.ladder import measure, register, sweep, train, trajectory
from compute.work.stages.published import chain, describe, fetch, sample
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
