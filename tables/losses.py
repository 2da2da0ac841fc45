"""Token losses from a table, under any name with an unambiguous meaning.

A loss is minus the natural logarithm of the probability that a model gave to the token.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import schema
from tables.errors import TableError
from tables.formats.token_logprobs import PROMPT, TOKENS
from tables.kinds import is_list
from tables.names import codes, has_empty
from tables.numbers import numbers, values
from tables.wanted import Wanted

#: Columns of losses, and of log-probabilities, each by the natural logarithm.
_LOSSES = ("loss_nats", "-logprob")
_LOGPROBS = ("logprob", TOKENS, PROMPT)

#: Several servers write this for a log-probability of minus infinity.
_MINUS_INFINITY = -9999.0

_OTHERS = ("entropy_nats", "tokens")
_WINDOW = "window"

#: Columns that identify one measurement in a suite's table.
_MEASUREMENT = ("model_id", *(field.name for field in schema.SETTING_FIELDS), "split")

_UNSURE = "has a column {} and does not say whether it is in nats: name it 'loss_nats' if it is"
_BITS = "has losses in bits in its column {}: multiply them by ln 2 and name them 'loss_nats'"

#: Columns to read of a file of losses.
LOSS_TABLE = Wanted(
    needed=((*_LOSSES, *_LOGPROBS),),
    others=_OTHERS,
    labels=(_WINDOW, *_MEASUREMENT),
    instead={
        "resps": "logs one log-likelihood for a whole text in {}, as lm-evaluation-harness does, "
        "and the bound needs that of every token",
        "logprobs": "has {}, which servers return for generated tokens; those of the text are "
        f"called '{PROMPT}' or '{TOKENS}'",
        "loss_bits": _BITS,
        "loss": _UNSURE,
        "nll": _UNSURE,
    },
)


def loss_arrays(table: pa.Table) -> dict[str, np.ndarray]:
    """Arrays of equal length, by the names of ``bounds.own_losses.LossColumns``.

    A cell may have the list of a whole text; its ``window`` is then that of every token.  The first
    log-probability of a text may be empty: the token is context, and is not counted.

    Raises:
        TableError: a column contradicts its name.
    """
    name = _column_of_losses(table)
    _require_one_measurement(table)
    others = [other for other in _OTHERS if other in table.column_names]
    nested = is_list(table.column(name).type)
    if nested:
        found, rows = _flattened(table, [name, *others], skip_first=name in _LOGPROBS)
    else:
        found = {column: numbers(table, column) for column in (name, *others)}
        rows = np.arange(table.num_rows)
    losses = found.pop(name)
    if name in _LOGPROBS:
        losses = _negated(losses, rows, name)
    found = {"loss_nats": losses, **found}
    if _WINDOW in table.column_names:
        if has_empty(table, _WINDOW):
            raise TableError("has empty cells in its column {}", _WINDOW)
        found[_WINDOW] = codes(table, _WINDOW)[rows]
    return found


def _column_of_losses(table: pa.Table) -> str:
    found = [name for name in (*_LOSSES, *_LOGPROBS) if name in table.column_names]
    if len(found) > 1:
        raise TableError("has losses in both {} and {}; leave one out", *found[:2])
    return found[0]


def _require_one_measurement(table: pa.Table) -> None:
    """Raise TableError if rows of a suite's table are of several measurements or online losses.

    Treated as losses of one model they would give a number that bounds nothing.
    """
    if not set(_MEASUREMENT) <= set(table.column_names):
        return  # not a suite's table
    rows = np.stack([codes(table, name) for name in _MEASUREMENT], axis=1)
    found = len(np.unique(rows, axis=0))
    if found > 1:
        raise TableError(
            f"holds the losses of {found} measurements, which differ in model, setting or split; "
            "give a file with the rows of one"
        )
    if "online" in pc.unique(table["split"]).to_pylist():
        raise TableError(
            "holds online losses, which are of the models during training and not of one model; "
            "give the rows of another split"
        )


def _flattened(
    table: pa.Table, names: list[str], skip_first: bool
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of lists as one value after the other, and the row of each."""
    lists = {name: _lists(table, name) for name in names}
    lengths = {name: pc.list_value_length(cells).to_numpy() for name, cells in lists.items()}
    first = names[0]
    for name in names[1:]:
        differ = np.flatnonzero(lengths[name] != lengths[first])
        if differ.size:
            raise TableError(
                f"has lists of different lengths in row {differ[0] + 1} of {{}} and {{}}",
                first,
                name,
            )
    if not lengths[first].all():
        row = int(np.flatnonzero(lengths[first] == 0)[0])
        raise TableError(f"has an empty list in row {row + 1} of its column {{}}", first)
    rows = np.repeat(np.arange(len(lengths[first])), lengths[first])
    flat = {name: pc.list_flatten(cells) for name, cells in lists.items()}
    kept = np.ones(len(rows), bool)
    if skip_first:
        starts = np.cumsum(lengths[first]) - lengths[first]
        kept[starts] = ~flat[first].is_null().to_numpy(zero_copy_only=False)[starts]
    return {name: values(cells, name)[kept] for name, cells in flat.items()}, rows[kept]


def _lists(table: pa.Table, name: str) -> pa.Array:
    """A column of lists in one piece, without empty cells."""
    column = table.column(name)
    if not is_list(column.type):
        raise TableError("holds one value a row in its column {}, and lists in others", name)
    cells = column.combine_chunks()
    if cells.null_count:
        row = int(np.flatnonzero(cells.is_null().to_numpy(zero_copy_only=False))[0])
        raise TableError(f"has an empty cell in row {row + 1} of its column {{}}", name)
    return cells


def _negated(logprobs: np.ndarray, rows: np.ndarray, name: str) -> np.ndarray:
    """Losses from log-probabilities, which are finite and at most 0."""
    bad = np.flatnonzero(~(np.isfinite(logprobs) & (logprobs <= 0)))
    if bad.size:
        raise TableError(
            f"holds {logprobs[bad[0]]:g} in row {rows[bad[0]] + 1} of its column {{}}; the "
            "logarithm of a probability is finite and at most 0",
            name,
        )
    floor = np.flatnonzero(logprobs == _MINUS_INFINITY)
    if floor.size:
        raise TableError(
            f"holds {_MINUS_INFINITY:g} in row {rows[floor[0]] + 1} of its column {{}}, which "
            "servers write for minus infinity",
            name,
        )
    return np.abs(logprobs)  # and not minus zero
