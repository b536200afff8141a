"""Reading of tables and number lists from outside, with the file and the line in every complaint.

The happy path is vectorised (pyarrow, numpy) and goes block by block. Only when it has failed is the file
walked line by line, to name the place.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from dskreg.data.dataset import counted
from dskreg.data.readers import files
from dskreg.data.readers.files import Source, short, some
from dskreg.text import image_address

Kind = Literal["whole", "number", "text"]
"""What a column holds: whole numbers (never empty; 12.0 is 12), numbers (NaN where empty), text ("" where
empty).
"""

_ARROW: dict[Kind, pa.DataType] = {"whole": pa.int64(), "number": pa.float64(), "text": pa.string()}
QUOTED = ",;"
"""Separators of files whose fields may stand in quotes."""

_EXPECTED: dict[Kind, str] = {"whole": "a whole number", "number": "a number", "text": "text"}


def header(source: Source, delimiter: str = ",") -> list[str]:
    """The column names; raises InputError where one is repeated."""
    names = next(_records(source, delimiter))[1]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        source.fail(1, "", f"each column once, but {short(name)} is there {times} times")
    return names


def unread(source: Source, known: Collection[str], delimiter: str = ",") -> list[str]:
    """A note on the columns of an interactions file that are not `known`: one of them might mean no."""
    names = [name for name in header(source, delimiter) if name not in known]
    if not names:
        return []
    return [f"unread columns of {source.name}, none of which turns a row into a dislike: {some(names)}"]


def ids(tokens: pd.Series) -> pd.Series:
    """The tokens as int64 where every one is a whole number written the plain way, else as they are."""
    plain = tokens.astype(str).str.fullmatch(r"0|-?[1-9][0-9]{0,17}").all()
    return tokens.astype("int64") if plain else tokens.astype(object)


IMAGES = ("image", "images", "picture", "poster", "cover", "img", "im")
"""Names of a column of image addresses, in any case, also followed by `url` or `link`."""


def image_column(names: Collection[str]) -> str | None:
    """The first of the columns that is called like one of image addresses, such as `Image URL`."""
    forms = [f"{word}{end}" for word in IMAGES for end in ("", "url", "link")]
    plain = {re.sub(r"[^a-z]", "", name.casefold()): name for name in reversed(list(names))}
    return next((plain[form] for form in forms if form in plain), None)


def images(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """The addresses of images, "" for what is none, and a note on those."""
    found = column.map(image_address)
    wrong = int(((found == "") & (column.str.strip() != "")).sum())
    return found, counted((wrong, "image address", "other than http or https: not used"))


def table(
    source: Source, kinds: Mapping[str, Kind], delimiter: str = ",", skipped: list[str] | None = None
) -> pd.DataFrame:
    """The columns named in `kinds`, in that order and of these kinds; other columns are ignored.

    A file separated by commas or semicolons may quote its fields (also over several lines); a tab-separated
    one has no quotes, as RecBole writes it. With `skipped`, rows of too few or too many fields are left out,
    and each adds its text there.

    Raises:
        InputError: A column is missing, a row has too few or too many fields, or a field is not of its kind.
    """
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in kinds.items()])
    return pa.Table.from_batches(_batches(source, kinds, delimiter, skipped), schema).to_pandas()


def blocks(
    source: Source, kinds: Mapping[str, Kind], delimiter: str = ","
) -> Iterator[tuple[int, pd.DataFrame]]:
    """`table` block by block, each with the number of rows before it."""
    before = 0
    for batch in _batches(source, kinds, delimiter):
        yield before, batch.to_pandas()
        before += batch.num_rows


def _batches(
    source: Source, kinds: Mapping[str, Kind], delimiter: str, skipped: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    names = header(source, delimiter)
    for name in kinds:
        if name not in names:
            source.fail(1, "", f"the column {name!r}", ", ".join(names))
    done, reason = 0, ""
    # Whole numbers that pandas wrote as floats are seldom, and text takes longer
    for as_text in (False, True):
        try:
            for n, batch in enumerate(_converted(source, kinds, delimiter, as_text, skipped)):
                if n == done:
                    yield batch
                    done += 1
            return
        except pa.ArrowInvalid as error:
            reason = str(error)
    _explain(source, kinds, delimiter, reason)


def _converted(
    source: Source, kinds: Mapping[str, Kind], delimiter: str, as_text: bool, skipped: list[str] | None
) -> Iterator[pa.RecordBatch]:
    """The batches, those of a file always the same; whole numbers read as such, or by way of text.

    Raises pyarrow's ArrowInvalid.
    """

    def skip(row: pa.csv.InvalidRow) -> str:
        rows.append(row.text)
        return "skip"

    rows: list[str] = [] if skipped is None else skipped
    rows.clear()
    quoted = delimiter in QUOTED
    handler = None if skipped is None else skip
    parse = pa.csv.ParseOptions(
        delimiter=delimiter,
        quote_char='"' if quoted else False,
        newlines_in_values=quoted,
        invalid_row_handler=handler,
    )
    whole = [name for name, kind in kinds.items() if kind == "whole"]
    types = {name: pa.string() if as_text and name in whole else _ARROW[kind] for name, kind in kinds.items()}
    convert = pa.csv.ConvertOptions(column_types=types, include_columns=list(kinds), null_values=[""])
    with source.stream() as stream:
        for batch in pa.csv.open_csv(stream, pa.csv.ReadOptions(block_size=files.BLOCK), parse, convert):
            columns = [
                _as_whole(batch.column(name)) if as_text and name in whole else batch.column(name)
                for name in kinds
            ]
            if any(column.null_count for name, column in zip(kinds, columns, strict=True) if name in whole):
                raise pa.ArrowInvalid("a number is missing")
            yield pa.RecordBatch.from_arrays(columns, list(kinds))


_WHOLE_FLOAT = r"^(-?[0-9]+)\.0*$"


def _as_whole(texts: pa.Array) -> pa.Array:
    return pc.cast(
        pc.replace_substring_regex(pc.ascii_trim_whitespace(texts), _WHOLE_FLOAT, r"\1"), pa.int64()
    )


def whole_text(text: str) -> str:
    """A whole number written as a float, such as 12.0, as a whole number; any other text as it is."""
    return re.sub(_WHOLE_FLOAT, r"\1", text.strip(" "), flags=re.ASCII)


def require(
    source: Source,
    ok: np.ndarray | pd.Series,
    column: str,
    expected: str,
    delimiter: str = ",",
    before: int = 0,
) -> None:
    """Raise InputError with line and value of the first row for which `ok` is false; `ok` begins after
    `before` rows of the table.
    """
    if not np.all(ok):
        line, fields = _row(source, before + int(np.argmin(ok)), delimiter)
        source.fail(line, column, expected, fields[header(source, delimiter).index(column)])


def _row(source: Source, index: int, delimiter: str) -> tuple[int, list[str]]:
    records = _records(source, delimiter)
    for _ in range(index + 1):
        next(records)
    return next(records)


def _records(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(first line of the record, its fields), the header first, without blank lines, as pyarrow does."""
    start = 1
    with source.stream() as stream:
        lines = io.TextIOWrapper(stream, "utf-8", newline="")
        reader = csv.reader(
            lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if delimiter in QUOTED else csv.QUOTE_NONE
        )
        try:
            for fields in reader:
                if fields:
                    yield start, fields
                start = reader.line_num + 1
        except csv.Error as error:
            source.fail(start, "", f"a row of fields ({error})")


def _explain(source: Source, kinds: Mapping[str, Kind], delimiter: str, reason: str) -> NoReturn:
    """Find the row that pyarrow refused and raise the error for it."""
    records = _records(source, delimiter)
    names = next(records)[1]
    checked = [(names.index(name), name, kind) for name, kind in kinds.items() if kind != "text"]
    for line, fields in records:
        if len(fields) != len(names):
            source.fail(line, "", f"{len(names)} fields", str(len(fields)))
        for index, name, kind in checked:
            if not _is_of(kind, fields[index]):
                source.fail(line, name, _EXPECTED[kind], fields[index])
    source.fail(0, "", f"a table with the columns {short(', '.join(kinds))}", reason)


def _is_of(kind: Kind, field: str) -> bool:
    """Whether pyarrow reads `field` as a value of `kind`; Python alone would take digits of other scripts and
    underscores.
    """
    if not field.isascii() or "_" in field:
        return False
    try:
        if kind == "whole":
            return -(2**63) <= int(whole_text(field)) < 2**63
        float(field or "0")
        return True
    except ValueError:
        return False


def whole_numbers(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """All numbers of a file that holds nothing but whole numbers >= 0, blanks and line ends.

    Returns:
        `[n]` int64 values and `[n]` their 1-based lines.
    """
    values, lines, line = [], [], 1
    for block in _whole_lines(source):
        data = np.frombuffer(block, np.uint8)
        digit = (data >= ord("0")) & (data <= ord("9"))
        stray = ~(digit | np.isin(data, list(b" \t\r\n")))
        edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        long = ends - starts > 18  # would not fit int64
        if stray.any() or long.any():
            at = int(np.argmax(stray)) if stray.any() else int(starts[np.argmax(long)])
            before = block.count(b"\n", 0, at)
            text = block.split(b"\n")[before].decode().strip("\r")
            word = next(
                (word for word in text.split(" ") if not re.fullmatch(r"\d{0,18}", word, re.ASCII)), text
            )
            source.fail(line + before, "", "whole numbers >= 0", word)
        ends_of_lines = np.flatnonzero(data == ord("\n"))
        lines.append(np.searchsorted(ends_of_lines, starts) + line)
        values.append(np.fromstring(block, dtype=np.int64, sep=" ") if len(starts) else np.empty(0, np.int64))
        line += len(ends_of_lines)
    return np.concatenate(values), np.concatenate(lines)


def _whole_lines(source: Source) -> Iterator[bytes]:
    """The content in blocks that end where a line ends."""
    rest = b""
    with source.stream() as stream:
        while block := stream.read(files.BLOCK):
            whole, end, rest_of_block = block.rpartition(b"\n")
            if end:
                yield rest + whole + end
                rest = b""
            rest += rest_of_block
    if rest:
        yield rest
