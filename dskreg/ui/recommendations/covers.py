"""A title's cover, drawn from what the data know: its name, its genres and its place on the map of titles.
Nothing is fetched.

The place gives the colours, so that neighbours on the map look alike: the direction from the middle is the
hue, the distance the strength. The first genre gives the motif, the name varies it. The same title always has
the same cover, to the byte.
"""

import colorsys
import hashlib
import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from html import escape

from dskreg.ui.common.charts import shorten

WIDTH, HEIGHT = 240, 340
MIDDLE, SKY = WIDTH // 2, 205  # the motif's middle column, and the height of its field; the name stands below
SIZES = ((32, 2), (27, 3), (22, 4))  # (pixels, lines): the largest writing in which a name fits
LETTER = 0.62  # mean width of a letter, in its size
MARGIN = 16
LONGEST = 200  # characters of a name that are looked at
JOINERS = "\u200c\u200d"  # invisible, but part of words and emoji


def cover(title: str, genres: Sequence[str] = (), x: float = 0.0, y: float = 0.0) -> str:
    """The cover as SVG text, 240 x 340.

    `genres`: the most telling first. `x`, `y`: the place on the map, the middle at 0, the rim at 1.
    """
    name = cleaned(title)
    deep, mid, light, accent = colours(x, y)
    genre = cleaned(genres[0]) if genres else ""
    chance = _chances(f"{genre}\n{name}")
    turn, size = next(chance), 0.8 + 0.4 * next(chance)
    motif = _motif(genre)(chance)
    size_of_text, lines = _set(name)
    baseline = SKY + 44 + (4 - len(lines)) * 6
    text = "".join(
        f'<text x="{MARGIN}" y="{_n(baseline + k * size_of_text * 1.12)}" font-size="{size_of_text}">{escape(line)}</text>'
        for k, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<linearGradient id="g" gradientTransform="rotate({_n(20 + 50 * turn)})">'
        f'<stop stop-color="{mid}"/><stop offset="1" stop-color="{deep}"/></linearGradient>'
        f'<clipPath id="c"><path d="M0 0H{WIDTH}V{SKY}H0z"/></clipPath>'
        f'<path fill="url(#g)" d="M0 0H{WIDTH}V{HEIGHT}H0z"/>'
        f'<g clip-path="url(#c)"><g fill="{light}" stroke="{light}" transform="translate({MIDDLE} {SKY // 2}) scale({_n(size)})">{motif}</g></g>'
        f'<path fill="{deep}" d="M0 {SKY}H{WIDTH}V{HEIGHT}H0z"/><path fill="{accent}" d="M0 {SKY}H{WIDTH}v5H0z"/>'
        f'<g fill="#ffffff" font-family="system-ui, sans-serif" font-weight="650">{text}</g></svg>'
    )


def colours(x: float, y: float) -> tuple[str, str, str, str]:
    """(deep, mid, light, accent) as #rrggbb.

    White stands on deep with a contrast of at least 7 : 1 (tests/test_covers.py).
    """
    x, y = (value if math.isfinite(value) else 0.0 for value in (x, y))
    hue, strength = math.atan2(y, x) / math.tau % 1, 0.3 + 0.4 * min(math.hypot(x, y), 1)
    return (
        _rgb(hue, 0.17, strength),
        _rgb(hue, 0.36, strength),
        _rgb(hue + 0.06, 0.76, strength + 0.1),
        _rgb(hue + 0.5, 0.62, 0.65),
    )


def cleaned(text: object) -> str:
    """One line without what XML forbids and without invisible marks that turn the writing round."""
    return " ".join(
        "".join(
            c if unicodedata.category(c)[0] != "C" or c in JOINERS else " " for c in str(text)[:LONGEST]
        ).split()
    )


def wrapped(name: str, width: float) -> list[str]:
    """Lines of at most `width` letters; wide characters count as two, and a word that is too long is broken."""
    lines, room = [""], width
    for word in name.split():
        need = _letters(word)
        if lines[-1] and need + 1 <= room:
            lines[-1] += f" {word}"
            room -= need + 1
            continue
        if lines[-1]:
            lines.append("")
        room = width
        for c in word:
            if _letters(c) > room and lines[-1]:
                lines.append("")
                room = width
            lines[-1] += c
            room -= _letters(c)
    return [line for line in lines if line]


def _set(name: str) -> tuple[int, list[str]]:
    """(size, lines) of a name; what does not fit in the smallest writing ends in an ellipsis."""
    for size, most in SIZES:
        width = (WIDTH - 2 * MARGIN) / (LETTER * size)
        lines = wrapped(name, width)
        whole = all(_letters(word) <= width for word in name.split())
        if len(lines) <= most and (whole or size == SIZES[-1][0]):
            return size, lines
    return size, [*lines[: most - 1], shorten(lines[most - 1] + "…" * 2, max(len(lines[most - 1]), 2))]


def _letters(text: str) -> float:
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
    """Numbers 0 .. 1 that belong to this text."""
    for block in range(1000):
        yield from (
            byte / 255 for byte in hashlib.blake2b(f"{block}\n{text}".encode(), digest_size=64).digest()
        )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# Motifs: drawn around (0, 0) in a field of about 240 x 205, from what chance says


def _rays(chance: Iterator[float]) -> str:
    count, turn = 9 + int(8 * next(chance)), next(chance)
    edges = [(turn + k / count) * math.tau for k in range(count)]
    half = math.pi / count / 2
    wedges = "".join(
        f"M0 0L{_n(260 * math.cos(a - half))} {_n(260 * math.sin(a - half))}L{_n(260 * math.cos(a + half))} {_n(260 * math.sin(a + half))}z"
        for a in edges
    )
    return f'<path opacity=".45" stroke="none" d="{wedges}"/><circle r="{_n(26 + 18 * next(chance))}" stroke="none"/>'


def _rings(chance: Iterator[float]) -> str:
    shift = 90 * (next(chance) - 0.5)
    return "".join(
        f'<circle cx="{_n(shift * k / 6)}" r="{14 + 19 * k}" fill="none" stroke-width="{_n(7 - 0.8 * k)}" opacity="{_n(1 - 0.1 * k)}"/>'
        for k in range(7)
    )


def _hearts(chance: Iterator[float]) -> str:
    heart = "M0 30C-44-2-30-38-12-36-4-36 0-28 0-24 0-28 4-36 12-36 30-38 44-2 0 30z"
    spots = [(220 * next(chance) - 110, 180 * next(chance) - 90, 0.3 + 0.5 * next(chance)) for _ in range(7)]
    rest = "".join(
        f'<path d="{heart}" opacity=".45" transform="translate({_n(x)} {_n(y)}) scale({_n(size)})"/>'
        for x, y, size in spots
    )
    return f'<g stroke="none">{rest}<path d="{heart}" transform="scale(1.8)"/></g>'


def _petals(chance: Iterator[float]) -> str:
    count, long = 6 + int(5 * next(chance)), 70 + 25 * next(chance)
    leaf = f"M0 0C{_n(long / 3)} {_n(-long / 3)} {_n(long / 3)} {_n(-long)} 0 {_n(-long)}C{_n(-long / 3)} {_n(-long)} {_n(-long / 3)} {_n(-long / 3)} 0 0z"
    return (
        "".join(
            f'<path d="{leaf}" opacity=".6" transform="rotate({_n(360 * k / count)})" stroke-width="1"/>'
            for k in range(count)
        )
        + '<circle r="14"/>'
    )


def _cells(chance: Iterator[float]) -> str:
    six = "M0-22 19-11 19 11 0 22-19 11-19-11z"
    rows = [(38 * c + 19 * (r % 2), 33 * r, next(chance)) for r in range(-3, 4) for c in range(-4, 4)]
    return "".join(
        f'<path d="{six}" transform="translate({x} {y})" fill-opacity="{_n(max(0.0, 1.4 * p - 0.6))}" stroke-width="2" stroke-opacity=".5"/>'
        for x, y, p in rows
    )


def _stars(chance: Iterator[float]) -> str:
    star = "M0-10 2-2 10 0 2 2 0 10-2 2-10 0-2-2z"
    spots = [
        (250 * next(chance) - 125, 220 * next(chance) - 110, 0.3 + 1.6 * next(chance) ** 3) for _ in range(34)
    ]
    sky = "".join(
        f'<path d="{star}" transform="translate({_n(x)} {_n(y)}) scale({_n(size)})"/>' for x, y, size in spots
    )
    return f'<g stroke="none">{sky}<circle cx="{_n(120 * next(chance) - 60)}" cy="{_n(60 * next(chance) - 20)}" r="{_n(24 + 20 * next(chance))}"/></g>'


def _waves(chance: Iterator[float]) -> str:
    lines = []
    for k in range(7):
        y, high, start = -70 + 28 * k, 14 + 16 * next(chance), -200 - 80 * next(chance)
        lines.append(
            f'<path d="M{_n(start)} {y}q40 {_n(-high)} 80 0t80 0 80 0 80 0 80 0 80 0" fill="none" stroke-width="5" opacity="{_n(0.3 + 0.1 * k)}"/>'
        )
    return "".join(lines)


def _peaks(chance: Iterator[float]) -> str:
    layers = []
    for k in range(3):
        tops = " ".join(
            f"L{-150 + 50 * n} {_n(-60 + 45 * k + 60 * next(chance) * (1 if n % 2 else -0.4))}"
            for n in range(7)
        )
        layers.append(f'<path opacity="{_n(0.3 + 0.3 * k)}" d="M-150 160{tops}L150 160z"/>')
    return (
        f'<g stroke="none"><circle cx="{_n(140 * next(chance) - 70)}" cy="-58" r="22"/>{"".join(layers)}</g>'
    )


def _roofs(chance: Iterator[float]) -> str:
    houses = []
    for k in range(9):
        high, left = 50 + 100 * next(chance), -150 + 34 * k
        houses.append(
            f'<path opacity="{_n(0.45 + 0.5 * next(chance))}" d="M{left} 160V{_n(110 - high)}l15-14 15 14V160z"/>'
        )
    return f'<g stroke="none">{"".join(houses)}</g>'


def _bars(chance: Iterator[float]) -> str:
    return "".join(
        f'<rect x="{-124 + 18 * k}" y="{_n(-high)}" width="10" height="{_n(2 * high)}" rx="5" stroke="none" opacity="{_n(0.5 + 0.5 * next(chance))}"/>'
        for k in range(14)
        for high in (12 + 75 * next(chance) * math.sin(math.pi * (k + 1) / 15),)
    )


def _moon(chance: Iterator[float]) -> str:
    turn = 360 * next(chance)
    mist = "".join(
        f'<path d="M-150 {_n(20 + 26 * k)}h{_n(120 + 180 * next(chance))}" stroke-width="8" stroke-linecap="round" opacity=".4"/>'
        for k in range(4)
    )
    return f'<path stroke="none" transform="rotate({_n(turn / 6 - 30)})" d="M20-90A72 72 0 1 0 66 26 58 58 0 0 1 20-90z"/>{mist}'


def _spiral(chance: Iterator[float]) -> str:
    wind, turn = 3 + 2 * next(chance), math.tau * next(chance)
    steps = [(120 * k / 90, turn + wind * math.tau * k / 90) for k in range(91)]
    line = "L".join(f"{_n(r * math.cos(a))} {_n(r * math.sin(a))}" for r, a in steps)
    return f'<path fill="none" stroke-width="7" stroke-linecap="round" d="M{line}"/>'


def _tiles(chance: Iterator[float]) -> str:
    spots = [(x, y, next(chance)) for x in range(-105, 130, 42) for y in range(-105, 130, 42)]
    return "".join(
        f'<path stroke="none" d="M{x} {y - 21}l21 21-21 21-21-21z" opacity="{_n(0.15 + 0.8 * p)}"/>'
        for x, y, p in spots
    )


MOTIFS = (
    _rays,
    _rings,
    _hearts,
    _petals,
    _cells,
    _stars,
    _waves,
    _peaks,
    _roofs,
    _bars,
    _moon,
    _spiral,
    _tiles,
)
MEANT = {
    _rays: ("action", "shounen", "super power", "martial arts", "cars"),
    _rings: ("drama", "josei", "sports", "game"),
    _hearts: ("romance", "harem", "ecchi"),
    _petals: ("shoujo", "historical", "samurai", "yaoi", "yuri"),
    _cells: ("mecha", "sci-fi", "military"),
    _stars: ("space", "magic", "fantasy", "fairy tale"),
    _waves: ("music", "slice of life", "kids"),
    _peaks: ("adventure", "seinen"),
    _roofs: ("school", "police", "crime", "work life"),
    _bars: ("comedy", "parody", "idols"),
    _moon: ("horror", "supernatural", "vampire", "demons"),
    _spiral: ("psychological", "mystery", "dementia", "thriller", "suspense"),
}
MOTIF_OF = {genre: motif for motif, genres in MEANT.items() for genre in genres}


def _motif(genre: str) -> Callable[[Iterator[float]], str]:
    """A known genre has a motif of its own; another keeps one that its name chooses."""
    named = genre.casefold()
    return (
        MOTIF_OF.get(named)
        or MOTIFS[hashlib.blake2b(named.encode(), digest_size=2).digest()[0] % len(MOTIFS)]
    )
