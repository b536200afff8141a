"""Generated covers: reproducible, well-formed for any title, readable, and without external references."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from dskreg.ui.recommendations import covers, motifs
from dskreg.ui.recommendations.covers import cover

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "entities": "Tom & Jerry &amp; “friends” ]]> <!-- \"'",
    "control": "a\x00b\x08c\x1bd\ufffee\ud800f",
    "right to left": "\u202eمرحبا\u202c بالعالم",
    "wide": "カウボーイビバップ 天国の扉",
    "long": "Q" * 10_000,
    "many words": "so many words " * 900,
    "empty": "",
    "blank": " \t\n ",
    "marks": "Z\u0300\u0301\u0302algo" * 40,
    "emoji": "👩\u200d🚀 in space",
}


def texts(drawn: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def luminance(colour: str) -> float:
    """WCAG 2: relative luminance of #rrggbb."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_same_title_has_the_same_cover() -> None:
    arguments = ("Cowboy Bebop", ["Space", "Action"], 0.3, -0.7)
    assert cover(*arguments).encode() == cover(*arguments).encode()


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("genre", ["Action", '"><g onload="x">', ""])
def test_any_cover_is_well_formed_and_contains_the_name_but_no_script(title: str, genre: str) -> None:
    drawn = cover(title, [genre], float("nan"), 1e9)
    root = ElementTree.fromstring(drawn)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "linearGradient",
        "stop",
        "clipPath",
        "path",
        "g",
        "circle",
        "rect",
        "text",
    }
    assert not [
        name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name
    ]
    said = "".join(texts(drawn)).removesuffix("…")
    assert "".join(covers.cleaned(title).split()).startswith("".join(said.split()))
    assert len(drawn) < 12_000


@pytest.mark.parametrize("genre", sorted(motifs.MOTIF_OF))
def test_a_cover_refers_to_nothing_outside_itself(genre: str) -> None:
    drawn = cover("Any", [genre]).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "//" not in drawn
    assert set(re.findall(r"url\(([^)]*)\)", drawn)) == {"#g", "#c"}


def test_a_short_name_is_shown_in_full() -> None:
    for title in (
        "K",
        "Cowboy Bebop",
        "The Disappearance of Nagato Yuki-chan",
        HOSTILE["script"],
        HOSTILE["wide"],
    ):
        assert "".join("".join(texts(cover(title))).split()) == "".join(title.split())


def test_a_name_is_wrapped_into_lines_that_fit_and_stays_complete() -> None:
    lines = covers.wrapped("one two three fourfivesixseven 天国の扉天", 8)
    assert lines == ["one two", "three", "fourfive", "sixseven", "天国の扉", "天"]
    assert all(covers.letters(line) <= 8 for line in lines)


def test_white_text_has_enough_contrast_for_every_position_on_the_map() -> None:
    for step in range(0, 360, 3):
        for far in (0.0, 0.5, 1.0, 7.0):
            deep, *_ = covers.colours(far * math.cos(math.radians(step)), far * math.sin(math.radians(step)))
            assert 1.05 / (luminance(deep) + 0.05) >= 7, (step, far, deep)


def test_neighbours_on_the_map_have_similar_colours_and_opposite_titles_different_ones() -> None:
    def apart(one: tuple[str, ...], other: tuple[str, ...]) -> int:
        return max(
            abs(int(a[k : k + 2], 16) - int(b[k : k + 2], 16))
            for a, b in zip(one, other, strict=True)
            for k in (1, 3, 5)
        )

    here = covers.colours(0.6, 0.2)
    assert apart(here, covers.colours(0.601, 0.201)) <= 2 < 40 < apart(here, covers.colours(-0.6, -0.2))


def test_each_known_genre_has_its_own_motif_and_the_name_varies_it() -> None:
    def shapes(title: str, genre: str) -> str:
        """The cover without its text."""
        return re.sub(r"<text.*?</text>", "", cover(title, [genre]))

    one_of_each = [genres[0] for genres in motifs.GENRES_OF.values()]
    skeletons = {re.sub(r"[-\d.]+", "", shapes("Any", genre)) for genre in one_of_each}
    assert len(skeletons) == len(motifs.GENRES_OF)
    assert all(shapes("One", genre) != shapes("Another", genre) for genre in one_of_each)
    assert len({motifs.motif_of(f"unknown {n}") for n in range(200)}) == len(motifs.MOTIFS)
    assert motifs.motif_of("ROMANCE") is motifs.motif_of("romance")
