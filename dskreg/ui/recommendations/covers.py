"""A title's cover, generated from its name alone.

The name determines the motif, its shape and the colours, so that titles of one franchise or genre look
different. The same title always has the same cover, to the byte. Nothing is downloaded.
"""

import colorsys
import hashlib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from dskreg.ui.common.charts import shorten
from dskreg.ui.recommendations.motifs import MOTIFS, number

WIDTH, HEIGHT = 240, 340
MIDDLE, FIELD = WIDTH // 2, 205  # the motif's middle column, and the height of its field
BAND = HEIGHT - FIELD  # the height of the name's field, above or below the motif's
SIZES = ((32, 2), (27, 3), (22, 4))  # (font size in pixels, lines): the largest in which a name fits is used
LETTER = 0.62  # mean width of a letter, as a share of the font size
MARGIN = 16
SCHEMES = (0.06, 0.2, 0.42, 0.58)  # between the hues of the ground and the motif, as a share of the circle
LONGEST = 200  # characters of a name that are used
JOINERS = "\u200c\u200d"  # invisible, but part of words and emoji


@lru_cache(maxsize=2000)
def cover(title: str) -> str:
    """The cover as SVG text, 240 x 340."""
    name = cleaned(title)
    chance = _chances(name)
    deep, mid, light, accent = colours(next(chance), next(chance))
    motif_of = MOTIFS[int(next(chance) * 0.999 * len(MOTIFS))]
    turn, size = next(chance), 0.8 + 0.4 * next(chance)
    top, band = (BAND, 0) if next(chance) < 0.5 else (0, FIELD)  # of the motif's field and the name's
    motif = motif_of(chance)
    size_of_text, lines = _typeset(name)
    baseline = band + 44 + (4 - len(lines)) * 6
    text = "".join(
        f'<text x="{MARGIN}" y="{number(baseline + k * size_of_text * 1.12)}" '
        f'font-size="{size_of_text}">{escape(line)}</text>'
        for k, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">'
        f'<linearGradient id="g" gradientTransform="rotate({number(20 + 50 * turn)})">'
        f'<stop stop-color="{mid}"/><stop offset="1" stop-color="{deep}"/></linearGradient>'
        f'<clipPath id="c"><path d="M0 {top}H{WIDTH}v{FIELD}H0z"/></clipPath>'
        f'<path fill="url(#g)" d="M0 0H{WIDTH}V{HEIGHT}H0z"/>'
        f'<g clip-path="url(#c)"><g fill="{light}" stroke="{light}" '
        f'transform="translate({MIDDLE} {top + FIELD // 2}) scale({number(size)})">{motif}</g></g>'
        f'<path fill="{deep}" d="M0 {band}H{WIDTH}v{BAND}H0z"/>'
        f'<path fill="{accent}" d="M0 {top or FIELD}H{WIDTH}v5H0z"/>'
        f'<g fill="#ffffff" font-family="system-ui, sans-serif" font-weight="650">{text}</g></svg>'
    )


def colours(hue: float, scheme: float) -> tuple[str, str, str, str]:
    """(deep, mid, light, accent) as #rrggbb; `hue` is the ground's and `scheme` chooses the motif's, 0 .. 1.

    White on deep has a contrast of at least 7 : 1 (tests/test_covers.py).
    """
    away = SCHEMES[int(scheme * 0.999 * len(SCHEMES))]
    return (
        _rgb(hue, 0.17, 0.5),
        _rgb(hue, 0.36, 0.5),
        _rgb(hue + away, 0.76, 0.65),
        _rgb(hue + away + 0.5, 0.62, 0.65),
    )


def cleaned(text: object) -> str:
    """One line without the characters that XML forbids and without marks that change the text's direction."""
    return " ".join(
        "".join(
            c if unicodedata.category(c)[0] != "C" or c in JOINERS else " " for c in str(text)[:LONGEST]
        ).split()
    )


def wrapped(name: str, width: float) -> list[str]:
    """Lines of at most `width` letters (`letters`); a word that is longer is broken."""
    lines, room = [""], width
    for word in name.split():
        need = letters(word)
        if lines[-1] and need + 1 <= room:
            lines[-1] += f" {word}"
            room -= need + 1
            continue
        if lines[-1]:
            lines.append("")
        room = width
        for c in word:
            if letters(c) > room and lines[-1]:
                lines.append("")
                room = width
            lines[-1] += c
            room -= letters(c)
    return [line for line in lines if line]


def _typeset(name: str) -> tuple[int, list[str]]:
    """(font size, lines) of a name; one that does not fit in the smallest size ends in an ellipsis."""
    for size, most in SIZES:
        width = (WIDTH - 2 * MARGIN) / (LETTER * size)
        lines = wrapped(name, width)
        whole = all(letters(word) <= width for word in name.split())
        if len(lines) <= most and (whole or size == SIZES[-1][0]):
            return size, lines
    return size, [*lines[: most - 1], shorten(lines[most - 1] + "…" * 2, max(len(lines[most - 1]), 2))]


def letters(text: str) -> float:
    """The text's width in mean letters: capitals are wider, East Asian characters wider still."""
    return sum(
        0.0
        if unicodedata.combining(c)
        else 1.75
        if unicodedata.east_asian_width(c) in "WF"
        else 1.3
        if c.isupper()
        else 1.0
        for c in text
    )


def _rgb(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(
        f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    )


def _chances(text: str) -> Iterator[float]:
    """Pseudo-random numbers 0 .. 1 that the text determines."""
    for block in range(1000):
        yield from (
            byte / 255 for byte in hashlib.blake2b(f"{block}\n{text}".encode(), digest_size=64).digest()
        )
