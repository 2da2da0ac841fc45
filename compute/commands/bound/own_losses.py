"""Token losses of any model, measured elsewhere: from a file to every form of the bound."""

from pathlib import Path

from bounds import RiskBound
from bounds.own_losses import LossColumns, Measurement, UnusableError, every_bound
from compute.base.errors import InputError
from compute.commands.table_file import read_losses

#: Options of the command line for the attributes of a ``Measurement``.
_OPTIONS = {
    "params_total": "--params",
    "train_tokens": "--train-tokens",
    "vocab_size": "--vocab",
    "code_bits": "--code-bits",
    "failure_probability": "--delta",
    "training_loss_nats": "--training-loss",
}


def measurement_of(**values: object) -> Measurement:
    """A ``Measurement`` of these attributes.

    Raises:
        InputError: one is out of range.
    """
    try:
        return Measurement(**values)
    except UnusableError as error:
        raise _named(error) from None


def bounds_of_file(path: Path, measurement: Measurement) -> dict[str, RiskBound]:
    """Every form that the file allows, by name.

    The file, or folder of parts, is a table as ``tables.losses`` reads it: a column ``loss_nats``,
    or one of log-probabilities, and, if known, ``entropy_nats`` (predictive entropies; without them
    the control variate is a constant).  Either it holds all D training tokens (a column ``tokens``
    may count repeated rows), or a sample of windows drawn independently and uniformly with
    replacement: then a column ``window`` holds the *draw* that each row belongs to, equally many
    rows a draw.  A window drawn twice is two draws with two names.

    Raises:
        InputError: the file or a value cannot be used; nothing has been computed then.
    """
    columns = LossColumns(**read_losses(path))
    try:
        return every_bound(columns, measurement)
    except UnusableError as error:
        raise _named(error, path) from None


def _named(error: UnusableError, path: Path | None = None) -> InputError:
    """The error with the option or the column of the file that caused it."""
    if error.where in _OPTIONS:
        return InputError(f"{_OPTIONS[error.where]} {error.reason}.")
    if error.where:
        return InputError(f"The column '{error.where}' of {path} {error.reason}.")
    return InputError(f"{error.reason[0].upper()}{error.reason[1:]}.")
