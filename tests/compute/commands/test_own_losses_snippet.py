"""The lines of *Your losses* that write a file of token losses with torch."""

import numpy as np
import pandas as pd
import torch

from dashboard.views.your_losses.file import read_columns
from dashboard.views.your_losses.words import SNIPPET


def test_the_lines_that_make_such_a_file_do_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logits = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(30).reshape(2, 3, 5) % 7
    batches = [(torch.tensor(i), targets[i]) for i in range(2)]
    exec(SNIPPET, {"torch": torch, "pandas": pd, "model": lambda i: logits[i], "batches": batches})
    found = read_columns("losses.parquet", (tmp_path / "losses.parquet").read_bytes())
    spread = torch.distributions.Categorical(logits=logits.double())
    np.testing.assert_allclose(found.loss_nats, -spread.log_prob(targets).flatten(), rtol=1e-12)
    np.testing.assert_allclose(found.entropy_nats, spread.entropy().flatten(), rtol=1e-12)
