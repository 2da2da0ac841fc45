"""Rows of tables that several stages write."""

import numpy as np
import pyarrow as pa
from transformers import PreTrainedModel

import schema
from bounds import TokenLosses
from compute.base.setting import Setting
from compute.models import language_model
from compute.models.evaluation import Evaluation, clustered_standard_error
from compute.work.unit import Unit


def histogram_rows(model_id: str, setting: Setting, split: str, histogram: TokenLosses) -> pa.Table:
    """`loss_histograms`: one row per cell of the histogram of one model's losses on one split."""
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


def loss_columns(train: Evaluation, heldout: Evaluation, documents: np.ndarray) -> dict:
    """Columns of `quantized` and of `students`: losses on both texts, and what they are means of.

    Args:
        train: of training tokens.
        heldout: of held-out documents, with the losses of its tokens.
        documents: that each of those tokens is of.
    """
    return {
        "train_loss_nats": train.mean_loss_nats,
        "heldout_loss_nats": heldout.mean_loss_nats,
        "heldout_loss_se_nats": clustered_standard_error(heldout.window_token_losses, documents),
        "train_tokens_evaluated": int(train.histogram.total_tokens),
        "heldout_tokens_evaluated": int(heldout.histogram.total_tokens),
    }


def model_row(unit: Unit, model: PreTrainedModel, **own: object) -> pa.Table:
    """`models`: what is counted of the loaded model, and columns of its ``own``."""
    spec = unit.model
    embedding, nonembedding = language_model.parameter_counts(model)
    row = dict.fromkeys(schema.TABLES["models"].names) | {
        "model_id": unit.model_id,
        "family": model.config.model_type,
        "params_total": embedding + nonembedding,
        "params_embedding": embedding,
        "params_nonembedding": nonembedding,
        "train_tokens": spec.train_tokens,
        "vocab_size": spec.vocab_size,
        "context_length": spec.context_length,
        "train_fraction": 1.0,
        "weights_sha256": language_model.weights_sha256(model),
        "layers": model.config.num_hidden_layers,
        "hidden_size": model.config.hidden_size,
        "batch_windows": spec.batch_windows,
    }
    return pa.Table.from_pylist([row | own])


def checkpoint_row(
    unit: Unit, step: int, losses: np.ndarray, final: np.ndarray, weights_sha256: str
) -> dict:
    """`checkpoint_losses`: mean losses, nats per token, of a checkpoint and of the final model on
    the same windows, shape (windows,)."""
    excess = losses - final
    return {
        "model_id": unit.model_id,
        "train_step": step,
        "tokens_seen": step * unit.model.batch_windows * unit.model.context_length,
        "windows": len(excess),
        "loss_nats": losses.mean(),
        "final_loss_nats": final.mean(),
        "excess_se_nats": excess.std(ddof=1) / len(excess) ** 0.5,
        "weights_sha256": weights_sha256,
    }
