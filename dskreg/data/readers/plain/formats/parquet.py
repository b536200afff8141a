"""Parquet files, plain, gzipped or in a zip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from dskreg.data.readers.files import LARGEST, Place
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.formats.records import label
from dskreg.errors import InputError

LARGEST_UNPACKED = 1 << 30  # bytes: parquet is read from both ends, so what is packed must fit into memory


@dataclass(frozen=True)
class Parquet:
    """The table in the file at `place`, which messages call `label`."""

    label: str
    place: Place
    columns: tuple[str, ...]
    row: str = "row"

    def blocks(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """The columns, batch by batch; raises InputError for a damaged file."""
        with _opened(self.label, self.place) as file:
            for batch in file.iter_batches(columns=columns):
                yield batch.to_pandas()

    @property
    def rows(self) -> int:
        """How many rows there are, as the file says."""
        with _opened(self.label, self.place) as file:
            return int(file.metadata.num_rows)


def parquet(place: Place) -> Parquet:
    """The table, of which only names are read; raises InputError for a damaged one."""
    name = label(place)
    with _opened(name, place) as file:
        columns = tuple(file.schema_arrow.names)
    if len(set(columns)) < len(columns) or not columns:
        raise InputError(f"{name}: expected each column once (got {listed(columns)})")
    return Parquet(name, place, columns)


@contextmanager
def _opened(name: str, place: Place) -> Iterator[pa.parquet.ParquetFile]:
    try:
        if place.plain and place.path.stat().st_size > LARGEST:
            raise InputError(f"{name}: expected at most {LARGEST:,} bytes")
        with pa.parquet.ParquetFile(place.path if place.plain else _unpacked(name, place)) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: expected a complete parquet file (it is truncated or damaged)") from None


def _unpacked(name: str, place: Place) -> pa.BufferReader:
    with place.stream() as stream:
        content = stream.read(LARGEST_UNPACKED + 1)
    if len(content) > LARGEST_UNPACKED:
        raise InputError(f"{name}: expected at most {LARGEST_UNPACKED:,} bytes where it is packed: unpack it")
    return pa.BufferReader(content)
