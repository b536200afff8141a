"""Which columns of an items table become relations, and how: labels, lists, and bins of numbers and years."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dskreg.data.readers.plain.columns import OUTCOMES, TEXTS, known_relation, plain, relation_name
from dskreg.data.readers.triples import LENGTHS, length_class

BINS = 5  # quantile bins of a column of numbers
FEW = 12  # so many distinct whole numbers are labels
SPAN = 30  # years: above it decades, else five years
SHARED = 0.5  # the share of filled cells whose labels come again, below which a column is text
LONGEST = 60  # mean characters of a label; more is text
LISTS = 0.05  # the share of filled cells with a separator, from which on a column holds lists
SURE = 0.8  # the share of labels between commas that must come again, and be short, in a list
NUMBERS = 0.95  # the share of filled cells that are numbers
ENDING = re.compile(r"\((1[5-9]\d\d|20\d\d)\)\s*$")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_DATE = re.compile(r"\d{4}[-./]\d\d?[-./]\d\d?([T ].*)?|\d\d?[-./]\d\d?[-./]\d{4}")
_DECIMAL = re.compile(r"[+-]?\d+[.]\d+")
_NUMBER = re.compile(r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d{1,3})?")
# Of a range of prices the lower end
_MONEY = re.compile(r"^(?:[A-Za-z]{0,3}\s?[$€£¥]\s?(\d[\d,.]*).*|(\d[\d,.]*)\s?[$€£¥].*)$")
_THOUSANDS, _COMMA = r"[+-]?\d{1,3}(,\d{3})+([.]\d*)?", r"[+-]?(\d+|\d{1,3}([.]\d{3})+),\d{1,2}"
_MARKS = ("/", "&", "+")  # separate lists where most labels between them come again
_OBJECT = re.compile(r"\{\s*[\"'].*[\"']\s*:.*\}", re.DOTALL)
_NOTHING = frozenset(
    {"", "-", "?", "n/a", "na", "nan", "none", "null", r"\n", "unknown", "[]", "{}", "(no genres listed)"}
)


@dataclass(frozen=True)
class Relation:
    """The relation of a column: its name, how it was made, and the labels `[I]` of every item."""

    column: str
    name: str
    rule: str
    labels: list[list[str]]


def filled(cells: pd.Series) -> pd.Series:
    """The cells as text without outer blanks and HTML entities; "" for words that mean nothing is known."""
    text = cells.astype(str).str.strip()
    decoded = text.map(_decoded) if text.str.contains("&", regex=False).any() else text
    return decoded.where(~decoded.str.casefold().isin(_NOTHING), "")


def _decoded(text: str) -> str:
    try:
        return html.unescape(text).strip()
    except ValueError:
        return text


def relation_of(
    column: str, cells: pd.Series, separator: str = "", forced: bool = False
) -> tuple[Relation | None, str]:
    """(the relation that the cells make, "") or (None, why the column is left out).

    Args:
        column: Its name.
        cells: `[I]` text as of `filled`.
        separator: Of lists within a cell; "": found from the cells.
        forced: The user names the column as a relation: nothing is left out.
    """
    known, name = bool(known_relation(column)), relation_name(column)
    there = cells[cells != ""]
    if there.empty:
        return None, "empty"
    if not forced and not known and len(cells) > 1 and cells.nunique() == 1:
        return None, "the same for all items"
    if not forced and there.str.match(r"https?://").mean() > SHARED:
        return None, "addresses"
    if not forced and plain(column) in TEXTS:
        return None, "text"
    if there.str.fullmatch(_OBJECT).mean() > SHARED:
        return None, "objects with fields of their own"
    figures = figures_in(there)
    figures = figures[figures != ""]
    if not separator and figures.str.fullmatch(_NUMBER).mean() >= NUMBERS:
        return _numbers(column, name, figures.reindex(cells.index, fill_value=""), forced)
    if there.str.fullmatch(_DATE).mean() >= NUMBERS and (dated := years(column, year_of(cells))):
        return replace(dated, name=name), ""
    mark = separator or _separator(there, known)
    labels = [labels_in(text, mark) for text in cells]
    if not forced and not known:
        decimal = [_DECIMAL.fullmatch(label) is not None for row in labels for label in row]
        if mark and np.mean(decimal or [False]) > SHARED:
            return None, "lists of numbers"
        mean = float(np.mean([len(label) for row in labels for label in row] or [0]))
        if mean > LONGEST:
            return None, "text"
        if _shared(labels) < SHARED:
            return None, "mostly unique values"
    distinct = len({label for row in labels for label in row})
    rule = f"{distinct:,} labels" + (f" in lists separated by {mark!r}" if mark else "")
    return Relation(column, name, rule, labels), ""


def figures_in(cells: pd.Series) -> pd.Series:
    """The cells without signs of money and of thousands, and with a point where they have a decimal comma;
    "" for words among prices.
    """
    prices = cells.str.extract(_MONEY)
    amount = prices[0].fillna(prices[1])
    text = amount.fillna(cells if amount.notna().mean() <= SHARED else "")
    thousands, comma = text.str.fullmatch(_THOUSANDS), text.str.fullmatch(_COMMA)
    text = text.mask(thousands, text.str.replace(",", "", regex=False))
    return text.mask(comma, text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False))


def year_of(cells: pd.Series) -> pd.Series:
    """The first year that each cell names, as Int64; missing where it names none."""
    return pd.to_numeric(cells.str.extract(_YEAR)[0]).astype("Int64")


def years(column: str, year: pd.Series) -> Relation | None:
    """The relation `year`: decades where they span more than SPAN, else five years; None without years."""
    if not year.notna().any():
        return None
    step = 10 if int(year.max()) - int(year.min()) > SPAN else 5
    labels = [[] if value is pd.NA else [year_class(int(value), step)] for value in year.astype(object)]
    return Relation(column, "year", "decades" if step == 10 else "classes of five years", labels)


def year_class(year: int, step: int) -> str:
    """The label of the decade, or of the `step` years, that a year is in."""
    first = year // step * step
    return f"{first}s" if step == 10 else f"{first} to {first + step - 1}"


def _numbers(column: str, name: str, cells: pd.Series, forced: bool) -> tuple[Relation | None, str]:
    form = plain(column)
    if not forced and OUTCOMES.search(form):
        return None, "numbers of what users did"
    value = pd.to_numeric(cells, errors="coerce").replace([np.inf, -np.inf], np.nan)
    distinct = np.unique(value.dropna())
    whole = bool((distinct == np.rint(distinct)).all())
    if not forced and whole and re.search(r"(^|[^a-z])id$|[a-z]Id$|_id$|isbn|ID$|(^index$)|^$", column):
        return None, "ids"
    if form in ("episodes", "episodecount", "numepisodes"):
        labels = [[length_class(int(v))] if v >= 1 else [] for v in value.fillna(0)]
        return Relation(column, "length", f"{len(LENGTHS) + 1} classes of the number of episodes", labels), ""
    alike = value.dropna().duplicated(keep=False).mean()
    if len(distinct) <= FEW and (whole or len(distinct) <= BINS) and alike >= SHARED:
        labels = [[] if v != v else [f"{v:g}"] for v in value]
        return Relation(column, name, f"{len(distinct)} numbers as labels", labels), ""
    edges = np.unique(np.quantile(value.dropna(), np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, value, side="left")  # of a missing one: beyond the last
    names = {}
    for bin_ in np.unique(place[value.notna()]):
        inside = value[(place == bin_) & value.notna()]
        low, high = f"{inside.min():.6g}", f"{inside.max():.6g}"
        names[int(bin_)] = low if low == high else f"{low} to {high}"
    labels = [[] if v != v else [names[int(p)]] for v, p in zip(value, place, strict=True)]
    return Relation(column, name, f"{len(names)} bins of about equal size (quantiles)", labels), ""


def _separator(cells: pd.Series, known: bool) -> str:
    """The separator of lists, "" where the cells are no lists; `[...]` for lists as Python writes them."""
    if cells.str.fullmatch(r"[\[{].*[\]}]").mean() > SHARED:
        return "[]"
    for mark in ("|", ";"):
        share = cells.str.contains(mark, regex=False).mean()
        if share >= LISTS or (known and share):
            return mark
    if cells.str.contains(",", regex=False).any() and (known or _come_again(cells, ",")):
        return ","
    once = cells.drop_duplicates()
    for mark in _MARKS:
        marked = once.str.contains(mark, regex=False)
        if marked.any() and (_beside(once, marked, mark) if known else _come_again(once, mark)):
            return mark
    return ""


def _come_again(cells: pd.Series, mark: str) -> bool:
    """Whether most labels between the marks are short words that other cells have too."""
    words = [label for text in cells for label in labels_in(text, mark)]
    if not words:
        return False
    short = np.mean([len(label.split()) <= 3 and not label[0].isdigit() for label in words])
    count = Counter(words)
    again = np.mean([count[label] > 1 for label in words])
    return bool(short > SURE and again > SURE)


def _beside(cells: pd.Series, marked: pd.Series, mark: str) -> bool:
    """Whether most of the marked cells have a label that is another cell by itself."""
    alone = set(cells[~marked])
    return bool(np.mean([not alone.isdisjoint(labels_in(text, mark)) for text in cells[marked]]) > SHARED)


def labels_in(text: str, mark: str) -> list[str]:
    """The labels of a cell of lists with this separator, `[]` for lists as Python writes them."""
    if not mark:
        return [text] if text else []
    if mark == "[]":
        inner = text.strip("[]{} ")
        quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", inner)
        pieces = [one or two for one, two in quoted] or inner.split(",")
    else:
        pieces = text.split(mark)
    return list(dict.fromkeys(part for piece in pieces if (part := piece.strip()).casefold() not in _NOTHING))


def _shared(labels: list[list[str]]) -> float:
    """The share of the filled rows with a label that another row has too."""
    count = Counter(label for row in labels for label in row)
    there = [row for row in labels if row]
    return sum(any(count[label] > 1 for label in row) for row in there) / max(len(there), 1)
