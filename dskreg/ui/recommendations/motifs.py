"""The motifs of the covers, drawn from pseudo-random numbers between 0 and 1.

A motif is SVG around (0, 0), in a field of about 240 x 205.
"""

import math
from collections.abc import Iterator

Numbers = Iterator[float]


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _pairs(*values: float) -> str:
    return " ".join(map(number, values))


def _rays(chance: Numbers) -> str:
    count, turn = 9 + int(8 * next(chance)), next(chance)
    middles = [(turn + k / count) * math.tau for k in range(count)]
    half = math.pi / count / 2

    def line(angle: float) -> str:
        return f"L{_pairs(260 * math.cos(angle), 260 * math.sin(angle))}"

    wedges = "".join(f"M0 0{line(middle - half)}{line(middle + half)}z" for middle in middles)
    radius = number(26 + 18 * next(chance))
    return f'<path opacity=".45" stroke="none" d="{wedges}"/><circle r="{radius}" stroke="none"/>'


def _rings(chance: Numbers) -> str:
    shift = 90 * (next(chance) - 0.5)
    return "".join(
        f'<circle cx="{number(shift * k / 6)}" r="{14 + 19 * k}" fill="none" '
        f'stroke-width="{number(7 - 0.8 * k)}" opacity="{number(1 - 0.1 * k)}"/>'
        for k in range(7)
    )


def _hearts(chance: Numbers) -> str:
    heart = "M0 30C-44-2-30-38-12-36-4-36 0-28 0-24 0-28 4-36 12-36 30-38 44-2 0 30z"
    spots = [(220 * next(chance) - 110, 180 * next(chance) - 90, 0.3 + 0.5 * next(chance)) for _ in range(7)]
    rest = "".join(
        f'<path d="{heart}" opacity=".45" transform="translate({_pairs(x, y)}) scale({number(size)})"/>'
        for x, y, size in spots
    )
    return f'<g stroke="none">{rest}<path d="{heart}" transform="scale(1.8)"/></g>'


def _petals(chance: Numbers) -> str:
    count, long = 6 + int(5 * next(chance)), 70 + 25 * next(chance)
    third = long / 3
    left, right = _pairs(third, -third, third, -long, 0, -long), _pairs(-third, -long, -third, -third, 0, 0)
    leaf = f"M0 0C{left}C{right}z"
    return (
        "".join(
            f'<path d="{leaf}" opacity=".6" transform="rotate({number(360 * k / count)})" stroke-width="1"/>'
            for k in range(count)
        )
        + '<circle r="14"/>'
    )


def _cells(chance: Numbers) -> str:
    six = "M0-22 19-11 19 11 0 22-19 11-19-11z"
    rows = [(38 * c + 19 * (r % 2), 33 * r, next(chance)) for r in range(-3, 4) for c in range(-4, 4)]
    return "".join(
        f'<path d="{six}" transform="translate({x} {y})" '
        f'fill-opacity="{number(max(0.0, 1.4 * p - 0.6))}" stroke-width="2" stroke-opacity=".5"/>'
        for x, y, p in rows
    )


def _stars(chance: Numbers) -> str:
    star = "M0-10 2-2 10 0 2 2 0 10-2 2-10 0-2-2z"
    spots = [
        (250 * next(chance) - 125, 220 * next(chance) - 110, 0.3 + 1.6 * next(chance) ** 3) for _ in range(34)
    ]
    sky = "".join(
        f'<path d="{star}" transform="translate({_pairs(x, y)}) scale({number(size)})"/>'
        for x, y, size in spots
    )
    x, y, radius = 120 * next(chance) - 60, 60 * next(chance) - 20, 24 + 20 * next(chance)
    return f'<g stroke="none">{sky}<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/></g>'


def _waves(chance: Numbers) -> str:
    lines = []
    for k in range(7):
        y, high, start = -70 + 28 * k, 14 + 16 * next(chance), -200 - 80 * next(chance)
        lines.append(
            f'<path d="M{number(start)} {y}q40 {number(-high)} 80 0t80 0 80 0 80 0 80 0 80 0" '
            f'fill="none" stroke-width="5" opacity="{number(0.3 + 0.1 * k)}"/>'
        )
    return "".join(lines)


def _peaks(chance: Numbers) -> str:
    layers = []
    for k in range(3):
        tops = " ".join(
            f"L{-150 + 50 * n} {number(-60 + 45 * k + 60 * next(chance) * (1 if n % 2 else -0.4))}"
            for n in range(7)
        )
        layers.append(f'<path opacity="{number(0.3 + 0.3 * k)}" d="M-150 160{tops}L150 160z"/>')
    sun = f'<circle cx="{number(140 * next(chance) - 70)}" cy="-58" r="22"/>'
    return f'<g stroke="none">{sun}{"".join(layers)}</g>'


def _roofs(chance: Numbers) -> str:
    houses = []
    for k in range(9):
        high, left = 50 + 100 * next(chance), -150 + 34 * k
        houses.append(
            f'<path opacity="{number(0.45 + 0.5 * next(chance))}" '
            f'd="M{left} 160V{number(110 - high)}l15-14 15 14V160z"/>'
        )
    return f'<g stroke="none">{"".join(houses)}</g>'


def _bars(chance: Numbers) -> str:
    return "".join(
        f'<rect x="{-124 + 18 * k}" y="{number(-high)}" width="10" height="{number(2 * high)}" rx="5" '
        f'stroke="none" opacity="{number(0.5 + 0.5 * next(chance))}"/>'
        for k in range(14)
        for high in (12 + 75 * next(chance) * math.sin(math.pi * (k + 1) / 15),)
    )


def _moon(chance: Numbers) -> str:
    turn = 360 * next(chance)
    mist = "".join(
        f'<path d="M-150 {number(20 + 26 * k)}h{number(120 + 180 * next(chance))}" '
        f'stroke-width="8" stroke-linecap="round" opacity=".4"/>'
        for k in range(4)
    )
    crescent = "M20-90A72 72 0 1 0 66 26 58 58 0 0 1 20-90z"
    return f'<path stroke="none" transform="rotate({number(turn / 6 - 30)})" d="{crescent}"/>{mist}'


def _spiral(chance: Numbers) -> str:
    wind, turn = 3 + 2 * next(chance), math.tau * next(chance)
    steps = [(120 * k / 90, turn + wind * math.tau * k / 90) for k in range(91)]
    line = "L".join(f"{_pairs(r * math.cos(a), r * math.sin(a))}" for r, a in steps)
    return f'<path fill="none" stroke-width="7" stroke-linecap="round" d="M{line}"/>'


def _tiles(chance: Numbers) -> str:
    spots = [(x, y, next(chance)) for x in range(-105, 130, 42) for y in range(-105, 130, 42)]
    return "".join(
        f'<path stroke="none" d="M{x} {y - 21}l21 21-21 21-21-21z" opacity="{number(0.15 + 0.8 * p)}"/>'
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
