"""Fixtures of the curvature tests."""

import pytest
import torch


@pytest.fixture
def float64_softmax(monkeypatch):
    """Some attentions take their softmax in float32 whatever the model's type."""
    softmax = torch.nn.functional.softmax

    def wide(values, dim=None, dtype=None, **others):
        return softmax(values, dim=dim, dtype=None if values.dtype == torch.float64 else dtype)

    monkeypatch.setattr(torch.nn.functional, "softmax", wide)


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """As in a worker: the same bits, and for such small models also faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
