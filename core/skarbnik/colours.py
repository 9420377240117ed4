"""A gmina's colour: readable on every ground it is used on, or refused when it is chosen.

Contrast is the ratio of relative luminances as WCAG 2.2 defines it (success criteria 1.4.3 and 1.4.11).
"""

from __future__ import annotations

import re

from skarbnik.errors import Invalid

TEXT = 4.5  # the least contrast of text; 1.4.3
DARK_GROUND = "#12181f"  # the darkest ground of the dark theme, as skarbnik.css has it
_HEX = re.compile(r"#[0-9a-f]{6}")

Rgb = tuple[int, int, int]


class UnreadableColour(Invalid):
    """White text on this colour, or this colour as text on white, cannot be read by many people."""


def contrast(one: str, other: str) -> float:
    """1 (none) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(_parse(one)), _luminance(_parse(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def check_colour(colour: str) -> str:
    """The colour, when white letters on it can be read. UnreadableColour says which one of the same hue can."""
    found = contrast(colour, "#ffffff")
    if found < TEXT:
        raise UnreadableColour(
            f"{colour} has a contrast of {found:.1f} with white and {TEXT} is the least; {readable(colour)} would do"
        )
    return colour


def readable(colour: str) -> str:
    """The nearest colour of the same hue that can be read on white."""
    return _mixed_until(colour, "#000000", ground="#ffffff")


def for_dark(colour: str) -> str:
    """The same hue, light enough for the dark theme."""
    return _mixed_until(colour, "#ffffff", ground=DARK_GROUND)


def _mixed_until(colour: str, towards: str, *, ground: str) -> str:
    for step in range(21):
        mixed = _mix(_parse(colour), _parse(towards), step / 20)
        if contrast(mixed, ground) >= TEXT:
            return mixed
    raise AssertionError("black and white can always be read")


def _mix(one: Rgb, other: Rgb, share: float) -> str:
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, other, strict=True))


def _parse(colour: str) -> Rgb:
    if not _HEX.fullmatch(colour):
        raise Invalid(f"{colour!r} is no colour; write it like #0b5394")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(rgb: Rgb) -> float:
    parts = []
    for byte in rgb:
        part = byte / 255
        parts.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
