"""Colours that a colour-blind person can tell apart, and the text colour that is readable on them.

Seven are Okabe and Ito's ("Color Universal Design", 2008), violet is IBM's (Design Library, colour blind safe),
pale grey is Paul Tol's ("Colour Schemes", 2021, muted). All are light enough to be visible on black. Colour is never
the only signal: the label has the same information in words.
"""

Colour = tuple[int, int, int]
"""Blue, green, red, 0 to 255: OpenCV's order."""


def _rgb(code: int) -> Colour:
    return code & 0xFF, code >> 8 & 0xFF, code >> 16


EMOTIONS: dict[str, Colour] = {
    "HAPPY": _rgb(0xF0E442),
    "SURPRISED": _rgb(0xE69F00),
    "ANGRY": _rgb(0xD55E00),
    "CONFUSED": _rgb(0x785EF0),
    "FEAR": _rgb(0xCC79A7),
    "SAD": _rgb(0x0072B2),
    "CALM": _rgb(0x56B4E9),
    "DISGUSTED": _rgb(0x009E73),
    "UNKNOWN": _rgb(0xDDDDDD),
}

NIGHT = _rgb(0x14181D)
SNOW = _rgb(0xFFFFFF)


def colour_of(emotion: str | None) -> Colour:
    """The colour for Rekognition's term; pale grey for none or an unknown one."""
    return EMOTIONS.get(emotion or "UNKNOWN", EMOTIONS["UNKNOWN"])


def ink_on(plate: Colour) -> Colour:
    """Dark or white: the one with more contrast on `plate`."""
    return max(NIGHT, SNOW, key=lambda ink: contrast(ink, plate))


def contrast(one: Colour, other: Colour) -> float:
    """WCAG 2's contrast ratio, 1 to 21; text should have 4.5 or more."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """WCAG 2's relative luminance, 0 to 1."""
    blue, green, red = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
