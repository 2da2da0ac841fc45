"""Headers of tables on screen: words with units for the columns of files."""

#: Columns whose words do not follow from their names.
_WORDS = {
    "model_id": "model",
    "params_total": "parameters N",
    "params_embedding": "embedding parameters",
    "params_nonembedding": "other parameters",
    "parameters_used": "N, as the law counts it",
    "counts": "the law counts",
    "train_tokens": "training tokens D",
    "vocab_size": "vocabulary V",
    "context_length": "context, tokens",
    "hidden_size": "width",
    "batch_windows": "windows per step",
    "train_fraction": "share of training done",
    "weights_sha256": "SHA-256 of the weights",
    "sha256": "SHA-256",
    "unit_key": "unit",
    "flops": "compute, FLOP",
    "total_nats": "bound, nats per token",
    "total_bits_per_byte": "bound, bits per byte",
    "total_bits": "code length, bits",
    "code_bits": "code length, bits",
    "codes_bits": "codes, bits",
    "table_bits": "tables, bits",
    "scale_bits": "scales, bits",
    "share_of_file": "share of the file",
    "code_nats_per_token": "C: code, nats per token",
    "confidence_nats_per_token": "C: confidence, nats per token",
    "c_nats_per_token": "C, nats per token",
    "sigma_nats": "Σ, nats/√nat",
    "variance_nats2": "variance, nats²",
    "measured_train_loss": "training loss, measured",
    "measured_heldout": "held-out loss",
    "measured_heldout_loss": "held-out loss",
    "train_loss": "training loss",
    "bound_gap": "gap of the bound",
    "alpha": "smoothing weight α",
    "offset": "offset of the ceiling",
    "slope": "slope of the ceiling",
    "loss_range_nats": "largest loss, nats",
    "floor_nats": "floor y₀, nats",
    "nats_per_token": "predicted, nats per token",
    "bits_per_byte": "predicted, bits per byte",
    "left_out_predicted": "largest model, left out: predicted",
    "left_out_value": "largest model, left out: measured",
    "not_certified_because": "why it is not certified",
    "gap_certified": "gap certified",
    "stand_in": "stand-in text",
    "k_bits": "K(h), bits",
    "recomputed_bits": "K(h) from all batches, bits",
    "checkpoint_bits": "K(h) from checkpoints, bits",
    "checkpoint_error_bits": "error of K(h) from checkpoints, bits",
    "closed_form_bits": "K(h) in closed form, bits",
    "data_exponent": "exponent β in D",
    "nominal_bits": "nominal, bits per parameter",
    "stored_bits": "stored, bits per parameter",
    "entropy_coded_bits": "entropy-coded, bits per parameter",
    "weight_entropy_bits": "entropy of the codes, bits per weight",
    "proxy_loss": "proxy loss",
    "rounding_proxy_loss": "proxy loss, rounded to nearest",
    "predicted_proxy_loss": "proxy loss, predicted",
    "predicted_rounding_proxy_loss": "proxy loss of rounding, predicted",
    "feedback_ratio": "loss over that of rounding",
    "clipped_share": "share of codes at the ends",
    "mean_squared_weight": "mean squared weight",
    "group_size": "weights per scale",
    "quantizer_seed": "seed of the rotation",
    "trace": "Tr",
    "trace_h": "tr(H)",
    "trace_sqrt": "Tr √",
    "trace_sqrt_h": "tr(√H)",
    "trace_sqrt_top": "Tr √, with quadrature error",
    "negative": "eigenvalues below 0, share of Tr",
    "evenness_top": "evenness, with quadrature error",
    "ritz_value": "Ritz value, nats per token",
    "whole_gauss_newton": "whole model, Gauss–Newton",
    "whole_hessian": "whole model, Hessian",
    "no_feedback": "without feedback, Gauss–Newton",
    "finished_at": "ended, UTC",
}

#: Unit at the end of a name, as words.
_UNITS = {
    "_nats_per_token": "nats per token",
    "_nats": "nats per token",
    "_bits_per_byte": "bits per byte",
    "_bits": "bits",
    "_bytes": "bytes",
    "_seconds": "s",
}

#: What the end of a name adds to the quantity.
_PARTS = {"_se": "standard error", "_low": "from", "_high": "to"}


def header(name: str) -> str:
    """The words for a column, with the unit of its values if its name states one.

    ``gap_se_nats`` is ``gap, standard error, nats per token``.
    """
    if name in _WORDS:
        return _WORDS[name]
    stem, unit = _split(name, _UNITS)
    stem, part = _split(stem, _PARTS)
    words = _WORDS.get(stem, stem.replace("_", " "))
    return ", ".join(filter(None, (words, part, unit)))


def _split(name: str, endings: dict[str, str]) -> tuple[str, str]:
    """A name without the first of ``endings`` that it has, and the words for that."""
    for ending, words in endings.items():
        if name.endswith(ending):
            return name.removesuffix(ending), words
    return name, ""
