"""Quantize one model at one setting, store it, decode it, and score the decoded model."""

from collections.abc import Callable

import pyarrow as pa
import torch

from bounds import TokenLosses, nominal_bits
from compute import language_model
from compute.codes import stored
from compute.evaluation import clustered_standard_error, evaluate
from compute.quantizers import quantize_parameters
from compute.setting import Setting
from compute.unit import Unit
from compute.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Losses on all D training tokens and on the held-out documents (section 6)."""
    spec, setting = unit.model, unit.setting
    device = torch.device(workspace.device)
    model = language_model.load(workspace.checkpoint(unit), device)
    parameters = language_model.parameters_by_name(model)
    code = stored.encode(quantize_parameters(parameters, setting), setting)
    decoded = stored.decode(code, {name: tuple(p.shape) for name, p in parameters.items()})
    model.load_state_dict(decoded, strict=False)
    windows = workspace.windows.open()
    train = evaluate(model, windows.training[: spec.train_windows], device, report)
    heldout = evaluate(
        model,
        windows.heldout,
        device,
        lambda tokens: report(spec.train_tokens + tokens),
        keep_tokens=True,
    )
    row = {
        "model_id": unit.model_id,
        **setting.columns,
        "nominal_bits": nominal_bits(setting.bits, spec.params_total),
        "stored_bits": 8 * len(code),
        "entropy_coded_bits": None,
        "train_loss_nats": train.mean_loss_nats,
        "heldout_loss_nats": heldout.mean_loss_nats,
        "heldout_loss_se_nats": clustered_standard_error(
            heldout.window_token_losses, windows.heldout_documents
        ),
        "train_tokens_evaluated": int(train.histogram.total_tokens),
        "heldout_tokens_evaluated": int(heldout.histogram.total_tokens),
    }
    histograms = [
        _histogram_rows(unit.model_id, setting, split, evaluation.histogram)
        for split, evaluation in (("train", train), ("heldout", heldout))
    ]
    return {
        "quantized": pa.Table.from_pylist([row]),
        "loss_histograms": pa.concat_tables(histograms),
    }


def _histogram_rows(
    model_id: str, setting: Setting, split: str, histogram: TokenLosses
) -> pa.Table:
    cells = len(histogram.tokens)
    constants = {"model_id": model_id, **setting.columns, "split": split}
    return pa.table(
        {name: pa.array([value] * cells) for name, value in constants.items()}
        | {
            "loss_nats": histogram.loss_nats,
            "entropy_nats": histogram.entropy_nats,
            "tokens": histogram.tokens.astype("int64"),
        }
    )
