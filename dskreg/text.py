"""Text from files, as text: nothing in it steers a terminal, turns the direction of what stands beside it, or
starts a formula in a spreadsheet. And numbers as text, the same in the app, the command line and model cards.

A leaf. `escaped` and `notebook` make HTML for saved pages and notebooks; what a page or a chart of the app
reads as markup is the matter of dskreg/ui/common/widgets.py and dskreg/ui/common/charts.py.
"""

from __future__ import annotations

import csv
import html
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd

NOTHING = "–"  # where there is no number
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_ADDRESS = re.compile(r"(?i:https?)://[!#-&(-;=?-\[\]^_a-z|~]{1,1990}")
# Text and lines have the colour of the notebook around them; both colours of bars show on white and on black.
NOTEBOOK_STYLE = """
.dskreg{max-width:60rem;overflow-wrap:anywhere}
.dskreg h3{margin:.2rem 0}
.dskreg p{margin:.4rem 0;max-width:48rem}
.dskreg .muted,.dskreg caption{opacity:.75}
.dskreg caption{text-align:left;padding:.2rem 0}
.dskreg .wide{overflow-x:auto}
.dskreg details{margin:.5rem 0}
.dskreg summary{cursor:pointer;font-weight:600}
.dskreg table{border-collapse:collapse;table-layout:auto;margin:.3rem 0;font-size:.9em}
.dskreg th,.dskreg td{text-align:left;vertical-align:top;padding:.2rem .7rem .2rem 0;
border-bottom:1px solid rgba(128,128,128,.4);overflow-wrap:anywhere}
.dskreg th{white-space:nowrap}
.dskreg tr>:first-child:not(.n){min-width:10rem}
.dskreg th.n,.dskreg td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.dskreg tr.sampled>:first-child{font-weight:650}
.dskreg .bar{display:block;height:.3rem;border-radius:.2rem;margin-top:.2rem;min-width:1px;background:#1d8f89}
.dskreg .bar.negative{background:#d9534f}
"""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/#\s]*[/#]([^\s]*)")
_NUMBER = re.compile(r"\s*[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?\s*")
# A spreadsheet takes =, +, - and @ for a formula, also behind blanks, quotes and what is not seen. Where `;`
# or a tab parts the columns (as in half
# of Europe, and LibreOffice offers both), a cell also begins behind one, and behind a new line in spite of
# the quotes around the text.
_IGNORED = '[\\s"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*'
_RUNS = re.compile(f"(?:^|(?<=[;\t\n]))(?={_IGNORED}[=+@＝＋－＠-])|^(?=[\t\n])")


def legible(text: str) -> str:
    """Control characters as signs: NUL as ␀, ESC as ␛, line ends and tabs as blanks; what turns the direction
    of writing, or is no character, as ⟨U+202E⟩.
    """
    return _UNSEEN.sub(_sign, text)


def printable(text: str) -> str:
    """The text on one line, what cannot be seen as signs or ⟨U+200B⟩."""
    return "".join(sign if sign.isprintable() else f"⟨U+{ord(sign):04X}⟩" for sign in legible(text))


def _sign(found: re.Match[str]) -> str:
    character = found[0]
    if character.isspace():
        return " "
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def escaped(text: object) -> str:
    """As HTML shows it: legible, blanks run together, nothing in it markup or the end of an attribute."""
    return html.escape(" ".join(legible(str(text)).split()))


def notebook(body: str) -> str:
    """HTML as an output of a notebook: with its style, and hidden from what typesets formulas."""
    return f'<div class="dskreg tex2jax_ignore mathjax_ignore"><style>{NOTEBOOK_STYLE}</style>{body}</div>'


def between_commas(text: str) -> list[str]:
    """The parts of a list without outer blanks and empty ones; one that holds commas stands in quotes."""
    try:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:  # a line end within a part
        parts = text.split(",")
    return [part.strip() for part in parts if part.strip()]


def last_part(text: str) -> str:
    """The last part of a whole URI, `Toy_Story` of `<http://example.org/resource/Toy_Story>`; any other text
    as it is, and a URI that has no such part.
    """
    bare = text.strip()
    bare = bare[1:-1] if bare.startswith("<") and bare.endswith(">") else bare
    found = _URI.fullmatch(bare)
    if not found:
        return text
    return unquote(re.split("[/#]", found[1].rstrip("/#"))[-1]).strip() or text


def image_address(text: object) -> str:
    """The text where it is the address of an image on the web (http or https, a host, printable ASCII without
    quotes, at most 2,000 characters), else "".
    """
    address = str(text).strip()
    if not _ADDRESS.fullmatch(address):
        return ""
    try:
        parts = urlsplit(address)
        return address if parts.hostname and not parts.username and (parts.port or 1) else ""
    except ValueError:  # brackets or a port that are none
        return ""


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """For a CSV file: where a spreadsheet would run text, an apostrophe stands before it.

    Numbers, also those written as text, stay as they are.
    """
    safe = table.rename(columns=lambda name: _cell(name) if isinstance(name, str) else name)
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]) and not pd.api.types.is_bool_dtype(safe[column]):
            safe[column] = [_cell(cell) if isinstance(cell, str) else cell for cell in safe[column]]
    return safe


def _cell(text: str) -> str:
    # pandas puts no quotes around a lone carriage return, and readers take it for the end of the row: what
    # follows would begin a cell.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if _NUMBER.fullmatch(text) else _RUNS.sub("'", text)


def number(value: float | None, places: int = 3) -> str:
    """1,234 for a whole number, else 0.123 with `places` below 10 and 1,234.5 above; a dash for none."""
    if value is None or value != value:
        return NOTHING
    whole = isinstance(value, int)
    return f"{value:,}" if whole else f"{value:,.{places if abs(value) < 10 else 1}f}"


def many(count: int, noun: str) -> str:
    """1 row, 2,000 rows; also 3 entities and 4 addresses."""
    plural = {"y": "ies", "s": "ses"}.get(noun[-1], f"{noun[-1]}s")
    return f"{count:,} {noun if count == 1 else noun[:-1] + plural}"


def signed(value: float, places: int = 3) -> str:
    """+0.123 or −0.123; without a sign where it rounds to 0."""
    text = f"{value:+.{places}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def percent(share: float | None) -> str:
    """45%, with a decimal below 10%: 4.5%; a dash for none."""
    if share is None or share != share:
        return NOTHING
    text = signed(100 * share, 1 if 0.0005 <= abs(share) < 0.0995 else 0)
    return f"{text.removeprefix('+')}%"


def signed_percent(change: float | None, within: float | None = None) -> str:
    """+4.5%, and half its interval where it is given: +4.5% ± 0.3%; a dash for none."""
    if change is None or change != change:
        return NOTHING
    half = "" if within is None or within != within else f" ± {100 * within:.1f}%"
    text = signed(100 * change, 1)
    return f"{'0' if text == '0.0' else text}%{half}"


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as {dotted name: value in words}; "auto" is one that the data decide."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        found |= (
            flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: _value(value)}
        )
    return found


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if value is None:
        return "auto"
    return f"{value:g}" if isinstance(value, float) else str(value)
