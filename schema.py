"""Every table of the artifacts: columns, units, dtypes, version.

The batch stage writes these tables and the app reads them; besides the mathematics and ``tables``
they share nothing else.  Imports pyarrow only.
"""

import re

import pyarrow as pa

#: Major.minor.  The app refuses another major version.  A minor one only adds tables and columns:
#: an older file is refused by name if it lacks a column, and read if it does not.
SCHEMA_VERSION = "1.10"

#: Metadata keys in every Parquet file, all strings.  A file of a published copy has the rows of
#: many units: a value that they do not share is ``SEVERAL`` there, and each unit's own is in the
#: table ``provenance``; the schema version is that of the copy.
PROVENANCE_KEYS = (
    "boundscape.schema_version",
    "boundscape.code_revision",
    "boundscape.suite",
    "boundscape.suite_fingerprint",
    "boundscape.unit_key",
    "boundscape.seeds",
    "boundscape.model_revision",
    "boundscape.library_versions",
    "boundscape.device",
)

SEVERAL = "several: see the table provenance"


#: A manifest is JSON.  A suite's has ``schema_version``, ``suite_fingerprint`` and ``files``, path
#: to ``bytes`` and ``sha256``; its own SHA-256 is the version of the suite.  That of a folder of
#: suites has ``schema_version`` and ``suites``, name to ``sha256`` of the suite's manifest.
MANIFEST = "manifest.json"

#: The name of a suite: one part of a path.
SUITE_NAME = re.compile(r"\w[\w.-]{0,99}")

#: A file in a suite's manifest: ``TABLE/NAME.parquet``.
ARTIFACT_PATH = re.compile(r"[a-z][a-z_]{0,39}/\w[\w.+-]{0,199}\.parquet")


#: Unit of every column that has one: a name has the same in every table.
_UNITS: dict[str, str] = {}

#: What the end of a name says of the unit, unless the column says otherwise.
_UNIT_BY_ENDING = {"_nats": "nats per token", "_bits": "bits", "_tokens": "tokens"}


def _described(
    name: str, dtype: pa.DataType, text: str, nullable: bool = False, unit: str = ""
) -> pa.Field:
    by_ending = (of for ending, of in _UNIT_BY_ENDING.items() if name.endswith(ending))
    if unit := unit or next(by_ending, ""):
        _UNITS[name] = unit
    return pa.field(name, dtype, nullable=nullable, metadata={"description": text})


#: What identifies a quantization: null where it does not apply.
SETTING_FIELDS = (
    _described("quantizer", pa.string(), "how weights were rounded; none: not at all"),
    _described("bits", pa.int32(), "of a weight on a clipped grid or in a float", nullable=True),
    _described("group_size", pa.int32(), "weights that share a scale; null: a row", nullable=True),
    _described(
        "step",
        pa.float64(),
        "of an unclipped grid, in units of the row's rms; of watersic_priced nats for a bit per "
        "parameter",
        nullable=True,
    ),
    _described("quantizer_seed", pa.int64(), "of a random rotation", nullable=True),
)

QUANTIZERS = (
    "none",
    "cast",
    "rtn",
    "gptq",
    "gptq_actorder",
    "ldlq",
    "ldlq_rotated",
    "gptq_step",
    "gguf",
    "watersic",
    "watersic_priced",
)

#: Which tokens were scored.  A bound from sampled windows chooses its parameters on those of
#: ``selection``, and never uses those of ``train`` before.  Those of ``online`` are the training
#: tokens, each predicted by the model just before its batch was trained on; those of ``student``
#: are the training tokens, predicted by the model's student.
SPLITS = ("train", "heldout", "selection", "online", "student")

#: Curvature matrices of the mean token loss: the Hessian, and J^T S J with J the Jacobian of the
#: logits and S the Hessian of the loss in the logits, which is never negative.
MATRICES = ("hessian", "gauss_newton")

#: Which parameters such a matrix is taken in: all, or those that quantizers put on a grid.
MATRIX_PARAMETERS = ("all", "quantized")

#: What a unit of each stage of the batch job does; the app lists stages in this order.
STAGES = {
    "train": "trains a model and scores every batch before training on it",
    "sweep": "trains a model at one learning rate and scores it on unseen text",
    "fetch": "downloads a published checkpoint from the hub",
    "describe": "registers a published checkpoint: its parameters and its text",
    "register": "registers a trained model: its parameters and its text",
    "quantize": "quantizes a model at one setting and measures the files",
    "measure": "scores every token of a quantized model",
    "requential": "trains a student on text that its teacher draws, and scores it",
    "sample": "scores random windows of a quantized model",
    "chain": "scores an earlier checkpoint",
    "trajectory": "scores states stored during training",
    "curvature": "estimates traces and spectra of the second derivatives",
    "information": "computes the area between online and final loss",
}


def _curvature_of() -> list[pa.Field]:
    """Columns that identify the matrix and the state of a model."""
    return [
        _MODEL_ID,
        _described("train_fraction", pa.float64(), "share of the training that is done"),
        *SETTING_FIELDS,
        _described("matrix", pa.string(), "hessian or gauss_newton, of the mean token loss"),
        _described("parameters", pa.string(), "all, or quantized: the others are held fixed"),
        _described("windows", pa.int64(), "training windows that the mean is over"),
    ]


_MODEL_ID = _described("model_id", pa.string(), "name of the model, unique within its suite")

_TRAIN_LOSS = _described("train_loss_nats", pa.float64(), "mean loss on the training tokens")

#: And of how many tokens both losses are means.
_HELDOUT_LOSS = (
    _described("heldout_loss_nats", pa.float64(), "mean loss on held-out documents"),
    _described(
        "heldout_loss_se_nats",
        pa.float64(),
        "standard error of the held-out mean, documents as independent units",
    ),
    _described("train_tokens_evaluated", pa.int64(), "training tokens in the mean"),
    _described("heldout_tokens_evaluated", pa.int64(), "held-out tokens in the mean"),
)

TABLES: dict[str, pa.Schema] = {
    "models": pa.schema(
        [
            _MODEL_ID,
            _described("family", pa.string(), "architecture, as transformers names it"),
            _described("params_total", pa.int64(), "N: every parameter that must be coded"),
            _described("params_embedding", pa.int64(), "parameters of input and output embeddings"),
            _described("params_nonembedding", pa.int64(), "all other parameters"),
            _described("train_tokens", pa.int64(), "D: predictions of the one training epoch"),
            _described("vocab_size", pa.int32(), "V: classes of the output distribution"),
            _described(
                "bytes_per_token",
                pa.float64(),
                "mean bytes of text per token",
                unit="bytes per token",
            ),
            _described("context_length", pa.int32(), "tokens of a window"),
            _described("corpus", pa.string(), "what the model was trained on"),
            _described("revision", pa.string(), "revision of the checkpoint"),
            _described("seed", pa.int64(), "seed of initial weights; null: unknown", nullable=True),
            _described("train_fraction", pa.float64(), "share of the epoch done; fits use 1.0"),
            _described("weights_sha256", pa.string(), "hash of all parameters"),
            _described("layers", pa.int32(), "transformer blocks"),
            _described("hidden_size", pa.int32(), "width of the residual stream"),
            _described(
                "learning_rate", pa.float64(), "peak learning rate; null: unknown", nullable=True
            ),
            _described(
                "batch_windows",
                pa.int32(),
                "windows of one training step; null: unknown",
                nullable=True,
            ),
            _described("arithmetic", pa.string(), "arithmetic of the model: float32 or bfloat16"),
            _described(
                "stand_in",
                pa.string(),
                "text scored instead of the training text, where that is not available: no bound "
                "on it is certified; null: it is the training text itself",
                nullable=True,
            ),
            _described("remark", pa.string(), "remark for comparisons; or null", nullable=True),
        ]
    ),
    "online_losses": pa.schema(
        [
            _MODEL_ID,
            _described("tokens_seen", pa.int64(), "tokens trained on after this batch"),
            _described("loss_nats", pa.float64(), "mean loss of the batch before it is trained on"),
        ]
    ),
    "learning_rates": pa.schema(
        [
            _MODEL_ID,
            _described("params_total", pa.int64(), "N"),
            _described("train_tokens", pa.int64(), "D: predictions of the one training epoch"),
            _described("batch_windows", pa.int32(), "windows of one training step"),
            _described("seed", pa.int64(), "seed of initial weights"),
            _described("learning_rate", pa.float64(), "peak learning rate that was tried"),
            _described("fresh_windows", pa.int64(), "windows scored: those that come after D"),
            _described(
                "fresh_loss_nats",
                pa.float64(),
                "mean loss of the trained model on them; null: training diverged",
                nullable=True,
            ),
            _described(
                "fresh_loss_se_nats",
                pa.float64(),
                "its standard error, windows as independent units; null: training diverged",
                nullable=True,
            ),
        ]
    ),
    "checkpoint_losses": pa.schema(
        [
            _MODEL_ID,
            _described("train_step", pa.int64(), "steps of training done"),
            _described("tokens_seen", pa.int64(), "tokens trained on"),
            _described("windows", pa.int64(), "windows scored: the next ones of the stream"),
            _described("loss_nats", pa.float64(), "mean loss of the checkpoint on them"),
            _described("final_loss_nats", pa.float64(), "the same of the final model"),
            _described(
                "excess_se_nats",
                pa.float64(),
                "standard error of the difference, windows as independent units",
            ),
            _described("weights_sha256", pa.string(), "hash of the checkpoint's parameters"),
        ]
    ),
    "left_out_checkpoints": pa.schema(
        [
            _MODEL_ID,
            _described("train_step", pa.int64(), "step that the checkpoint is named after"),
            _described(
                "holds",
                pa.string(),
                "what it holds of another checkpoint, so that it is not in checkpoint_losses",
            ),
        ]
    ),
    "quantized": pa.schema(
        [
            _MODEL_ID,
            *SETTING_FIELDS,
            _described(
                "nominal_bits",
                pa.float64(),
                "b*N, b the entropy of the codes on an unclipped grid: no decodable code",
            ),
            _described("stored_bits", pa.int64(), "size of the file holding every tensor"),
            _described("entropy_coded_bits", pa.int64(), "size of the entropy-coded file"),
            _TRAIN_LOSS,
            _described(
                "paired_gap_nats",
                pa.float64(),
                "loss less that of the unquantized model, mean over paired_windows",
            ),
            _described(
                "paired_gap_se_nats",
                pa.float64(),
                "standard error of paired_gap_nats, windows as independent units",
            ),
            _described("paired_windows", pa.int64(), "training windows drawn for paired_gap_nats"),
            *_HELDOUT_LOSS,
        ]
    ),
    "loss_histograms": pa.schema(
        [
            _MODEL_ID,
            *SETTING_FIELDS,
            _described("split", pa.string(), "train, heldout, online or student"),
            _described("loss_nats", pa.float64(), "upper edge of the loss bin"),
            _described("entropy_nats", pa.float64(), "value of the entropy bin"),
            _described("tokens", pa.int64(), "tokens in the cell"),
        ]
    ),
    "students": pa.schema(
        [
            _MODEL_ID,
            _described("recipe_passes", pa.int32(), "of the teacher over the training text"),
            _described(
                "recipe_tether",
                pa.float64(),
                "tau: the teacher's step k ends by moving to the student by 1/(tau*k)",
            ),
            _described("recipe_teacher_window", pa.float64(), "share of steps it is averaged over"),
            _described("recipe_student_window", pa.float64(), "the same of the student"),
            _described("recipe_drawn", pa.float64(), "windows drawn, as a share of D's"),
            _described("recipe_replayed", pa.int32(), "earlier windows for each in a batch"),
            _described("recipe_pool", pa.float64(), "share of windows these are taken from"),
            _described("recipe_flatness", pa.float64(), "factor of the student's logits"),
            _described("recipe_hold", pa.float64(), "length of a block, as a share of the steps"),
            _described("drawn_tokens", pa.int64(), "tokens drawn from the teacher"),
            _described(
                "requential_bits",
                pa.int64(),
                "I, log2 of the teacher's over the student's probability of all drawn tokens, "
                "rounded up",
            ),
            _TRAIN_LOSS,
            *_HELDOUT_LOSS,
            _described("weights_sha256", pa.string(), "hash of the student's parameters"),
        ]
    ),
    "student_blocks": pa.schema(
        [
            _MODEL_ID,
            _described("steps", pa.int64(), "steps of the student after the block"),
            _described("tokens", pa.int64(), "tokens drawn in the block"),
            _described(
                "log_ratio_nats",
                pa.float64(),
                "sum over them of ln Q - ln P, teacher and student before the block's steps",
                unit="nats",
            ),
            _described("teacher_nats", pa.float64(), "mean of -ln Q over them"),
        ]
    ),
    "token_losses": pa.schema(
        [
            _MODEL_ID,
            *SETTING_FIELDS,
            _described("split", pa.string(), "train, heldout or selection"),
            _described("window", pa.int64(), "the draw, from 0: a window drawn twice is two draws"),
            _described("position", pa.int32(), "prediction inside the window, from 0"),
            _described("loss_nats", pa.float64(), "loss, rounded up by at most 2^-12"),
            _described("entropy_nats", pa.float64(), "of the prediction, to 2^-12"),
        ]
    ),
    "layers": pa.schema(
        [
            _MODEL_ID,
            *SETTING_FIELDS,
            _described("layer", pa.string(), "name of the quantized matrix W"),
            _described("kind", pa.string(), "linear or embedding"),
            _described("rows", pa.int64(), "outputs of the layer; entries of an embedding"),
            _described("columns", pa.int64(), "inputs of the layer; width of an embedding"),
            _described(
                "proxy_loss",
                pa.float64(),
                "tr((Wq-W) H (Wq-W)^T), H the second moment of the inputs: of rtn in the trained "
                "model, of the others in the model as quantized up to this layer",
            ),
            _described("rounding_proxy_loss", pa.float64(), "the same, rounded to nearest"),
            _described("predicted_proxy_loss", pa.float64(), "step^2/12 tr(D), QuIP"),
            _described("predicted_rounding_proxy_loss", pa.float64(), "step^2/12 tr(H), QuIP"),
            _described("trace_h", pa.float64(), "tr(H)"),
            _described(
                "trace_sqrt_h",
                pa.float64(),
                "tr(sqrt(H)), H of the trained model, taken once for all settings; NaN where a CPU "
                "had more than 4096 columns to decompose",
            ),
            _described(
                "incoherence",
                pa.float64(),
                "mu of the eigenvectors of that H; where W is rotated, of the rotated H that it "
                "was rounded with, NaN beyond 512 columns",
            ),
            _described("weight_incoherence", pa.float64(), "largest over rms weight"),
            _described("mean_squared_weight", pa.float64(), "mean squared weight of W"),
            _described("weight_entropy_bits", pa.float64(), "entropy of the codes per weight"),
            _described(
                "clipped_share", pa.float64(), "share of codes at either end of a clipped grid"
            ),
            _described(
                "damping",
                pa.float64(),
                "share of its mean added to H's diagonal; null where H was not factored",
                nullable=True,
            ),
        ]
    ),
    "coded_tensors": pa.schema(
        [
            _MODEL_ID,
            *SETTING_FIELDS,
            _described("parameter", pa.string(), "name of a tensor in the entropy-coded file"),
            _described("kind", pa.string(), "linear, embedding or other (norms and biases)"),
            _described("entries", pa.int64(), "weights of the tensor"),
            _described(
                "part",
                pa.string(),
                "codes; tables: frequencies of the codes, and classes of rows and columns; "
                "scales: with zeros and steps of columns; values: of a tensor on no grid",
            ),
            _described("coded_bits", pa.float64(), "length of this part"),
        ]
    ),
    "curvature": pa.schema(
        [
            *_curvature_of(),
            _described(
                "quantity",
                pa.string(),
                "trace; trace_sqrt, of the positive part; trace_negative, sum of the eigenvalues "
                "below 0",
            ),
            _described("method", pa.string(), "hutchinson, xtrace, gauss or radau"),
            _described(
                "probe",
                pa.int32(),
                "random vector, from 0; null: the mean over all",
                nullable=True,
            ),
            _described("probes", pa.int32(), "random vectors in all"),
            _described("steps", pa.int32(), "products with each random vector that count"),
            _described("dimension", pa.int64(), "n, order of the matrix"),
            _described("basis_bits", pa.int32(), "of a number of the Lanczos basis: 32 or 16"),
            _described("value", pa.float64(), "the estimate, in nats per token"),
            _described(
                "standard_error",
                pa.float64(),
                "of a mean, over probes, windows being fixed; null for one probe",
                nullable=True,
            ),
            _described(
                "window_standard_error",
                pa.float64(),
                "of a mean, over windows, probes being fixed; null where it is not known",
                nullable=True,
            ),
            _described(
                "quadrature_error",
                pa.float64(),
                "of a mean of radau, its distance from the gauss rules of the last third of the "
                "steps; null else",
                nullable=True,
            ),
        ]
    ),
    "spectra": pa.schema(
        [
            *_curvature_of(),
            _described("probe", pa.int32(), "random vector, from 0"),
            _described("probes", pa.int32(), "random vectors in all"),
            _described("steps", pa.int32(), "Lanczos steps, and nodes"),
            _described(
                "ritz_value",
                pa.float64(),
                "node of the spectral quadrature, nats/token",
                unit="nats per token",
            ),
            _described("weight", pa.float64(), "its weight; those of a probe sum to 1"),
        ]
    ),
    "information": pa.schema(
        [
            _MODEL_ID,
            _described("method", pa.string(), "from online_losses or from checkpoints"),
            _described("k_nats", pa.float64(), "K(h): information in the model", unit="nats"),
            _described("final_loss_nats", pa.float64(), "loss of the final model, same tokens"),
            _described(
                "error_nats",
                pa.float64(),
                "of k_nats: quadrature, two standard errors",
                unit="nats",
            ),
            _described("certified", pa.bool_(), "false: prequential coding is a heuristic"),
        ]
    ),
    "units": pa.schema(
        [
            _described("stage", pa.string(), "stage of the batch job"),
            _described("model_id", pa.string(), "model the unit worked on"),
            _described(
                "quantizer", pa.string(), "null where a unit is of no setting", nullable=True
            ),
            *SETTING_FIELDS[1:],
            _described("status", pa.string(), "ok, failed, or skipped: not even tried"),
            _described("error", pa.string(), "why, one sentence; null when ok", nullable=True),
            _described("seconds", pa.float64(), "wall time", unit="s"),
            _described(
                "peak_memory_bytes",
                pa.int64(),
                "most that the worker process held while the unit ran (resident, the interpreter "
                "included), or most that was allocated on the GPU",
                unit="bytes",
            ),
            _described("device", pa.string(), "what it ran on"),
            _described(
                "finished_at", pa.timestamp("us", tz="UTC"), "when it ended", unit="time, UTC"
            ),
        ]
    ),
    "provenance": pa.schema(
        [
            _described("table_name", pa.string(), "table that a unit wrote a file of"),
            _MODEL_ID,
            _described("label", pa.string(), "name of that file was LABEL--UNIT_KEY.parquet"),
            _described("first_row", pa.int64(), "first of its rows in the model's file, from 0"),
            _described("rows", pa.int64(), "number of consecutive rows"),
            *(
                _described(
                    key.removeprefix("boundscape."),
                    pa.string(),
                    f"{key} in that file's metadata; null: not present",
                    nullable=True,
                )
                for key in PROVENANCE_KEYS
            ),
        ]
    ),
}

#: Tables that the batch stage measures.  ``provenance`` is of published copies alone.
MEASURED_TABLES = tuple(name for name in TABLES if name != "provenance")


def unit_of(column: str) -> str:
    """For example ``nats per token``; empty for a plain number or a name."""
    return _UNITS.get(column, "")


def setting_slug(
    quantizer: str,
    bits: int | None = None,
    group_size: int | None = None,
    step: float | None = None,
    quantizer_seed: int | None = None,
) -> str:
    """Short name of a setting for files and commands, for example ``rtn-b4-g64``."""
    parts = [("b", bits), ("g", group_size), ("step", step), ("seed", quantizer_seed)]
    return "-".join([quantizer, *(f"{key}{value}" for key, value in parts if value is not None)])


def major(version: str) -> str:
    """Major part of a schema version, ``"1"`` of ``"1.0"``."""
    return version.partition(".")[0]


def version_complaint(version: str | None) -> str | None:
    """One sentence saying why files of schema ``version`` cannot be read, or None if they can."""
    if version is None:
        return "it carries no Boundscape schema version, so it is not one of this project's files"
    if major(version) != major(SCHEMA_VERSION):
        return (
            f"it has schema version {version} and this code reads {major(SCHEMA_VERSION)}.x; "
            "write it again with `make compute`, or check out the release that wrote it"
        )
    return None
