"""The manifest of a folder of suites, which an app that reads them from an address needs first.

A web server does not list its folders, so a file lists the suites.
"""

import hashlib
import json
from pathlib import Path

import schema
from compute.base.errors import InputError
from compute.base.whole_file import whole_file


def write_collection(folder: Path) -> dict[str, str]:
    """Write ``folder/manifest.json``: every suite in the folder, by the hash of its own manifest.

    Call it again whenever a suite was added, changed or removed.

    Returns:
        Suite -> SHA-256 of its manifest.

    Raises:
        InputError: there is no suite, one has no manifest, or its name is not allowed in it.
    """
    suites = sorted({path.parent.parent for path in folder.glob("*/models/*.parquet")})
    if not suites:
        raise InputError(
            f"There is no suite in {folder}; name a folder like data/, which holds suites."
        )
    found = {suite.name: _digest(suite) for suite in suites}
    manifest = {
        "schema_version": schema.SCHEMA_VERSION,
        "suites": {name: {"sha256": digest} for name, digest in found.items()},
    }
    with whole_file(folder / schema.MANIFEST) as writing:
        writing.write_text(json.dumps(manifest, indent=1) + "\n")
    return found


def _digest(suite: Path) -> str:
    if not schema.SUITE_NAME.fullmatch(suite.name):
        raise InputError(
            f"The suite {suite.name!r} cannot be found under that name from elsewhere; rename the "
            "folder with letters, digits, '.', '-' and '_'."
        )
    try:
        content = (suite / schema.MANIFEST).read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"The suite {suite} has no {schema.MANIFEST}; run the command that measured it again "
            "to write one."
        ) from None
    return hashlib.sha256(content).hexdigest()
