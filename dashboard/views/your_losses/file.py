"""An uploaded file of token losses: from bytes to columns, with limits on size and memory.

Nothing is written or stored.  The unpacked size is read from the file's footer, or
counted, before anything is unpacked.
"""

import pyarrow as pa

from bounds.own_losses import LossColumns
from dashboard.artifacts.errors import UploadError
from dashboard.style.escaping import quoted
from tables import LOSS_TABLE, Limits, Part, TableError, loss_arrays, read_table

#: Limits: megabytes of a file, as in .streamlit/config.toml; unpacked bytes; rows and columns.
MOST_MEGABYTES = 20
MOST_UNPACKED = 64 * 2**20
MOST_ROWS = 1_000_000
MOST_COLUMNS = 100

#: Brackets and commas of a JSON file: 20 MB of vLLM's output have 1.5 million.
MOST_JSON_MARKS = 2_000_000

_SMALLER = (
    "combine equal pairs of loss and entropy in one row with a column 'tokens', or give a sample "
    "of "
    "windows"
)


def read_columns(name: str, content: bytes) -> LossColumns:
    """The columns of a file, as ``python -m compute bound`` reads them.

    Args:
        name: of the file, for sentences.
        content: its bytes.

    Raises:
        UploadError: it cannot be used, or is too large.
    """
    shown = f"The file {quoted(name)}"  # it begins every sentence
    if len(content) > MOST_MEGABYTES * 2**20:
        raise UploadError(
            f"{shown} has {len(content) / 2**20:.1f} MB, and the limit is {MOST_MEGABYTES} MB: "
            f"{_SMALLER}."
        )
    limits = Limits(MOST_UNPACKED, MOST_ROWS, MOST_COLUMNS, MOST_JSON_MARKS, _SMALLER)
    try:
        table = read_table([Part(name, pa.py_buffer(content))], LOSS_TABLE, limits)
        return LossColumns(**loss_arrays(table))
    except TableError as error:
        raise UploadError(f"{shown} {error.words(quoted)}.") from None
