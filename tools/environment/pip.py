"""Calling an environment's pip, and its failures as one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_CONFLICT = "the requested versions conflict"

# Patterns in pip's output and their meaning; the first match counts. {0} is the group.
_MEANINGS = (
    (
        r"No space left on device|Disk quota exceeded|Errno 28|Errno 122",
        "the disk is full; torch needs up to 8 GB: free some, point TMPDIR and PIP_CACHE_DIR to "
        "another disk, or make .venv a link to an empty folder on one",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|certificate verify failed",
        "the certificate of the package index is not trusted, as behind a proxy with its own "
        "certificate; set PIP_CERT and REQUESTS_CA_BUNDLE to the file of the proxy's certificate",
    ),
    (
        r"(TLS CA certificate bundle|Could not find a suitable TLS.*)",
        "a file of certificates does not exist; see PIP_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Proxy Authentication",
        "the proxy cannot be used; see HTTPS_PROXY, which can name a user: "
        "http://user:password@host:port",
    ),
    (
        r"Read-only file system|Permission denied",
        "a folder cannot be written to; see TMPDIR and who owns .venv",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Connection refused"
        r"|Network is unreachable|Remote end closed",
        "the package index cannot be reached; connect, or set HTTPS_PROXY, or PIP_INDEX_URL to a "
        "mirror",
    ),
    (
        r"hashes are required|DO NOT MATCH THE HASHES",
        "a downloaded file is not the one that was expected; see PIP_REQUIRE_HASHES and the mirror",
    ),
    (
        r"(?:command|find) '?\"?(?:gcc|cc|g\+\+|c\+\+|clang|x86_64-linux-gnu-gcc)\b"
        r"|unable to execute|compiler.* not found|Unknown compiler",
        "a package has no wheel for this Python and is built, which needs a C compiler; install "
        "one, or use Python 3.11",
    ),
    (
        r"No matching distribution found for (\S+)",
        "the package index has no {0} for this Python and machine",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies",
        _CONFLICT,
    ),
)


class PipError(Exception):
    """pip failed; the message is one sentence without its full stop, and says what to do."""


def run_pip(python: str, *arguments: str, log: Path, **environment: str) -> None:
    """``pip install`` with these arguments.

    Args:
        python: interpreter of the environment.
        arguments: of ``pip install``.
        log: file that gets pip's own words if it fails.
        environment: variables to set besides those there are.

    Raises:
        PipError: it failed.
    """
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # A cluster's pip may be configured to install for the user, which an environment refuses.
    variables = os.environ | {"PIP_USER": "0", "PIP_NO_INPUT": "1"} | environment
    result = subprocess.run(
        [*command, *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if result.returncode:
        raise PipError(meaning(result.stdout) + _kept(result.stdout, log))
    if result.stdout:
        print(result.stdout, end="", file=sys.stderr, flush=True)


def meaning(output: str) -> str:
    """The failure in pip's output: one sentence without its full stop."""
    for pattern, sentence in _MEANINGS:
        found = re.search(pattern, output)
        if found:
            said = sentence.format(*found.groups())
            held = os.environ.get("PIP_CONSTRAINT")
            if held and sentence == _CONFLICT:
                said += f"; PIP_CONSTRAINT asks for those in {held}, so call make without it"
            return said
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    return f"pip says: {(errors or ['nothing'])[-1].removeprefix('ERROR: ').rstrip('.')}"


def _kept(output: str, log: Path) -> str:
    try:
        log.write_text(output)
    except OSError:
        return ""
    return f" (pip's own words: {log})"
