"""From a path to the files that make up a table."""

from pathlib import Path

import pyarrow as pa

from tables.errors import TableError
from tables.part import Part

#: Files that writers of folders add to the data, which are not part of it: ``_SUCCESS``,
#: ``_metadata``, ``.part-00000.crc``.
_BESIDE = ("_", ".")

#: Folder of unfinished output of Spark and Hadoop.
_UNFINISHED = "_temporary"


def parts_of_path(path: Path) -> list[Part]:
    """The file, or every part of a folder in the order of their names, mapped into memory.

    Raises:
        TableError: there is no such file, the folder holds none, or its writer has not finished.
    """
    if path.is_file():
        return [_mapped(path)]
    if not path.is_dir():
        raise TableError("does not exist")
    if (path / _UNFINISHED).exists():
        raise TableError("is a folder that its writer has not finished: it holds {}", _UNFINISHED)
    found = sorted(file for file in path.iterdir() if not file.name.startswith(_BESIDE))
    if not found:
        raise TableError("is a folder without a file of data")
    for file in found:
        if file.is_dir():
            raise TableError("is a folder of folders, such as {}; give one table", file.name)
    return [_mapped(file) for file in found]


def _mapped(file: Path) -> Part:
    if not file.stat().st_size:  # it cannot be mapped
        return Part(file.name, pa.py_buffer(b""))
    with pa.memory_map(str(file)) as mapped:
        return Part(file.name, mapped.read_buffer())
