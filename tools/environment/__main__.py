"""``python -m tools.environment LAYER``."""

import sys

from tools.environment.folder import prepare
from tools.environment.install import install
from tools.environment.layers import LAYERS, ROOT, stamp
from tools.environment.pip import PipError

ENVIRONMENT = ROOT / ".venv"


def main() -> None:
    """Create the environment if necessary and bring the layer up to date."""
    if len(sys.argv) != 2 or sys.argv[1] not in LAYERS:
        sys.exit(f"usage: python -m tools.environment {'|'.join(LAYERS)}")
    layer = sys.argv[1]
    marker = ENVIRONMENT / f"installed-{layer}"
    try:
        prepare(ENVIRONMENT)
        if not marker.exists() or marker.read_text() != stamp(layer):
            install(layer, ENVIRONMENT)
            marker.write_text(stamp(layer))
    except PipError as error:
        sys.exit(f"error: installing packages failed: {error}.")
    except OSError as error:
        sys.exit(f"error: {error.filename or ENVIRONMENT}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit("error: interrupted; the same call continues.")


if __name__ == "__main__":
    main()
