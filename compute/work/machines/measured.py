"""What a check measured of a box, kept so that a plan need not guess."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from compute.base.whole_file import whole_file


@dataclass
class Measured:
    """Speeds of one device under one torch.

    Attributes:
        scoring_flops: operations a second while losses are measured, of the slowest shape.
        curvature_flops: operations a second of a product with the Hessian, float32.
        column_seconds: in which GPTQ rounds one column and feeds its error back.
        parameter_seconds: for each quantized weight, of its layer's statistics, both files, and
            reading them back.
    """

    scoring_flops: float | None = None
    curvature_flops: float | None = None
    column_seconds: float | None = None
    parameter_seconds: float | None = None

    def save(self, cache_dir: Path, device_name: str) -> Path:
        """Write it where ``load`` finds it."""
        file = _file(cache_dir, device_name)
        content = {"device": device_name, "torch": torch.__version__, **asdict(self)}
        with whole_file(file) as writing:
            writing.write_text(json.dumps(content, indent=2) + "\n")
        return file

    @classmethod
    def load(cls, cache_dir: Path, device_name: str) -> "Measured | None":
        """What was measured of this device under this torch, or None."""
        try:
            content = json.loads(_file(cache_dir, device_name).read_text())
            if content["torch"] != torch.__version__ or content["device"] != device_name:
                return None
            found = {field.name: content[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        sound = all(v is None or (isinstance(v, float) and 0 < v < 1e30) for v in found.values())
        return cls(**found) if sound else None


def _file(cache_dir: Path, device_name: str) -> Path:
    slug = "".join(c if c.isalnum() else "-" for c in device_name.lower()).strip("-")
    return cache_dir / "check" / f"{slug}.json"
