"""The equation, the function and the columns behind each number of a page."""

from dataclasses import dataclass

import pandas as pd

from dashboard.artifacts.suite import Suite
from dashboard.views.artifacts.file_list import SEVERAL, files


@dataclass(frozen=True)
class NumberPath:
    """The origin of one number.

    Attributes:
        label: the number, as pages name it.
        formula: LaTeX.
        section: of docs/THEORY.md.
        function: that computes it, with its module; empty if the artifacts store it.
        sources: columns of the artifacts that it uses, ``table.column``.
        pages: names of the pages that show it.
    """

    label: str
    formula: str
    section: str
    function: str
    sources: tuple[str, ...]
    pages: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables of the sources, each once."""
        return tuple(dict.fromkeys(source.partition(".")[0] for source in self.sources))


_CODE = ("quantized.stored_bits", "quantized.entropy_coded_bits")
_CELLS = tuple(f"loss_histograms.{name}" for name in ("loss_nats", "entropy_nats", "tokens"))
_COUNTS = ("models.train_tokens", "models.vocab_size")
_DRAWS = tuple(
    f"token_losses.{name}" for name in ("window", "position", "loss_nats", "entropy_nats")
)

PATHS = (
    NumberPath(
        "Training loss",
        r"\hat R(h) = \frac1D \sum_k X_k",
        "0",
        "bounds.TokenLosses",
        ("quantized.train_loss_nats", "loss_histograms.loss_nats", "loss_histograms.tokens"),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Held-out loss",
        r"\frac1n \sum_k X_k",
        "0",
        "",
        ("quantized.heldout_loss_nats", "quantized.heldout_loss_se_nats"),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Complexity per token",
        r"C = \frac{L \ln 2 + \ln(\lvert K \rvert/\delta)}{D}",
        "2",
        "bounds.codes.complexity.complexity",
        (*_CODE, "models.train_tokens"),
        ("bound_explorer",),
    ),
    NumberPath(
        "Bound, geometric form",
        r"\overline{W} - \exp(\overline{\ln(W - X^s)} - C)",
        "5",
        "bounds.chosen_geometric_bound",
        (*_CELLS, *_CODE, *_COUNTS),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Bound, paper's form",
        r"\hat R(h_q) + C \ln V + \Sigma\sqrt C + \sqrt{2C}",
        "4",
        "bounds.four_term_bound",
        (*_CELLS, *_CODE, *_COUNTS),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Bound from sampled windows",
        r"U_{\delta_s/M}(Z) + C/\lambda",
        "6",
        "bounds.forms.sampled.sampled_bound",
        (*_DRAWS, *_CODE, *_COUNTS),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Bound on the models on the way",
        r"\overline{W} - \exp(\overline{\ln(W - X^s)} - C)",
        "10",
        "bounds.progressive.progressive_bound",
        (*_CELLS, *_COUNTS, "online_losses.loss_nats", "online_losses.tokens_seen"),
        ("overview", "bound_explorer"),
    ),
    NumberPath(
        "Bound on a requential student",
        r"\overline{W} - \exp(\overline{\ln(W - X^s)} - C),\quad "
        r"C = \frac{(I + B)\ln 2 + \ln(1/\delta)}{D}",
        "10",
        "bounds.codes.requential.requential_bits",
        (*_CELLS, *_COUNTS, "students.requential_bits", "student_blocks.log_ratio_nats"),
        ("overview", "bound_explorer", "information"),
    ),
    NumberPath(
        "Loss variation",
        r"\Sigma = \min_{s \in K} \Delta\sqrt C\,\frac{1-s}{s} + "
        r"\frac{\Delta}{\sqrt C}\,\frac{\overline{v(sA)}}{s}",
        "1",
        "bounds.loss_variation",
        (*_CELLS, *_COUNTS),
        ("loss_variation",),
    ),
    NumberPath(
        "Smoothing, paper's form",
        r"\sqrt{2C} + \overline{X} - \hat R(h_q)",
        "3",
        "bounds.smoothing_cost_nats",
        (*_CODE, "models.train_tokens"),
        ("bound_explorer",),
    ),
    NumberPath(
        "Quantization gap",
        r"\hat R(h_q) - \hat R(h)",
        "4",
        "",
        ("quantized.paired_gap_nats", "quantized.paired_gap_se_nats", *_CELLS),
        ("quantization",),
    ),
    NumberPath(
        "Predicted loss of a layer",
        r"\tfrac{\text{step}^2}{12}\,\mathrm{tr}(D)",
        "7",
        "",
        ("layers.predicted_proxy_loss", "layers.proxy_loss"),
        ("quantization",),
    ),
    NumberPath(
        "Traces of the curvature",
        r"\mathrm{Tr}\,f(H) \approx \frac{N}{n_v} \sum \tau_i^2 f(\theta_i)",
        "8",
        "bounds.curvature.spectrum.trace_of",
        ("curvature.value", "spectra.ritz_value", "spectra.weight"),
        ("curvature",),
    ),
    NumberPath(
        "Information, from every batch",
        r"K(h) = \sum_k \ln\frac{p_{h_D}(X_k)}{p_{h_{k-1}}(X_k)}",
        "9",
        "bounds.prequential_information_nats",
        ("online_losses.loss_nats", "information.final_loss_nats", "information.k_nats"),
        ("information",),
    ),
    NumberPath(
        "Information, from checkpoints",
        r"\int_0^D L_t - L_D \,dt",
        "9",
        "bounds.checkpoint_information_nats",
        ("checkpoint_losses.loss_nats", "checkpoint_losses.final_loss_nats", "information.k_nats"),
        ("information",),
    ),
    NumberPath(
        "Laws",
        r"y = c\,N^{-p}",
        "11",
        "bounds.fit_power_law",
        ("models.params_total",),
        ("scaling_laws", "what_if"),
    ),
)


def source_files(
    suite: Suite, path: NumberPath, model_id: str, setting: str | None
) -> pd.DataFrame:
    """Rows of ``file_list.files`` that a number of one model comes from.

    Args:
        setting: its name; None for every setting's.  Files without a setting are included.

    Raises:
        ArtifactError: a file is damaged.
    """
    found = files(suite)
    here = found["table"].isin(path.tables) & found["model_id"].isin([model_id, SEVERAL])
    if setting is not None:
        here &= found["setting"].isin([setting, SEVERAL]) | found["setting"].isna()
    return found[here]
