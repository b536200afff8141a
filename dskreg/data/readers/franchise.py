"""Which items belong together, told from their names alone: `Gintama'`, `Gintama Movie: Shinyaku
Benizakura-hen` and `Gintama (2017)` are all Gintama.

A name is cut to its stem in steps: the subtitle goes, then everything from a marker on (Movie, OVA, 2nd
Season, ...), then trailing numbers and letters. Stems are compared without case and punctuation. No step may
leave fewer than three letters, so `Special A` and `X/1999` keep their names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LEAST_LETTERS = 3  # of a stem
# Characters of an item that are looked at: the steps below take time that grows with their square
LONGEST = 300
LEAST_TITLES, MOST_TITLES = 2, 60  # of a franchise; more items than that share a word, not a story
# `Death Note Rewrite` joins `Death Note`, but `Air Gear` must not join `Air`
_PREFIX_WORDS, _PREFIX_LETTERS = 2, 8

_ORDINAL = r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|final|new|next)"
_LEAD = re.compile(r"^(?:eiga|gekijouban|shin|zoku|the)\s+", re.IGNORECASE)
_SUBTITLE = re.compile(r": | - |/| \(|~")  # not the bare colon of `Code:Breaker`
_MARKER = re.compile(
    r"\s(?:(?:the |an? )?(?:movies?|film|gekijou(?:ban)?|animation|ova|ona|oad|oav|tv|specials?|recaps?"
    r"|soushuuhen|picture drama|pilot|prologue|epilogue|omake|gaiden|remix|episodes?|series|"
    r"digest|season|part"
    r"|dai \d+ ki|zoku shou|special edition|summary|reproduction)"
    rf"|{_ORDINAL} (?:season|stage|series|gig|act|part|tv|ova|movie)|{_ORDINAL}$)(?!\w).*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    (
        r"[\W_]+$|(?<=\W)(?:\d+(?:\.\d+)?|(?:r|s|ep)\d+|i{1,3}|iv|vi{0,3}|ix|r|s|z|gt|kai|zoku|zan|"
        r"plus|final|extra|next|encore|returns?|the)$|(?<=[^\W\d]{3})\d$"
    ),
    re.IGNORECASE,
)
# Items of one story that share no word.
_ALIASES = (
    (re.compile(r"(?:bake|nise|kizu|neko|hana|tsuki|koyomi|owari)monogatari\b", re.IGNORECASE), "Monogatari"),
)


def franchise_stem(title: str) -> str:
    """The part of `title` that its sequels, films and specials share, as written; the title itself where
    nothing can be cut.
    """
    title = title[:LONGEST]
    for pattern, name in _ALIASES:
        if pattern.match(title):
            return name
    stem = _shorter(title, _LEAD.sub("", title))
    for cut in _SUBTITLE.finditer(stem):
        if (head := _shorter(stem, stem[: cut.start()])) != stem:
            stem = head
            break
    stem = _shorter(stem, _MARKER.sub("", stem))
    while (shorter := _shorter(stem, _TAIL.sub("", stem))) != stem:
        stem = shorter
    return stem


def _shorter(whole: str, part: str) -> str:
    part = part.strip()
    return part if sum(map(str.isalpha, part)) >= LEAST_LETTERS else whole


def _key(stem: str) -> str:
    return re.sub(r"[\W_]+", " ", stem.casefold()).strip()


def _joined(key: str, count: Counter[str]) -> str:
    """The longest other stem that a stem carried by one item alone continues, or `key` itself."""
    words = key.split()
    for length in range(len(words) - 1, _PREFIX_WORDS - 1, -1):
        start = " ".join(words[:length])
        if start in count and sum(map(str.isalpha, start)) >= _PREFIX_LETTERS:
            return start
    return key


def franchises(titles: Sequence[str]) -> list[str]:
    """The franchise of each title, "" where it stands alone (or its stem is shared by more than
    `MOST_TITLES`).
    """
    stems = [franchise_stem(title) for title in titles]
    keys = [_key(stem) for stem in stems]
    # The spelling of the first item that has it
    names = dict(zip(reversed(keys), reversed(stems), strict=True))
    alone = Counter(keys)
    keys = [_joined(key, alone) if alone[key] == 1 else key for key in keys]
    count = Counter(keys)
    return [
        names[key]
        if LEAST_TITLES <= count[key] <= MOST_TITLES and sum(map(str.isalpha, key)) >= LEAST_LETTERS
        else ""
        for key in keys
    ]
