"""The stages of the batch job, one class each: of ladders, of published models, of both."""

from compute.work.stages.curvature import Curvature
from compute.work.stages.information import Information
from compute.work.stages.ladder.measure import Measure
from compute.work.stages.ladder.register import Register
from compute.work.stages.ladder.requential import Requential
from compute.work.stages.ladder.sweep import Sweep
from compute.work.stages.ladder.train import Train
from compute.work.stages.ladder.trajectory import Trajectory
from compute.work.stages.published.chain import Chain
from compute.work.stages.published.describe import Describe
from compute.work.stages.published.fetch import Fetch
from compute.work.stages.published.sample import Sample
from compute.work.stages.quantize import Quantize
from compute.work.stages.stage import Stage

#: Of models that are trained here, and of published ones.
LADDER: tuple[type[Stage], ...] = (
    *(Train, Sweep, Register, Quantize, Measure),
    *(Requential, Trajectory, Information, Curvature),
)
PUBLISHED: tuple[type[Stage], ...] = (
    *(Fetch, Describe, Quantize, Sample, Chain, Information, Curvature),
)
