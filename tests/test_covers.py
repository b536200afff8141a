"""Generated covers: reproducible, well-formed for any title, readable, and without external references."""

from __future__ import annotations

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
    assert cover("Cowboy Bebop").encode() == cover("Cowboy Bebop").encode()


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_any_cover_is_well_formed_and_contains_the_name_but_no_script(title: str) -> None:
    drawn = cover(title)
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


@pytest.mark.parametrize("title", [f"Title {n}" for n in range(3 * len(motifs.MOTIFS))])
def test_a_cover_refers_to_nothing_outside_itself(title: str) -> None:
    drawn = cover(title).replace('xmlns="http://www.w3.org/2000/svg"', "")
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


def test_white_text_has_enough_contrast_in_every_colour() -> None:
    for step in range(360):
        for scheme in (0.0, 0.3, 0.6, 1.0):
            deep, *_ = covers.colours(step / 360, scheme)
            assert 1.05 / (luminance(deep) + 0.05) >= 7, (step, scheme, deep)


def test_covers_differ_by_title_also_within_a_franchise() -> None:
    """Without their text, by the kinds and number of their shapes and by their colours."""

    def picture(title: str) -> tuple[str, str]:
        drawn = re.sub(r"<text.*?</text>", "", cover(title))
        return re.sub(r"#[0-9a-f]{6}|[-\d.]+", "", drawn), "".join(re.findall(r"#[0-9a-f]{6}", drawn))

    pictures = [picture(f"Dragon Ball {n}") for n in range(60)]
    assert len(set(pictures)) == 60 and len({colours for _, colours in pictures}) > 50
    assert len({shapes for shapes, _ in pictures}) >= 10
