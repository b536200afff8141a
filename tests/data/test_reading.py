"""Tables and number lists: what is read, and the one line that says what is wrong and where."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.readers import files, kaggle, kgat
from dskreg.data.readers.atomic import recbole
from dskreg.data.readers.files import Source, files_at, open_member, open_source
from dskreg.data.readers.load import load
from dskreg.data.readers.tables import blocks, require, table, whole_numbers
from dskreg.errors import InputError

KINDS = {"id": "whole", "mark": "number", "name": "text"}


def file(folder: Path, data: bytes, name: str = "t.csv") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def complaint(action, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_byte_order_mark_crlf_blank_lines_and_quotes_are_read(tmp_path):
    frame = table(
        open_source(
            file(tmp_path, b'\xef\xbb\xbfname,id,mark,more\r\n"a, ""b""\nc",1,,x\r\n\r\nd,2,3.5,y\r\n')
        ),
        KINDS,
    )
    assert list(frame) == ["id", "mark", "name"]
    assert list(frame["id"]) == [1, 2] and list(frame["name"]) == ['a, "b"\nc', "d"]
    assert np.isnan(frame["mark"][0]) and frame["mark"][1] == 3.5


def test_a_tab_separated_table_has_no_quotes():
    assert list(table(Source("t.inter", b'id\tname\n1\t"a\n2\tb"\n'), {"name": "text"}, "\t")["name"]) == [
        '"a',
        'b"',
    ]


def test_a_header_alone_is_a_table_without_rows():
    assert len(table(Source("t.csv", b"id,mark,name\n"), KINDS)) == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,mark,name\n1,2,a\nabc,3,b\n", "t.csv, line 3, column id: expected a whole number (got 'abc')"),
        (b"id,mark,name\n1,2,a\n,3,b\n", "t.csv, line 3, column id: expected a whole number (got '')"),
        (
            b"id,mark,name\n99999999999999999999,3,b\n",
            "t.csv, line 2, column id: expected a whole number (got '99999999999999999999')",
        ),
        (
            b'id,mark,name\n1,2,"a\nb"\n\n2,good,c\n',
            "t.csv, line 5, column mark: expected a number (got 'good')",
        ),
        (b"id,mark,name\n1,2,a\n1,2\n", "t.csv, line 3: expected 3 fields (got '2')"),
        (b"id,mark,name\n1,2,a,b\n", "t.csv, line 2: expected 3 fields (got '4')"),
        (b"id,name\n1,a\n", "t.csv, line 1: expected the column 'mark' (got 'id, name')"),
        (
            b"id,id,mark,name\n1,1,2,a\n",
            "t.csv, line 1: expected each column once, but 'id' is there 2 times",
        ),
    ],
)
def test_a_malformed_table_is_named_by_line_and_column(data, said):
    assert complaint(table, Source("t.csv", data), KINDS) == said


def test_a_failed_requirement_names_the_first_row_that_fails_it():
    source = Source("t.csv", b"id,mark,name\n\n1,2,a\n2,9,b\n3,9,c\n")
    said = complaint(require, source, table(source, KINDS)["mark"] < 5, "mark", "a mark below 5")
    assert said == "t.csv, line 4, column mark: expected a mark below 5 (got '9')"


def test_whole_numbers_written_as_floats_are_whole_numbers_in_any_block(tmp_path, monkeypatch):
    huge = 2**62 + 1  # no float holds it
    lines = ["id,mark,name", *(f"{n},1,x" for n in range(60)), "60.0,1,x", "-3.000,1,x", f" {huge} ,1,x"]
    path = file(tmp_path, "\n".join(lines).encode())
    whole = table(open_source(path), KINDS)
    assert list(whole["id"]) == [*range(61), -3, huge] and whole["id"].dtype == np.int64
    monkeypatch.setattr(files, "BLOCK", 32)
    assert table(open_source(path), KINDS).equals(whole)
    for odd in ("7.5", "1e3", ".0", "7.0.0", "1_0.0", f"{2**63}.0"):
        path.write_text("\n".join([*lines, f"{odd},1,x"]))
        assert (
            complaint(table, open_source(path), KINDS)
            == f"t.csv, line 65, column id: expected a whole number (got '{odd}')"
        )


def test_rows_of_another_length_are_left_out_where_that_is_asked():
    source, left = Source("t.csv", b"id,mark,name\n1.0,2,a\n2,3\n3,4,b,c\n4,5,d\n"), ["from before"]
    assert list(table(source, KINDS, ",", left)["id"]) == [1, 4] and left == ["2,3", "3,4,b,c"]


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    os.mkfifo(tmp_path / "all.zip")
    assert complaint(open_source, tmp_path / "t.csv").endswith("t.csv: expected a regular file")
    there = files_at(tmp_path)
    assert not there.places and there.lying == ("t.csv", "all.zip")
    assert complaint(there.open, "t.csv").endswith(
        "expected a regular file"
    ) and "found 't.csv', 'all.zip'" in complaint(there.open, "u.csv")


def test_plain_files_come_before_gzip_and_gzip_before_zips(tmp_path):
    for name, there in (
        ("c.csv", b"plain"),
        ("c.csv.gz", gzip.compress(b"gz")),
        ("b.csv.gz", gzip.compress(b"gz")),
    ):
        file(tmp_path, there, name)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("a.csv", "b.csv", "c.csv", "._a.csv", "in/a.csv"):
            archive.writestr(name, name)
    (tmp_path / ".hidden.csv").write_text("no")
    there = files_at(tmp_path)
    assert [there.open(name).data for name in there.named("*.csv")] == [b"a.csv", b"gz", b"plain"]
    assert files_at(tmp_path / "all.zip").named("*") == ["a.csv", "b.csv", "c.csv"]


def test_every_reader_recognises_what_it_can_open(tmp_path):
    for reader, name in ((kgat, "kg_final.txt"), (recbole, "x.inter"), (kaggle, "rating.csv")):
        folder = tmp_path / name
        for packed in ("", ".gz", ".zip"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
                archive.writestr(f"deep/{name}", "1")
            if packed != ".zip":
                (folder / f"{name}.zip").rename(folder / f"{name}{packed}")
            recognised = [other for other in (kgat, recbole, kaggle) if other.recognises(folder)]
            assert recognised == [reader]
        assert reader.recognises(folder / f"{name}.zip")
        (folder / f"{name}.zip").write_bytes(b"PK\x03\x04 cut off")
        assert not reader.recognises(folder) and not reader.recognises(tmp_path / "nowhere")
        with pytest.raises(InputError, match="expected a complete zip file"):
            load(folder, DataConfig())


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \r\n\n"])
def test_an_empty_file_is_refused(tmp_path, data):
    assert complaint(open_source, file(tmp_path, data)) == "t.csv: expected data, found an empty file"


def test_a_wrong_encoding_names_line_and_byte(tmp_path):
    said = complaint(open_source, file(tmp_path, "id\n1\nPokémon\n".encode("latin-1")))
    assert said == "t.csv, line 3: expected UTF-8 text (got byte 0xe9 at position 8)"


def test_a_missing_file_and_a_folder_in_its_place_are_refused(tmp_path):
    assert complaint(open_source, tmp_path / "t.csv").endswith("t.csv: expected a file, found none")
    assert "expected a readable file (Is a directory)" in complaint(open_source, tmp_path)


def test_gzip_is_read_and_a_truncated_one_refused(tmp_path):
    whole = gzip.compress(b"id\n1\n" * 100)
    assert open_source(file(tmp_path, whole, "t.csv.gz")).data == b"id\n1\n" * 100
    for damaged in (whole[:-12], b"no gzip"):
        assert (
            complaint(open_source, file(tmp_path, damaged, "t.csv.gz"))
            == "t.csv.gz: expected a complete gzip file (it is truncated or damaged)"
        )


def test_a_zip_member_is_read_in_place_and_a_truncated_zip_refused(tmp_path):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("deep/er/t.csv", "no")
        opened.writestr("../t.csv", "id\n1\n")
    source = open_member(archive, "t.csv")
    assert source == Source("all.zip/t.csv", b"id\n1\n")
    assert open_member(archive, "other.csv") is None
    assert [path.name for path in tmp_path.rglob("*")] == ["all.zip"]
    archive.write_bytes(archive.read_bytes()[:-30])
    assert (
        complaint(open_member, archive, "t.csv")
        == "all.zip: expected a complete zip file (it is truncated or damaged)"
    )


def test_whole_numbers_come_with_their_lines():
    values, lines = whole_numbers(Source("t.txt", b"0 7\r\n\n12\t3 \n5"))
    assert list(values) == [0, 7, 12, 3, 5] and list(lines) == [1, 1, 3, 3, 4]


@pytest.mark.parametrize("word", ["x1", "-2", "1.5", "9999999999999999999"])
def test_anything_but_whole_numbers_is_named(word):
    assert (
        complaint(whole_numbers, Source("t.txt", f"1 2\n3 {word} 4\n".encode()))
        == f"t.txt, line 2: expected whole numbers >= 0 (got '{word}')"
    )


def long_table(tmp_path: Path, name: str = "t.csv") -> Path:
    """500 rows with quotes, line breaks inside quotes, blank lines and letters of two to four bytes; several
    small blocks.
    """
    rows = [f'{n},{n / 2},"é{n}, 𝄞\n→"\r\n' + ("\r\n" if n % 7 == 0 else "") for n in range(500)]
    data = b"\xef\xbb\xbf" + ("id,mark,name\r\n" + "".join(rows)).encode()
    return file(tmp_path, gzip.compress(data) if name.endswith(".gz") else data, name)


@pytest.mark.parametrize("block", [64, 65, 67, 71, 1000])
def test_small_blocks_give_the_same_table_plain_zipped_and_gzipped(tmp_path, monkeypatch, block):
    whole = table(open_source(long_table(tmp_path)), KINDS)
    assert len(whole) == 500 and whole["name"][499] == "é499, 𝄞\n→"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "t.csv", "in/t.csv")
    monkeypatch.setattr(files, "BLOCK", block)
    for source in (
        open_source(tmp_path / "t.csv"),
        open_source(long_table(tmp_path, "t.csv.gz")),
        open_member(tmp_path / "all.zip", "t.csv"),
    ):
        assert source is not None and not isinstance(source.content, bytes)  # not kept in memory
        assert table(source, KINDS).equals(whole)
        parts = list(blocks(source, KINDS))
        assert len(parts) > 10 and [before for before, _ in parts] == [
            0,
            *np.cumsum([len(part) for _, part in parts])[:-1],
        ]


@pytest.mark.parametrize("row", [1, 2, 3, 4, 5, 6, 7, 8, 250, 499])  # first, last and inner rows of blocks
def test_an_error_far_down_names_its_line_whatever_the_blocks(tmp_path, monkeypatch, row):
    lines = ["id,mark,name", *(f"{n},1,x{n % 10}" for n in range(500))]
    lines[row] = "bad,1,x"
    path = file(tmp_path, "\n".join(lines).encode())
    monkeypatch.setattr(files, "BLOCK", 32)
    assert (
        complaint(table, open_source(path), KINDS)
        == f"t.csv, line {row + 1}, column id: expected a whole number (got 'bad')"
    )
    lines[row] = ",1,x"
    assert complaint(table, open_source(file(tmp_path, "\n".join(lines).encode())), KINDS).startswith(
        f"t.csv, line {row + 1}, column id: "
    )
    lines[row] = "7777,1,x"
    source = open_source(file(tmp_path, "\n".join(lines).encode()))

    def checked() -> None:
        for before, part in blocks(source, KINDS):
            require(source, part["id"] < 1000, "id", "a small id", before=before)

    assert complaint(checked) == f"t.csv, line {row + 1}, column id: expected a small id (got '7777')"


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_a_character_cut_by_a_block_is_whole_and_a_wrong_byte_is_found(tmp_path, monkeypatch, block):
    monkeypatch.setattr(files, "BLOCK", block)
    assert open_source(file(tmp_path, "a\né→𝄞\n".encode())).data.decode() == "a\né→𝄞\n"
    # The last two: a character that the file's end cuts
    for good, bad in (("a\né→", b"\xff"), ("𝄞\n\n", b"\xe2\x86"), ("", b"\xf0\x9d\x84")):
        said = complaint(open_source, file(tmp_path, good.encode() + bad))
        line, at = good.count("\n") + 1, len(good.encode())
        assert said == f"t.csv, line {line}: expected UTF-8 text (got byte 0x{bad[0]:02x} at position {at})"


def test_more_bytes_than_allowed_are_refused_before_they_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    monkeypatch.setattr(files, "BLOCK", 100)
    assert len(open_source(file(tmp_path, b"1" * 1000)).data) == 1000
    bomb = file(tmp_path, gzip.compress(b"1" * 100_000), "t.csv.gz")
    assert complaint(open_source, bomb) == "t.csv.gz: expected at most 1,000 bytes"


def test_whole_numbers_in_small_blocks_are_the_same_and_keep_their_lines(tmp_path, monkeypatch):
    text = (
        "".join(" ".join(map(str, range(n % 6))) + ("\n\n" if n % 4 else "\r\n") for n in range(200))
        + "12345"
    )
    values, lines = whole_numbers(Source("t.txt", text.encode()))
    monkeypatch.setattr(files, "BLOCK", 7)
    again = whole_numbers(open_source(file(tmp_path, text.encode(), "t.txt")))
    assert np.array_equal(again[0], values) and np.array_equal(again[1], lines)
    said = complaint(whole_numbers, open_source(file(tmp_path, (text + "\nx9").encode(), "t.txt")))
    assert said == f"t.txt, line {text.count(chr(10)) + 2}: expected whole numbers >= 0 (got 'x9')"
