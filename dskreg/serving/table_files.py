"""Tables, such as the lists of all users, streamed into one .parquet or .csv file that is whole or absent."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dskreg.console import progress
from dskreg.errors import InputError
from dskreg.text import harmless

FORMATS = (".parquet", ".csv")


def write_table(
    chunks: Iterator[pd.DataFrame], out: Path, count: int, each: str = "user_id", label: str = "users"
) -> None:
    """Write the chunks, such as `Explorer.lists`, to `out`, under a temporary name first.

    Progress counts the different values of the column `each`, called `label`, of which there are `count`; a
    chunk holds all rows of such a value. Raises InputError where the file cannot be written.
    """
    with writing(out) as part:
        write = _write_csv if out.suffix == ".csv" else _write_parquet
        for _ in progress(write(chunks, part, each), count, label, size=int):
            pass


@contextmanager
def writing(out: Path) -> Iterator[Path]:
    """The path of a file that takes the name `out` when the block ends, and is gone after an error. Folders
    above it are made. Raises InputError where it cannot be written.
    """
    part = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _write_csv(chunks: Iterator[pd.DataFrame], part: Path, each: str) -> Iterator[int]:
    with part.open("w", encoding="utf-8", newline="") as file:
        for n, chunk in enumerate(chunks):
            harmless(chunk).to_csv(file, index=False, header=n == 0)
            yield chunk[each].nunique()


def _write_parquet(chunks: Iterator[pd.DataFrame], part: Path, each: str) -> Iterator[int]:
    first = next(chunks)
    with pq.ParquetWriter(part, pa.Schema.from_pandas(first, preserve_index=False)) as writer:
        for chunk in itertools.chain([first], chunks):
            writer.write_table(pa.Table.from_pandas(chunk, schema=writer.schema, preserve_index=False))
            yield chunk[each].nunique()
