"""Files that appear completely or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Ending of a file that is being written; a leftover one is garbage.
WRITING = ".writing"


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """A path to write to; what is written there takes the place of ``file`` at the end.

    An error leaves ``file`` as it was.  No other process or machine writes to the same path.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(6)}{WRITING}")
    try:
        yield temporary
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
