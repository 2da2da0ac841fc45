"""How colours look to readers of any colour vision, and how far apart they are.

Dichromacy is simulated by Machado, Oliveira & Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (IEEE TVCG 15(6), 2009): their matrices for the full
severity, which act on linear RGB.  Distances are Euclidean in CIELAB (1976, D65); contrast is that
of WCAG 2.
"""

from itertools import combinations

import numpy as np

VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

#: Linear sRGB to CIE XYZ (IEC 61966-2-1); the middle row is the relative luminance.
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _XYZ.sum(axis=1)


def linear_rgb(colour: str) -> np.ndarray:
    """Shape (3,), of ``#RRGGBB``, without sRGB's gamma."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> np.ndarray:
    """CIELAB (3,) of a colour as a reader of that vision sees it."""
    rgb = np.clip(VISIONS[vision] @ linear_rgb(colour), 0.0, 1.0)
    ratio = _XYZ @ rgb / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest_pair(colours: dict[str, str], vision: str) -> tuple[float, str, str]:
    """The least distance of two colours to a reader of that vision, and which two."""
    lab = {name: seen(colour, vision) for name, colour in colours.items()}
    return min(
        (float(np.linalg.norm(lab[one] - lab[other])), one, other)
        for one, other in combinations(lab, 2)
    )


def contrast(one: str, other: str) -> float:
    """From 1, the same luminance, to 21, black on white."""
    dark, light = sorted(float(_XYZ[1] @ linear_rgb(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)
