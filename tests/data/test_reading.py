"""Tables and number lists: what is read, and the one line that says what is wrong and where."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dskreg.data.reading import Source, open_member, open_source, require, table, whole_numbers
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
    frame = table(open_source(file(tmp_path, b'\xef\xbb\xbfname,id,mark,more\r\n"a, ""b""\nc",1,,x\r\n\r\nd,2,3.5,y\r\n')), KINDS)
    assert list(frame) == ["id", "mark", "name"]
    assert list(frame["id"]) == [1, 2] and list(frame["name"]) == ['a, "b"\nc', "d"]
    assert np.isnan(frame["mark"][0]) and frame["mark"][1] == 3.5


def test_a_tab_separated_table_has_no_quotes():
    assert list(table(Source("t.inter", b'id\tname\n1\t"a\n2\tb"\n'), {"name": "text"}, "\t")["name"]) == ['"a', 'b"']


def test_a_header_alone_is_a_table_without_rows():
    assert len(table(Source("t.csv", b"id,mark,name\n"), KINDS)) == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,mark,name\n1,2,a\nabc,3,b\n", "t.csv, line 3, column id: expected a whole number (got 'abc')"),
        (b"id,mark,name\n1,2,a\n,3,b\n", "t.csv, line 3, column id: expected a whole number (got '')"),
        (b"id,mark,name\n99999999999999999999,3,b\n", "t.csv, line 2, column id: expected a whole number (got '99999999999999999999')"),
        (b'id,mark,name\n1,2,"a\nb"\n\n2,good,c\n', "t.csv, line 5, column mark: expected a number (got 'good')"),
        (b"id,mark,name\n1,2,a\n1,2\n", "t.csv, line 3: expected 3 fields (got '2')"),
        (b"id,mark,name\n1,2,a,b\n", "t.csv, line 2: expected 3 fields (got '4')"),
        (b"id,name\n1,a\n", "t.csv, line 1: expected the column 'mark' (got 'id, name')"),
        (b"id,id,mark,name\n1,1,2,a\n", "t.csv, line 1: expected each column once, but 'id' is there 2 times"),
    ],
)
def test_a_malformed_table_is_named_by_line_and_column(data, said):
    assert complaint(table, Source("t.csv", data), KINDS) == said


def test_a_failed_requirement_names_the_first_row_that_fails_it():
    source = Source("t.csv", b"id,mark,name\n\n1,2,a\n2,9,b\n3,9,c\n")
    said = complaint(require, source, table(source, KINDS)["mark"] < 5, "mark", "a mark below 5")
    assert said == "t.csv, line 4, column mark: expected a mark below 5 (got '9')"


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
        assert complaint(open_source, file(tmp_path, damaged, "t.csv.gz")) == "t.csv.gz: expected a complete gzip file (it is truncated or damaged)"


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
    assert complaint(open_member, archive, "t.csv") == "all.zip: expected a complete zip file (it is truncated or damaged)"


def test_whole_numbers_come_with_their_lines():
    values, lines = whole_numbers(Source("t.txt", b"0 7\r\n\n12\t3 \n5"))
    assert list(values) == [0, 7, 12, 3, 5] and list(lines) == [1, 1, 3, 3, 4]


@pytest.mark.parametrize("word", ["x1", "-2", "1.5", "9999999999999999999"])
def test_anything_but_whole_numbers_is_named(word):
    assert complaint(whole_numbers, Source("t.txt", f"1 2\n3 {word} 4\n".encode())) == f"t.txt, line 2: expected whole numbers >= 0 (got '{word}')"
