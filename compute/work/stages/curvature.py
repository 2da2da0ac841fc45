"""Spectrum and traces of one curvature matrix of one model: `curvature` and `spectra`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import torch
from transformers import PreTrainedModel

import schema
from compute.base.memory import Memory
from compute.base.setting import UNQUANTIZED
from compute.models import language_model
from compute.models.curvature import estimates
from compute.models.curvature.fit import Fit, fit
from compute.models.curvature.forecast import Forecast, forecast
from compute.models.curvature.probe import Probe, Signs, rademacher, run_probe, save_arrays
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.curvature.xtrace import XTrace, xtrace
from compute.models.layout import Kind, layout
from compute.quantize import coded_model
from compute.suites.checkpoints import step_at
from compute.suites.curvature_point import CurvaturePoint
from compute.work.stages.stage import Cost, Report, Stage
from compute.work.workspace import Workspace

#: Of the training windows that curvature is measured on, of the probes, and of XTrace's vectors.
SEEDS = {"curvature_windows": 13, "probes": 14, "xtrace": 15}


@dataclass(frozen=True, eq=False, kw_only=True)
class Curvature(Stage):
    """Lanczos runs from the same random vectors at one state of a model.

    Attributes:
        point: what is measured, on how many windows.
    """

    stage = "curvature"
    version = 1
    tables = ("curvature", "spectra")
    adapts = True
    pace = "curvature"
    draws: ClassVar = SEEDS

    point: CurvaturePoint

    @property
    def reads(self) -> tuple[str, ...]:
        """A state on the way, the trained model, or that and its files."""
        if self.point.train_fraction < 1:
            return ("trajectory",)
        return ("checkpoint", "coded") if self.point.setting != UNQUANTIZED else ("checkpoint",)

    @property
    def variant(self) -> str:
        """Names the point."""
        return self.point.variant

    @property
    def identity(self) -> dict:
        """With the point and the seeds."""
        return {**super().identity, "point": self.point.identity, "seeds": SEEDS}

    @property
    def work_tokens(self) -> int:
        """Of all products."""
        return self.point.products * self.point.windows * self.model.context_length

    def forecast(self, memory: Memory) -> Forecast:
        """What it takes where there is so much memory."""
        model = self.model
        return forecast(model.config, model.context_length, self.point, memory, model.vocab_size)

    def cost(self, memory: Memory) -> Cost:
        """Arithmetic of all products."""
        return Cost(float32_flops=self.forecast(memory).flops)

    def shortage(self, memory: Memory, weight_bytes: int) -> str | None:
        """Why not even the smallest batch has room."""
        return self.forecast(memory).reason

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Lanczos runs from the same random vectors at every state of a model (section 8).

        Each finished probe is kept in the cache, so that an interrupted run continues with the
        next one.
        """
        spec, point = self.model, self.point
        device = torch.device(workspace.device)
        model = _model_at(self, workspace, device)
        training = workspace.windows.open()
        windows = training.read(training.draw(spec, point.windows, SEEDS["curvature_windows"]))
        fitted = fit(model.config, spec.context_length, point, workspace.memory(), spec.vocab_size)
        progress = _Progress(report)
        with twice_differentiable(model):
            product = CurvatureProduct(
                model,
                lambda: language_model.batches(windows, fitted.batch_windows, device),
                point.matrix,
                _names(model, point.parameters),
                progress.add,
                spec.vocab_size,
            )
            probes = [
                _probe(product, index, fitted, self, workspace, progress)
                for index in range(point.probes)
            ]
            tests = _xtrace(product, point.tests, fitted, self, workspace)
        constants = {
            "model_id": self.model_id,
            "train_fraction": point.train_fraction,
            **point.setting.columns,
            "matrix": point.matrix,
            "parameters": point.parameters,
            "windows": point.windows,
        }
        basis = {"basis_bits": 8 * fitted.place.dtype.itemsize}
        traces = estimates.trace_rows(probes, tests, product.size)
        found = {
            "curvature": [basis | row for row in traces],
            "spectra": estimates.spectrum_rows(probes),
        }
        return {
            table: pa.Table.from_pylist(
                [constants | row for row in found[table]], schema.TABLES[table]
            )
            for table in self.tables
        }


class _Progress:
    """Tokens so far, for ``report``."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.report, self.tokens = report, 0

    def add(self, tokens: int) -> None:
        self.tokens += tokens
        self.report(self.tokens)


def _model_at(unit: Curvature, workspace: Workspace, device: torch.device) -> PreTrainedModel:
    """The model on its way, at its end, or as its coded file restores it."""
    point = unit.point
    if point.train_fraction < 1:
        step = step_at(point.train_fraction, unit.model.steps)
        return language_model.load(workspace.trajectory(unit) / f"step{step}", device)
    model = language_model.load(workspace.checkpoint(unit), device)
    if point.setting != UNQUANTIZED:
        sha = language_model.weights_sha256(model)
        files = coded_model.load(workspace.coded(unit), point.setting, sha)
        coded_model.restore_into(model, files)
    return model


def _names(model: PreTrainedModel, parameters: str) -> list[str] | None:
    """Names of the parameters that a matrix is taken in, None for all."""
    if parameters == "all":
        return None
    return [parameter.name for parameter in layout(model) if parameter.kind != Kind.OTHER]


def _probe(
    product: CurvatureProduct,
    index: int,
    fitted: Fit,
    unit: Curvature,
    workspace: Workspace,
    progress: _Progress,
) -> Probe:
    """From the cache, or made now and put there."""
    file = workspace.probes(unit) / fitted.slug / f"probe-{index}.npz"
    if file.exists():
        progress.add(fitted.steps * product.tokens)
        return Probe.load(file)
    signs = rademacher(product.size, SEEDS["probes"], index)
    probe = run_probe(product, signs, fitted.steps, fitted.place)
    probe.save(file)
    return probe


def _xtrace(
    product: CurvatureProduct, count: int, fitted: Fit, unit: Curvature, workspace: Workspace
) -> XTrace:
    """From the cache, or made now and put there."""
    file = workspace.probes(unit) / fitted.slug / "xtrace.npz"
    if not file.exists():
        tests = Signs(product.size, SEEDS["xtrace"], count)
        found = xtrace(lambda v: product(v.to(product.device)), tests, fitted.place.device)
        save_arrays(file, **vars(found))
    with np.load(file) as arrays:
        return XTrace(**arrays)
