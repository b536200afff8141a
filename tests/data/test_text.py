"""The train/test/kg_final reader on four items and three entities, and on the paper's files where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import TEST, UNASSIGNED
from dskreg.data.load import load
from dskreg.data.text import read
from dskreg.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data"


def world(folder: Path, **files: str) -> Path:
    given = {"train": "0 0 1 2\n2 3\n", "test": "0 3\n2 \n7 1\n", "kg_final": "0 0 4\n1 0 4\n5 1 2\n", **files}
    for name, text in given.items():
        (folder / f"{name}.txt").write_text(text, "utf-8")
    return folder


def complaint(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lines_become_pairs_and_the_test_split_is_kept(tmp_path):
    data = read(world(tmp_path))
    rows = sorted(zip(data.user_ids[data.user].tolist(), data.item.tolist(), data.fold.tolist(), strict=True))
    assert rows == [(0, 0, UNASSIGNED), (0, 1, UNASSIGNED), (0, 2, UNASSIGNED), (0, 3, TEST), (2, 3, UNASSIGNED), (7, 1, TEST)]
    assert list(data.user_ids) == [0, 2, 7] and list(data.items["title"]) == ["item 0", "item 1", "item 2", "item 3"] and data.liked.all()


def test_a_pair_in_both_files_stays_a_training_pair_and_repeats_are_counted(tmp_path):
    data = read(world(tmp_path, test="0 1\n2 2 2\n", train="0 0 1 2\n2 3\n0 1\n"))
    assert data.notes == ("1 pairs in both train.txt and test.txt: kept as training pairs", "2 pairs repeated within a file: dropped")
    assert len(data.user) == 5 and data.fold[(data.user == 0) & (data.item == 1)] == [UNASSIGNED]


def test_triples_are_turned_towards_the_items(tmp_path):
    lines = "0 0 4\n5 0 2\n0 1 3\n4 0 5\n2 1 2\n0 0 4\n"
    data = read(world(tmp_path, kg_final=lines, relation_list="org_id remap_id\nmusic.artist.origin 0\n"))
    triples = {(int(h), data.relations[r], str(data.entities[t])) for h, r, t in zip(data.head, data.relation, data.tail, strict=True)}
    assert triples == {(0, "music.artist.origin", "entity 4"), (2, "music.artist.origin (inverse)", "entity 5"), (0, "relation 1", "item 3")}
    assert data.entity_item[list(data.entities).index("item 3")] == 3 and (data.entity_item >= 0).sum() == 1
    assert data.notes == ("1 triples without a title at either end: not used", "1 triples from a title to itself: dropped", "1 triples repeated: dropped")


def test_relations_of_one_name_are_told_apart(tmp_path):
    names = "org_id\tremap_id\nsame\t0\nsame\t1\nco-liked\t2\n"
    assert read(world(tmp_path, kg_final="0 0 4\n1 1 4\n1 2 5\n", relation_list=names)).relations == ("same [0]", "same [1]", "co-liked [2]")


def test_satori_id_of_the_item_list_gives_the_item_count(tmp_path):
    world(tmp_path, item_list="org_id\tremap_id\tsatori_id\n" + "".join(f"x{n}\t{n + 1}\t{n}\n" for n in range(5)), kg_final="4 0 5\n")
    data = read(tmp_path)
    assert len(data.items) == 5 and "1 items in no interaction: kept" in data.notes and list(data.head) == [4]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"train": "0 1\n1 x\n"}, "train.txt, line 2: expected whole numbers >= 0 (got 'x')"),
        ({"train": "0 1\n1 -3\n"}, "train.txt, line 2: expected whole numbers >= 0 (got '-3')"),
        ({"train": ""}, "train.txt: expected data, found an empty file"),
        ({"kg_final": "0 0 4\n\n1 0\n"}, "kg_final.txt, line 3: expected three numbers: head, relation, tail (got '2 numbers')"),
        ({"item_list": "org_id remap_id\na 0\nb 1\n"}, "train.txt, line 1: expected an item below 2, the number of items in item_list.txt (got '2')"),
        ({"item_list": "org_id remap_id\na 0\nb 2\n"}, "item_list.txt, column remap_id: expected the ids 0 to 1 without a gap (got 'no 1')"),
        ({"item_list": "org_id remap_id\na 0\nb\n"}, "item_list.txt, line 3: expected 2 fields (got '1')"),
        ({"item_list": "id\n0\n"}, "item_list.txt, line 1: expected a column satori_id or remap_id (got 'id')"),
        ({"relation_list": "org_id remap_id\na x\n"}, "relation_list.txt, line 2, column remap_id: expected a whole number >= 0 (got 'x')"),
    ],
)
def test_malformed_files_are_named(tmp_path, files, said):
    assert complaint(world(tmp_path, **files)) == said


def test_a_missing_file_and_a_wrong_encoding_are_named(tmp_path):
    (world(tmp_path) / "test.txt").write_bytes(b"0 1\n\xff\n")
    assert complaint(tmp_path) == "test.txt, line 2: expected UTF-8 text (got byte 0xff at position 4)"
    (tmp_path / "test.txt").unlink()
    assert complaint(tmp_path) == f"{tmp_path / 'test.txt'}: expected a file, found none"


@pytest.mark.parametrize(
    ("name", "users", "items", "train", "test", "test_users"),
    [("dskreg-lastfm", 1_872, 3_846, 17_700, 3_473, 1_815), ("dskreg-book", 17_860, 14_967, 68_357, 1_516, 497)],
)
def test_the_papers_files_have_the_documented_counts(name, users, items, train, test, test_users):
    if not (REAL / name).is_dir():
        pytest.skip(f"the paper's files are not at {REAL / name}")
    data = load(REAL / name, DataConfig())
    assert data.shape == (users, items)
    assert ((data.fold == UNASSIGNED).sum(), (data.fold == TEST).sum()) == (train, test)
    assert len(np.unique(data.user[data.fold == TEST])) == test_users
    if name == "dskreg-lastfm":
        assert "49 triples from a title to itself: dropped" in data.notes and len(data.head) == 15_518 - 49
        assert "music.artist.origin" in data.relations
    else:
        assert "116,390 triples without a title at either end: not used" in data.notes and len(data.head) == 151_500 - 116_390
