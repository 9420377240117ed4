"""A gmina's colour can be read on every ground it is used on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.colours import DARK_GROUND, TEXT, UnreadableColour, check_colour, contrast, for_dark, readable
from skarbnik.errors import Invalid

colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_contrast_is_what_wcag_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0b5394", "#0b5394") == 1


def test_a_colour_white_letters_cannot_be_read_on_is_refused_with_one_that_would_do():
    with pytest.raises(UnreadableColour, match=r"contrast of 1\.1 .* would do") as caught:
        check_colour("#ffff00")
    assert contrast(str(caught.value).split("; ")[1].split(" ")[0], "#ffffff") >= TEXT


@pytest.mark.parametrize("text", ["red", "#fff", "#GGGGGG", "#0B5394", "", "#0b5394;}", "#0b53941"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(Invalid, match="is no colour"):
        check_colour(text)


@given(colours)
def test_every_hue_has_a_shade_for_each_theme(colour):
    assert contrast(readable(colour), "#ffffff") >= TEXT
    assert contrast(for_dark(colour), DARK_GROUND) >= TEXT


@given(colours)
def test_contrast_does_not_mind_the_order(colour):
    assert contrast(colour, "#ffffff") == contrast("#ffffff", colour)
