"""A table of new titles for a catalogue that is already known: CSV or parquet, in the columns of the
catalogue and of the relations of its knowledge graph, in any case.

    item_id, title       an id that the catalogue does not have, and a name
    genres, year, ...    columns of the catalogue; missing ones stay empty
    genre, studio, ...   relations: the label of an entity, or several joined by commas, `|` or `;`; a plural
                         such as `genres` is the relation `genre`

Columns of plain tables are recognised by their usual names too, such as `isbn` and `authors`, and those that
the data left out are left out. An entity is known by its label under the relation; a number is in the class
that the relation has for it. `length` follows from `episodes` where it is not given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dskreg.data.dataset import Dataset
from dskreg.data.readers.files import open_source, short
from dskreg.data.readers.plain.columns import listed, parse_columns, relation_name, roles_of
from dskreg.data.readers.plain.relations import ENDING, figures_in, labels_in, year_class, year_of
from dskreg.data.readers.tables import header, table, whole_text
from dskreg.data.readers.triples import length_class
from dskreg.errors import InputError

LENGTH, EPISODES = "length", "episodes"
_FIELDS = {"item": "item_id", "title": "title", "year": "year", "poster": "image"}  # by role
_CLASS = re.compile(r"(\d+)s|(-?[\d.]+(?:e[+-]\d+)?)(?: to (-?[\d.]+(?:e[+-]\d+)?))?")
Labels = dict[int, list[list[str]]]
"""For each relation by position, the labels of every new title."""


@dataclass(frozen=True)
class NewTitles:
    """N new titles of a known data set of E entities."""

    items: pd.DataFrame  # [N], the columns of the data set's items
    head: np.ndarray  # [T] positions among the new titles
    relation: np.ndarray  # [T]
    tail: np.ndarray  # [T] positions of entities; from E on, new ones
    entities: np.ndarray  # labels of the new entities


def read(path: Path, data: Dataset, columns: str | None = None) -> NewTitles:
    """Read the new titles at `path`.

    Args:
        path: The table.
        data: The catalogue.
        columns: `COLUMN=ROLE,...` as of `--columns`.

    Raises:
        InputError: No titles, an unknown column, an id that is there already or twice, or a value that its
            column does not hold; one line, naming the place.
    """
    raw = _named(path, _texts(path), data, parse_columns(columns) if columns else {})
    names = [str(name) for name in raw]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{path.name}: expected each column once, but {short(twice)} is there twice")
    relation_of = {name: r for name in [*names, *data.items] if (r := _relation(str(name), data)) is not None}
    understood = list(dict.fromkeys([*map(str, data.items), *data.relations]))
    for name in names:
        if name not in understood and name not in relation_of:
            role = next((role for role in ("item", "title") if _FIELDS[role] not in names), "none")
            raise InputError(
                f"{path.name}: unknown column {short(name)}; understood are {', '.join(understood)[:1000]}; "
                f'others with --columns "{listed([name])}={role}"'
            )
    for name in ("item_id", "title"):
        if name not in names:
            raise InputError(f"{path.name}: expected a column {name!r}, found none")
    if not len(raw):
        raise InputError(f"{path.name}: expected at least one item, found none")
    labels = _labels(raw, relation_of, data)
    items = pd.DataFrame({"item_id": _ids(path, raw["item_id"], data)})
    for name, column in data.items.items():
        if name == "item_id":
            continue
        relation = relation_of.get(str(name), -1)
        if relation in labels and not pd.api.types.is_numeric_dtype(column):
            items[name] = [", ".join(row) for row in labels[relation]]
        else:
            given = raw[name] if name in raw else pd.Series([""] * len(raw))
            items[name] = _cells(path, str(name), given, column)
    return NewTitles(items, *_triples(labels, data))


def _named(path: Path, raw: pd.DataFrame, data: Dataset, told: Mapping[str, str]) -> pd.DataFrame:
    """The table with the catalogue's names of columns, without those that the data left out."""
    for name in told:
        if name not in raw:
            raise InputError(f"--columns: no column {short(name)}: expected one of {listed(map(str, raw))}")
    spelled = {str(name).casefold(): str(name) for name in [*data.relations, *data.items]}
    names = {name: spelled[str(name).casefold()] for name in raw if str(name).casefold() in spelled}
    names = {name: target for name, target in names.items() if name not in told}
    roles = roles_of([str(name) for name in raw if name not in names], told)
    for role, name in roles.items():
        target = _FIELDS.get(role, "")
        if target in data.items and target not in names.values():
            names[name] = target
            if role == "year":
                raw[name] = [str(year) if year == year else "" for year in year_of(raw[name]).astype(float)]
    left_out = [name for name in raw if name not in names and _left_out(str(name), data)]
    left_out += [name for name, role in told.items() if role == "none"]
    raw = raw.drop(columns=left_out).rename(columns=names)
    if "year" in data.items and "year" not in raw and "title" in raw:
        raw["year"] = raw["title"].str.extract(ENDING)[0].fillna("")
    return raw


def _left_out(column: str, data: Dataset) -> bool:
    """Does a note of the data say so?"""
    start = f"{listed([column])} is left out: "
    return any(note.startswith(start) for note in data.notes)


def _texts(path: Path) -> pd.DataFrame:
    """The table as stripped texts, "" where a value is missing."""
    if path.suffix == ".parquet":
        try:
            columns = pq.read_table(path).to_pydict()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: cannot be read as parquet ({str(error).splitlines()[0]})") from None
        return pd.DataFrame(
            {name: [_text(v) for v in values] for name, values in columns.items()}, dtype=object
        )
    source = open_source(path)
    names, mark = header(source), ","
    if len(names) == 1 and (other := next((one for one in ";\t" if one in names[0]), "")):
        names, mark = header(source, other), other
    found = table(source, {name: "text" for name in names}, mark)
    return found.apply(lambda column: column.str.strip()).astype(object)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    return "" if value is None or value != value else str(value).strip()


def _relation(column: str, data: Dataset) -> int | None:
    """The relation that a column gives; None where it gives none."""
    for name in (column, column.removesuffix("s"), relation_name(column)):
        if name in data.relations:
            return data.relations.index(name)
    return None


def _labels(raw: pd.DataFrame, relation_of: dict[str, int], data: Dataset) -> Labels:
    labels: Labels = {}
    for name in raw:
        if name in relation_of:
            r = relation_of[name]
            known, classes = _entities(data, r), _classes(data, r)
            before = labels.get(r, [[] for _ in range(len(raw))])
            numbers = figures_in(raw[name].astype(str)) if classes else raw[name]
            labels[r] = [
                list(dict.fromkeys([*old, *(_class_of(number, classes) or _split(cell, known))]))
                for old, number, cell in zip(before, numbers, raw[name], strict=True)
            ]
    if LENGTH in data.relations and EPISODES in raw and LENGTH not in raw:
        counts = [whole_text(cell) for cell in raw[EPISODES]]
        lengths = [length_class(int(count)) if count.isdecimal() else "" for count in counts]
        labels[data.relations.index(LENGTH)] = [[name] if name else [] for name in lengths]
    return labels


def _split(cell: str, known: dict[str, int]) -> list[str]:
    """The labels in a cell; one that is known whole may hold a comma."""
    if cell in known:
        return [cell]
    mark = "[]" if cell[:1] + cell[-1:] == "[]" else next((mark for mark in "|;" if mark in cell), "")
    return labels_in(cell, mark) if mark else [part.strip() for part in cell.split(",") if part.strip()]


def _classes(data: Dataset, relation: int) -> list[tuple[float, float, str]]:
    """(least, greatest, label) of a relation of classes of numbers, in order; empty for any other."""
    found: list[tuple[float, float, str]] = []
    for label in data.entities[np.unique(data.tail[data.relation == relation])]:
        numbers = _CLASS.fullmatch(str(label))
        if numbers is None:
            return []
        decade, low, high = numbers.groups()
        least, most = (float(decade), float(decade) + 9) if decade else (float(low), float(high or low))
        found.append((least, most, str(label)))
    return sorted(found) if any(low < high for low, high, _ in found) else []


def _class_of(number: str, classes: list[tuple[float, float, str]]) -> list[str]:
    """The label of the class that a number is in, of quantiles the nearest; empty for no number."""
    if not classes or not _is_number(number):
        return []
    value = float(number)
    low, high, label = min(classes, key=lambda one: max(one[0] - value, value - one[1]))
    if low <= value <= high or not all(b - a in (4, 9) and a % (b - a + 1) == 0 for a, b, _ in classes):
        return [label]
    return [year_class(int(value), int(high - low) + 1)]


def _entities(data: Dataset, relation: int) -> dict[str, int]:
    """Entities by label: those under the relation, and those that are titles."""
    under = np.unique(data.tail[data.relation == relation])
    titles = np.flatnonzero(data.entity_item >= 0)
    return {str(data.entities[e]).strip(): int(e) for e in [*titles[::-1], *under[::-1]]}


def _triples(labels: Labels, data: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of NewTitles after `items`."""
    new: list[str] = []
    rows: list[tuple[int, int, int]] = []
    for r, column in labels.items():
        entity = _entities(data, r)
        for item, row in enumerate(column):
            for label in row:
                if label not in entity:
                    entity[label] = len(data.entities) + len(new)
                    new.append(label)
                rows.append((item, r, entity[label]))
    head, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return head, relation, tail, np.array(new, dtype=object)


def _ids(path: Path, column: pd.Series, data: Dataset) -> pd.Series:
    """The ids in the type of the catalogue's, all of them new."""
    known = data.items["item_id"]
    whole = pd.api.types.is_integer_dtype(known)
    seen, taken = set(), set(known.astype(str))
    for row, cell in enumerate(column, 1):
        id_ = whole_text(cell) if whole else cell
        if not id_ or (whole and not _is_whole(id_)):
            _fail(path, row, "item_id", "a whole number, as the catalogue has" if whole else "an id", cell)
        id_ = str(int(id_)) if whole else id_
        if id_ in taken:
            _fail(path, row, "item_id", "an id that the catalogue does not have", cell)
        if id_ in seen:
            _fail(path, row, "item_id", "each id once", cell)
        seen.add(id_)
    texts = column.map(whole_text)
    return texts.astype("int64") if whole else column.astype(object)


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= 18


def _cells(path: Path, name: str, given: pd.Series, known: pd.Series) -> pd.Series:
    """The values of a column of the catalogue, in its type."""
    if not pd.api.types.is_numeric_dtype(known):
        for row, cell in enumerate(given, 1):
            if name == "title" and not cell:
                _fail(path, row, name, "a name", cell)
        return given.astype(object)
    texts = given.map(whole_text)
    whole = pd.api.types.is_integer_dtype(known)
    for row, text in enumerate(texts, 1):
        if text and not (_is_whole(text) and int(text) >= 0 if whole else _is_number(text)):
            _fail(path, row, name, "a whole number >= 0" if whole else "a number", text)
    values = pd.to_numeric(texts.where(texts != "", None))
    return values.astype("Int64" if whole else "float64")


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) <= 1e12
    except ValueError:
        return False


def _fail(path: Path, row: int, column: str, expected: str, got: str) -> NoReturn:
    raise InputError(f"{path.name}, item {row}, column {column}: expected {expected} (got {short(got)})")
