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
