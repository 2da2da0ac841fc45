"""Pictures of charts, drawn by a separate process.

The renderer contains a JavaScript engine: in the app's process it would block all visitors during
a drawing and keep some 100 MB permanently.  The process runs this file.
"""

import base64
import json
import subprocess
import sys
import threading
from pathlib import Path

#: Seconds that the pictures of one view may take.
TIMEOUT = 120

#: Only one renderer at a time: each takes a core and its memory.
_ONE_AT_A_TIME = threading.Lock()


class PictureError(Exception):
    """Charts could not be drawn: one sentence for the visitor."""


def draw(specs: list[dict], kind: str, scale: float = 1.0) -> list[bytes]:
    """Each Vega-Lite specification as a picture; the renderer downloads nothing.

    Args:
        specs: with their data inside.
        kind: svg or png.
        scale: pixels of a PNG per pixel of the specification.

    Raises:
        PictureError: the renderer failed, or took too long.
    """
    task = json.dumps({"specs": specs, "kind": kind, "scale": scale})
    # -P: the modules in this folder must not shadow those of the standard library.
    command = [sys.executable, "-P", str(Path(__file__).resolve())]
    try:
        with _ONE_AT_A_TIME:
            done = subprocess.run(
                command, input=task.encode(), capture_output=True, timeout=TIMEOUT, check=True
            )
    except (subprocess.SubprocessError, OSError):
        raise PictureError("The pictures of these charts could not be drawn; try again.") from None
    return [base64.b64decode(picture) for picture in json.loads(done.stdout)]


def _draw_all(task: dict) -> list[str]:
    """In the renderer's process: the pictures, as base64."""
    import vl_convert  # imported here so that the app does not load it

    shared = {"vl_version": _version(), "allowed_base_urls": []}
    if task["kind"] == "svg":
        pictures = [vl_convert.vegalite_to_svg(s, **shared).encode() for s in task["specs"]]
    else:
        shared["scale"] = task["scale"]
        pictures = [vl_convert.vegalite_to_png(s, **shared) for s in task["specs"]]
    return [base64.b64encode(picture).decode() for picture in pictures]


def _version() -> str:
    """The newest Vega-Lite that the renderer has."""
    import vl_convert

    return vl_convert.get_vegalite_versions()[-1]


if __name__ == "__main__":
    json.dump(_draw_all(json.load(sys.stdin)), sys.stdout)
