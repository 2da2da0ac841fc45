"""Short names for everything that determines a result."""

import hashlib
import json
from typing import Any


def digest(value: Any) -> str:
    """First 12 hexadecimal digits of the SHA-256 of ``value`` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
