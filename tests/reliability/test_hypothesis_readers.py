"""Hypothesis looks for a folder that is neither read nor refused in one line."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, strategies

from dskreg.data.readers import files as sources
from tests.reliability.examples import settings
from tests.reliability.folders import RICHER, VALID, files_of, lay, outcome
from tests.reliability.mutate import HANDINGS, MUTATIONS, ODD, Mutation, harmed

ODD_VALUES = strategies.one_of(
    strategies.sampled_from(ODD),
    strategies.binary(max_size=60),
    strategies.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    strategies.integers().map(lambda number: str(number).encode()),
    strategies.floats().map(lambda number: repr(number).encode()),
)
RANDOM = strategies.randoms(use_true_random=False)


def read_or_refused(format: str, files: dict[str, bytes], block: int = sources.BLOCK) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(sources, "BLOCK", block):
        outcome(format, lay(Path(folder) / "data", files))


@pytest.mark.parametrize("format", VALID)
@settings(2000, 50)
@given(data=strategies.data())
def test_a_harmed_folder_is_read_or_refused(format: str, data: strategies.DataObject) -> None:
    files = files_of(format, richer=data.draw(strategies.booleans()))
    change = strategies.tuples(
        strategies.sampled_from(sorted(files)), strategies.sampled_from(MUTATIONS), ODD_VALUES
    )
    rng = data.draw(RANDOM)
    files = harmed(files, data.draw(strategies.lists(change, min_size=1, max_size=4)), rng)
    handing = data.draw(strategies.sampled_from((None, None, None, *HANDINGS)))
    read_or_refused(
        format,
        handing(files, rng) if handing else files,
        data.draw(strategies.sampled_from((sources.BLOCK, 256))),
    )


@pytest.mark.parametrize("format", VALID)
@settings(1000, 20)
@given(data=strategies.data())
def test_arbitrary_bytes_are_read_or_refused(format: str, data: strategies.DataObject) -> None:
    """In the place of one of the files, or below its header."""
    files = files_of(format, richer=data.draw(strategies.booleans()))
    name, content = (
        data.draw(strategies.sampled_from(sorted(files))),
        data.draw(strategies.binary(max_size=400)),
    )
    header = files[name].partition(b"\n")[0] + b"\n"
    read_or_refused(format, files | {name: header + content if data.draw(strategies.booleans()) else content})


CELLS = strategies.one_of(
    *(strategies.sampled_from(["", "nan", "-1"]),) * 2,
    strategies.sampled_from(
        [
            "",
            " ",
            "nan",
            "inf",
            "1e400",
            "-1",
            "0",
            "1.5",
            "Unknown",
            "TV",
            "i1",
            "u1",
            "m1",
            "\x00",
            "9" * 19,
        ]
    ),
    strategies.text(max_size=20),
    strategies.integers(-2, 12).map(str),
)


@pytest.mark.parametrize("format", VALID)
@settings(1500, 100)
@given(data=strategies.data())
def test_odd_cells_are_read_or_refused(format: str, data: strategies.DataObject) -> None:
    """Rows of the right length below the right header, properly quoted: what only a look at the values can
    refuse.
    """
    files = files_of(format, richer=data.draw(strategies.booleans()))
    name = data.draw(strategies.sampled_from(sorted(files)))
    mark = {"recbole": "\t", "text": " "}.get(format, ",")
    lines = list(csv.reader(files[name].decode().splitlines(), delimiter=mark))
    for _ in range(data.draw(strategies.integers(1, 4))):
        row = list(data.draw(strategies.sampled_from(lines[1:])))
        row[data.draw(strategies.integers(0, len(row) - 1))] = data.draw(CELLS)
        lines.append(row)
    body = [
        mark.join('"' + cell.replace('"', '""') + '"' if mark == "," else cell for cell in row)
        for row in lines
    ]
    read_or_refused(format, files | {name: "\n".join([*body, ""]).encode("utf-8", "surrogatepass")})


@settings(5000, 300)
@given(
    mutation=strategies.sampled_from(MUTATIONS),
    content=strategies.binary(max_size=60),
    odd=ODD_VALUES,
    rng=RANDOM,
)
def test_every_mutation_takes_every_content(
    mutation: Mutation, content: bytes, odd: bytes, rng: Random
) -> None:
    assert isinstance(mutation(content, odd, rng), bytes)


def test_the_valid_folders_are_read(tmp_path: Path) -> None:
    """Else nothing above would test more than the refusals."""
    for format in VALID:
        for richer in (False, True):
            assert (
                outcome(format, lay(tmp_path / f"{format}{richer}", files_of(format, richer))) == ""
                and RICHER[format]
            )
