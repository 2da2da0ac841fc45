"""One file of a published suite: the rows of many units, as small as Parquet can make them."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema
from compute.work.unit_files import UnitFile

#: Of zstd.  On the histograms of a ladder, level 22 takes longer and gains less than 0.1 %.
COMPRESSION_LEVEL = 19

#: Rows of a row group, whose columns have one page each: zstd finds common parts of settings only
#: inside a page.  It limits what a Parquet reader decodes at a time.
GROUP_ROWS = 2**20

#: Bytes that the page or dictionary of a group never reaches.
UNLIMITED = 2**28

#: Numbers are split into bytes; settings and text, which recur, go through a dictionary.  So do the
#: few entropies of a histogram.  Its losses, edges of bins, recur in long runs, which zstd
#: compresses better unchanged: 471 kB for the five models of a ladder, not 550.
DICTIONARY, PLAIN, SPLIT = "DICTIONARY", "PLAIN", "BYTE_STREAM_SPLIT"
EXCEPTIONS = {
    ("loss_histograms", "loss_nats"): PLAIN,
    ("loss_histograms", "entropy_nats"): DICTIONARY,
}


def write_packed(rows: pa.Table, table: str, path: Path, files: Iterable[UnitFile]) -> None:
    """Write ``rows``, which come from ``files``, as a file of ``table``."""
    encodings = {field.name: _encoding(table, field) for field in rows.schema}
    path.parent.mkdir(exist_ok=True)
    pq.write_table(
        rows.replace_schema_metadata(shared_provenance(files)),
        path,
        version="2.6",
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[name for name, encoding in encodings.items() if encoding == DICTIONARY],
        column_encoding={
            name: encoding for name, encoding in encodings.items() if encoding != DICTIONARY
        },
        row_group_size=GROUP_ROWS,
        max_rows_per_page=GROUP_ROWS,
        data_page_size=UNLIMITED,
        dictionary_pagesize_limit=UNLIMITED,
    )


def _encoding(table: str, field: pa.Field) -> str:
    number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    of_setting = field.name in {setting.name for setting in schema.SETTING_FIELDS}
    usual = SPLIT if number and not of_setting else DICTIONARY
    return EXCEPTIONS.get((table, field.name), usual)


def shared_provenance(files: Iterable[UnitFile]) -> dict[str, str]:
    """Metadata of a file with the rows of ``files``."""
    found = {}
    for key in schema.PROVENANCE_KEYS:
        values = {file.metadata.get(key, "") for file in files}
        found[key] = values.pop() if len(values) == 1 else schema.SEVERAL
    return found | {"boundscape.schema_version": schema.SCHEMA_VERSION}
