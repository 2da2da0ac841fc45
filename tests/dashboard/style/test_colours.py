"""Colours that readers of any colour vision can tell apart, on white and on black."""

import numpy as np
import pytest

from dashboard.analysis.bound.progressive import COLOUR as ON_THE_WAY_COLOUR
from dashboard.artifacts.settings import QUANTIZERS
from dashboard.style.glossary import CODE_COLOURS, GAP_COLOUR, MATRIX_COLOURS, TERMS
from tests.dashboard.style.colour_vision import VISIONS, contrast, nearest_pair, seen

#: Backgrounds of Streamlit's light and dark theme, and the dark one of its earlier versions.
BACKGROUNDS = ("#FFFFFF", "#171614", "#0E1117")

#: CIELAB distance of adjacent colours; one just noticeable is 2.3 (Mahy, Van
#: Eycken & Oosterlinck 1994), and people must find the same one again in a legend.
LEAST_DISTANCE = 15.0

#: What WCAG 2.1 (1.4.11) asks of parts of a picture that one needs in order to read it.
LEAST_CONTRAST = 3.0

#: Colours that are drawn together.
PALETTES = {
    "terms": {term.label: term.colour for term in TERMS}
    | {"Gap": GAP_COLOUR, "On the way": ON_THE_WAY_COLOUR},
    "codes": CODE_COLOURS,
    "matrices": MATRIX_COLOURS,
    "quantizers": {quantizer.label: quantizer.colour for quantizer in QUANTIZERS},
}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("palette", PALETTES)
def test_no_two_colours_look_alike_to_any_reader(palette, vision):
    distance, one, other = nearest_pair(PALETTES[palette], vision)
    assert distance >= LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("palette", PALETTES)
def test_every_colour_stands_out_in_light_and_in_dark(palette, background):
    for name, colour in PALETTES[palette].items():
        assert contrast(colour, background) >= LEAST_CONTRAST, name


def test_the_simulation_and_the_measures_are_right():
    np.testing.assert_allclose(seen("#FFFFFF", "normal"), [100, 0, 0], atol=1e-9)
    # Red, green and blue of sRGB in CIELAB with D65, to a tenth.
    for colour, lab in (
        ("#FF0000", (53.2, 80.1, 67.2)),
        ("#00FF00", (87.7, -86.2, 83.2)),
        ("#0000FF", (32.3, 79.2, -107.9)),
    ):
        np.testing.assert_allclose(seen(colour, "normal"), lab, atol=0.1)
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    for vision in VISIONS:  # what has no colour keeps its look
        np.testing.assert_allclose(seen("#777777", vision), seen("#777777", "normal"), atol=0.1)


def test_the_check_sees_two_that_look_alike():
    """Grey and the pink of Okabe and Ito's palette, to an eye without the green cones."""
    pair = {"grey": "#8D99A6", "pink": "#CC79A7"}
    assert nearest_pair(pair, "normal")[0] > 40
    assert nearest_pair(pair, "deuteranopia")[0] < 2
    assert contrast("#E69F00", "#FFFFFF") < LEAST_CONTRAST
