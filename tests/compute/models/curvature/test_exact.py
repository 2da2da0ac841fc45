"""Estimates against the exact eigenvalues of a trained model small enough to diagonalise."""

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from bounds.curvature.spectrum import positive_root
from compute.models.curvature.estimates import trace_rows
from compute.models.curvature.lanczos import BasisPlace
from compute.models.curvature.probe import rademacher, run_probe
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.curvature.xtrace import xtrace
from tests.compute.models.curvature.explicit import Written, explicit

VOCABULARY, CONTEXT = 12, 16


def text(windows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of a noisy cycle through the vocabulary."""
    random = torch.Generator().manual_seed(3)
    steps = torch.randint(0, 3, (windows, CONTEXT + 1), generator=random)
    tokens = steps.cumsum(dim=1) % VOCABULARY
    return tokens[:, :-1], tokens[:, 1:]


@pytest.fixture(scope="module")
def trained() -> GPT2LMHeadModel:
    """A model of about four hundred parameters that was trained a little."""
    config = GPT2Config(vocab_size=VOCABULARY, n_embd=4, n_layer=1, n_head=2, n_positions=CONTEXT)
    inputs, targets = text(64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
        losses = []
        for _ in range(150):
            logits = model(inputs).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    return model


@pytest.mark.parametrize("matrix", ["hessian", "gauss_newton"])
def test_traces_lie_within_two_standard_errors_of_the_exact_ones(trained, matrix):
    inputs, targets = text(8)
    with twice_differentiable(trained):
        written = explicit(CurvatureProduct(trained, lambda: [(inputs, targets)], matrix))
    eigenvalues = np.linalg.eigvalsh(written.astype(np.float64))
    product = Written(written)
    probes = [
        run_probe(product, rademacher(product.size, 1, i), 60, BasisPlace("cpu")) for i in range(12)
    ]
    tests = torch.stack([rademacher(product.size, 2, i) for i in range(12)], dim=1)
    found = {
        (row["quantity"], row["method"], row["steps"]): row
        for row in trace_rows(probes, xtrace(product, tests.T, "cpu"), product.size)
        if row["probe"] is None
    }
    wanted = {
        ("trace", "hutchinson", 1): eigenvalues.sum(),
        ("trace", "xtrace", 2): eigenvalues.sum(),
        ("trace_sqrt", "radau", 60): positive_root(eigenvalues).sum(),
        ("trace_negative", "radau", 60): np.minimum(eigenvalues, 0.0).sum(),
    }
    for key, exact in wanted.items():
        row = found[key]
        slack = 1e-6 * eigenvalues.max() * product.size  # single precision
        assert abs(row["value"] - exact) < 2 * row["standard_error"] + slack, key
        assert row["standard_error"] < 0.25 * abs(exact) + slack, key
    # The root's error with fewer steps is within its quadrature error.
    for quantity in ("trace_sqrt", "trace_negative"):
        rough, fine = (found[quantity, "radau", steps] for steps in (15, 60))
        assert abs(rough["value"] - fine["value"]) <= rough["quadrature_error"] + slack


def test_batches_tell_how_the_trace_varies_over_windows(trained):
    """Against the spread of traces of single windows, computed one by one."""
    inputs, targets = text(16)
    batches = [(x[None], y[None]) for x, y in zip(inputs, targets, strict=True)]
    with twice_differentiable(trained):
        product = CurvatureProduct(trained, lambda: batches, "hessian")
        signs = rademacher(product.size, 1, 0)
        probe = run_probe(product, signs, 1, BasisPlace("cpu"))
        for batch, form in zip(batches[:4], probe.batch_forms, strict=False):
            alone = CurvatureProduct(trained, lambda batch=batch: [batch], "hessian")
            assert form == pytest.approx(torch.dot(signs, alone(signs)).item(), rel=1e-4, abs=1e-3)
        tests = torch.stack([rademacher(product.size, 2, i) for i in range(3)], dim=1)
        rows = trace_rows([probe, probe], xtrace(product, tests.T, "cpu"), product.size)
    whole = product.size * probe.tridiagonal.diagonal[0]
    assert probe.batch_forms.mean() == pytest.approx(whole, rel=1e-4)
    mean = next(r for r in rows if r["method"] == "hutchinson" and r["probe"] is None)
    forms = probe.batch_forms
    assert mean["window_standard_error"] == pytest.approx(forms.std(ddof=1) / np.sqrt(16))
