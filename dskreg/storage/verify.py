"""Tables and tensors read as `dskreg/storage/schema.py` declares them: form and size first, from headers and
footers alone, then the values.

A column or tensor that is not declared is refused, not skipped, and nothing is read whole that would take far
more memory than it does on disk: a parquet file of some kilobytes can hold 300 million equal rows.
Torch-free.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from dskreg.documents import quoted, regular_size, shortened
from dskreg.errors import InputError
from dskreg.graph.candidates import CandidateGraph
from dskreg.storage.schema import Column, Table
from dskreg.storage.tensors import Tensor

Sizes = dict[str, int]

FREE, GROWTH = 64 << 20, 100  # bytes that a table may take in memory in any case, and times its size on disk
ROWS = 512  # items whose picks are looked up at once
FOOTER = 4 << 20  # bytes of a parquet file's description of itself
_NULLABLE = {pa.int64(): pd.Int64Dtype()}  # whole numbers with gaps, which would become floats
_TEXTS = (pa.string(), pa.large_string())
# Bytes, of texts without their characters
_WIDTHS = {
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "float": 4,
    "double": 8,
    "bool": 1,
    "text": 16,
    "id": 16,
}


def table_rows(path: Path, form: Table, sizes: Sizes) -> int:
    """The number of rows of the parquet file at `path`, its form checked by its footer alone.

    Raises:
        InputError: No regular file, damaged, other columns or types than declared, too many rows, or too
            large for what it is on disk.
    """
    size = regular_size(path)
    schema, rows = _footer(path, size)
    for name in schema.names:
        if name not in form.columns:
            raise InputError(f"{path}: column {quoted(name)}: unknown")
        if schema.names.count(name) > 1:
            raise InputError(f"{path}: column {name}: there twice")
    for name, column in form.columns.items():
        if name not in schema.names:
            if column.optional:
                continue
            raise InputError(f"{path}: column {name}: missing")
        kind = schema.field(name).type
        if kind not in _kinds(column):
            raise InputError(f"{path}: column {name}: expected {column.kind} (got {shortened(str(kind))})")
    if form.rows and rows != sizes[form.rows]:
        raise InputError(
            f"{path}: expected {sizes[form.rows]:,} rows, one for each of the {form.rows} (got {rows:,})"
        )
    if form.at_most and rows > math.prod(sizes[name] for name in form.at_most):
        raise InputError(
            f"{path}: expected at most one row for each of the {' x '.join(form.at_most)} (got {rows:,})"
        )
    memory = rows * sum(_WIDTHS[form.columns[name].kind] for name in schema.names)
    _require_memory(path, memory, size)
    return rows


def read_table(path: Path, form: Table, sizes: Sizes) -> pd.DataFrame:
    """The table at `path`, checked by `table_rows` before, and now its values.

    Raises InputError that names the column.
    """
    with _reading(path):
        texts = [name for name, column in form.columns.items() if column.kind in ("text", "id")]
        table = pq.read_table(path, read_dictionary=texts)
        for place, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                table = table.set_column(place, field.name, _decoded(path, table.column(place)))
        for name in table.schema.names:
            _check_column(path, name, table.column(name), form.columns[name], sizes)
        frame = table.to_pandas(ignore_metadata=True)  # the form says what a column is, not what pandas wrote
        for name in table.schema.names:
            if form.columns[name].kind == "int64" and table.column(name).null_count:
                frame[name] = table.column(name).to_pandas(types_mapper=_NULLABLE.get)
        return frame


def tensors_form(path: Path, forms: Mapping[str, Tensor], sizes: Sizes) -> None:
    """Check names, types and shapes of the safetensors file at `path` by its header alone.

    Sizes that `sizes` does not have yet are taken from the first tensor that has them. Raises InputError that
    names the tensor.
    """
    regular_size(path)
    with _reading(path), safe_open(path, "np") as file:
        names = set(file.keys())
        for name in sorted(names ^ set(forms)):
            raise InputError(f"{path}: tensor {shortened(name)}: {'unknown' if name in names else 'missing'}")
        for name, form in forms.items():
            found = file.get_slice(name)
            kind, shape = found.get_dtype(), tuple(found.get_shape())
            if kind != form.kind:
                raise InputError(f"{path}: tensor {name}: expected {form.kind} (got {kind})")
            if len(shape) == len(form.shape):
                for dimension, length in zip(form.shape, shape, strict=True):
                    sizes.setdefault(dimension, length)
            wanted = tuple(
                int(dimension) if dimension.isdigit() else sizes.get(dimension, 0) for dimension in form.shape
            )
            if shape != wanted:
                raise InputError(
                    f"{path}: tensor {name}: expected the shape {wanted}, {' x '.join(form.shape)} "
                    f"(got {shape})"
                )


def read_tensors(path: Path, forms: Mapping[str, Tensor], sizes: Sizes) -> dict[str, np.ndarray]:
    """The tensors at `path`, checked by `tensors_form` before, and now their values.

    Raises InputError that names the tensor.
    """
    found: dict[str, np.ndarray] = {}
    with _reading(path), safe_open(path, "np") as file:
        for name, form in forms.items():
            found[name] = file.get_tensor(name)
            most = sizes[form.below] - 1 if form.below else form.most
            _require_range(f"{path}: tensor {name}", found[name], form.least, most)
    return found


def require_candidates(path: Path, graph: CandidateGraph, picks: dict[str, np.ndarray]) -> None:
    """Raise InputError where a pick is no candidate of its item, or is picked twice."""
    relations = max(1, len(graph.relations))
    for start in range(0, len(graph.neighbour), ROWS):
        rows = slice(start, start + ROWS)
        there = graph.neighbour[rows] >= 0
        candidate = np.where(
            there, graph.neighbour[rows].astype(np.int64) * relations + graph.relation[rows], -1
        )
        picked = np.where(
            picks["neighbour"][rows] >= 0,
            picks["neighbour"][rows].astype(np.int64) * relations + picks["relation"][rows],
            -1,
        )
        known = (picked[:, :, None] == candidate[:, None, :]).any(2) | (picked < 0)
        ordered = np.sort(picked, axis=1)
        twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(1)
        if not known.all() or twice.any():
            at = int(np.argmax(~known.all(1) | twice))
            raise InputError(
                f"{path}: tensor neighbour: expected different candidates of the item in row {start + at}"
            )


def require_epochs(path: Path, epoch: np.ndarray) -> None:
    """Raise InputError where the epochs `[E]` of the snapshots are none, or do not rise."""
    if not len(epoch) or (np.diff(epoch) <= 0).any():
        raise InputError(f"{path}: tensor epoch: expected rising epochs (got {quoted(epoch[:9].tolist())})")


def _footer(path: Path, size: int) -> tuple[pa.Schema, int]:
    with _reading(path):
        with path.open("rb") as file:
            file.seek(max(0, size - 8))
            tail = file.read(8)
        if len(tail) == 8 and (length := struct.unpack("<I", tail[:4])[0]) > FOOTER:
            raise InputError(f"{path}: expected a footer of at most {FOOTER:,} bytes (got {length:,})")
        with pq.ParquetFile(path) as opened:
            return opened.schema_arrow, opened.metadata.num_rows


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What the libraries raise over a file, as an InputError that names it."""
    try:
        yield
    except (OSError, pa.ArrowException, SafetensorError) as error:
        # Arrow has OSError both for files that cannot be opened and for content that it cannot make sense of
        reason = error.strerror if isinstance(error, OSError) else None
        wrong = (
            f"cannot be read ({reason})" if reason else f"damaged ({shortened(' '.join(str(error).split()))})"
        )
        raise InputError(f"{path}: {wrong}") from None


def _kinds(column: Column) -> tuple[pa.DataType, ...]:
    if column.kind == "text":
        return _TEXTS
    if column.kind == "id":
        return (pa.int64(), *_TEXTS)
    return (pa.type_for_alias(column.kind),)


def _require_memory(path: Path, memory: int, size: int) -> None:
    most = max(FREE, GROWTH * size)
    if memory > most:
        raise InputError(
            f"{path}: expected at most {most:,} bytes in memory, {GROWTH} times its size on disk (got "
            f"{memory:,})"
        )


def _decoded(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts, each different one stored once, as plain texts; their length is known before it is
    paid for.
    """
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
        total += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    _require_memory(path, total, regular_size(path))
    return column.cast(column.type.value_type)


def _check_column(path: Path, name: str, values: pa.ChunkedArray, column: Column, sizes: Sizes) -> None:
    where = f"{path}: column {name}"
    if values.null_count and not column.nulls:
        raise InputError(f"{where}: {values.null_count:,} values are missing")
    if column.kind == "id" and len(different := pc.unique(values)) != len(values):
        raise InputError(f"{where}: expected {len(values):,} different ids (got {len(different):,})")
    if column.least is not None:
        most = sizes[column.below] - 1 if column.below else column.most
        _require_range(where, values.drop_null().to_numpy(), column.least, most)


def _require_range(where: str, values: np.ndarray, least: float, most: float | None) -> None:
    """Raise InputError with the first value that is not from `least` to `most`, or no number."""
    inside = (values >= least) & (values <= (math.inf if most is None else most)) & np.isfinite(values)
    if not inside.all():
        upper = "a finite number" if most is None else f"{most:,.12g}"
        got = values.ravel()[int(np.argmin(inside.ravel()))]
        raise InputError(f"{where}: expected values from {least:,.12g} to {upper} (got {got})")
