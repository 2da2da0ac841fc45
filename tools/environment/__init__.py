"""Make ``.venv`` with what the app, the batch stage, the results, the tests or the benchmarks need.

The Makefile calls it with a plain Python 3.11 or later; it uses the standard library only.

    python -m tools.environment app|results|compute|ray|check|test|bench
"""

import sys

# First of all: an older Python would fail in the modules themselves.
if sys.version_info < (3, 11):  # noqa: UP036 - this file alone must run on any Python
    sys.exit(
        "error: Boundscape needs Python 3.11 or later, and this is {}.{}.{}; name another one, "
        "as in: make PYTHON=python3.12 ...".format(*sys.version_info[:3])
    )

from tools.environment.layers import stamp

__all__ = ["stamp"]
