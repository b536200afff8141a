"""The train/test/kg_final reader on four items and three entities, and on the paper's files where they "
"are."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import TEST, UNASSIGNED
from dskreg.data.readers.kgat import read
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data"


def world(folder: Path, **files: str) -> Path:
    given = {
        "train": "0 0 1 2\n2 3\n",
        "test": "0 3\n2 \n7 1\n",
        "kg_final": "0 0 4\n1 0 4\n5 1 2\n",
        **files,
    }
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
    assert rows == [
        (0, 0, UNASSIGNED),
        (0, 1, UNASSIGNED),
        (0, 2, UNASSIGNED),
        (0, 3, TEST),
        (2, 3, UNASSIGNED),
        (7, 1, TEST),
    ]
    assert (
        list(data.user_ids) == [0, 2, 7]
        and list(data.items["title"]) == ["item 0", "item 1", "item 2", "item 3"]
        and data.liked.all()
    )


def test_a_pair_in_both_files_stays_a_training_pair_and_repeats_are_counted(tmp_path):
    data = read(world(tmp_path, test="0 1\n2 2 2\n", train="0 0 1 2\n2 3\n0 1\n"))
    assert data.notes == (
        "1 pair in several of train.txt, test.txt: kept in the first",
        "2 pairs repeated within a file: dropped",
    )
    assert len(data.user) == 5 and data.fold[(data.user == 0) & (data.item == 1)] == [UNASSIGNED]


def test_triples_are_turned_towards_the_items(tmp_path):
    lines = "0 0 4\n5 0 2\n0 1 3\n4 0 5\n2 1 2\n0 0 4\n"
    data = read(world(tmp_path, kg_final=lines, relation_list="org_id remap_id\nmusic.artist.origin 0\n"))
    triples = {
        (int(h), data.relations[r], str(data.entities[t]))
        for h, r, t in zip(data.head, data.relation, data.tail, strict=True)
    }
    assert triples == {
        (0, "music.artist.origin", "entity 4"),
        (2, "music.artist.origin (inverse)", "entity 5"),
        (0, "relation 1", "item 3"),
    }
    assert data.entity_item[list(data.entities).index("item 3")] == 3 and (data.entity_item >= 0).sum() == 1
    assert data.notes == (
        "1 triple without an item at either end: not used",
        "1 triple from an item to itself: dropped",
        "1 triple repeated: dropped",
    )


def test_relations_of_one_name_are_distinguished(tmp_path):
    names = "org_id\tremap_id\nsame\t0\nsame\t1\nco-liked\t2\n"
    assert read(world(tmp_path, kg_final="0 0 4\n1 1 4\n1 2 5\n", relation_list=names)).relations == (
        "same [0]",
        "same [1]",
        "co-liked",
    )


def test_satori_id_of_the_item_list_gives_the_item_count(tmp_path):
    world(
        tmp_path,
        item_list="org_id\tremap_id\tsatori_id\n" + "".join(f"x{n}\t{n + 1}\t{n}\n" for n in range(5)),
        kg_final="4 0 5\n",
    )
    data = read(tmp_path)
    assert len(data.items) == 5 and "1 item in no interaction: kept" in data.notes and list(data.head) == [4]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"train": "0 1\n1 x\n"}, "train.txt, line 2: expected whole numbers >= 0 (got 'x')"),
        ({"train": "0 1\n1 -3\n"}, "train.txt, line 2: expected whole numbers >= 0 (got '-3')"),
        ({"train": ""}, "train.txt: expected data, found an empty file"),
        (
            {"kg_final": "0 0 4\n\n1 0\n"},
            "kg_final.txt, line 3: expected three numbers: head, relation, tail (got '2 numbers')",
        ),
    ],
)
def test_malformed_files_are_named(tmp_path, files, said):
    assert complaint(world(tmp_path, **files)) == said


def test_a_missing_file_and_a_wrong_encoding_are_named(tmp_path):
    (world(tmp_path) / "test.txt").write_bytes(b"0 1\n\xff\n")
    assert complaint(tmp_path) == "test.txt, line 2: expected UTF-8 text (got byte 0xff at position 4)"
    (tmp_path / "test.txt").unlink()
    said = (
        "expected test.txt (or test.txt.gz, or a zip that holds test.txt), found 'train.txt', 'kg_final.txt'"
    )
    assert complaint(tmp_path) == f"{tmp_path}: {said}"
    with pytest.raises(InputError, match=r"found 'train\.txt'"):
        load(tmp_path, DataConfig())


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "item_list",
            "org_id remap_id\na 0\nb 1\n",
            "2 items without an original id in item_list.txt: called by number",
        ),
        (
            "item_list",
            "org_id remap_id\na 0\nb 9\n",
            "1 row of item_list.txt with a number beyond those of the interactions, after a gap: not used",
        ),
        (
            "item_list",
            "org_id remap_id\na 0\nb\n",
            "1 row of item_list.txt not read: item_list.txt, line 3: expected 2 fields (got '1')",
        ),
        (
            "item_list",
            "id\n0\n",
            "item_list.txt is not used: item_list.txt, line 1: expected a name and a column satori_id or "
            "remap_id (got 'id')",
        ),
        ("item_list", "", "item_list.txt is not used: item_list.txt: expected data, found an empty file"),
        (
            "item_list",
            "org_id remap_id\na 1.5\n",
            "column remap_id: expected a whole number >= 0 (got '1.5')",
        ),
        ("user_list", "org_id remap_id\na x\n", "column remap_id: expected a whole number >= 0 (got 'x')"),
        (
            "relation_list",
            "org_id remap_id\na x\n",
            "relation_list.txt, line 2, column remap_id: expected a whole number >= 0 (got 'x')",
        ),
        (
            "entity_list",
            "org_id remap_id\na\t1\tb\tc\tx\n",
            "entity_list.txt, line 2, column remap_id: expected a whole number >= 0 (got 'x')",
        ),
    ],
)
def test_an_optional_file_stops_nothing(tmp_path, file, content, said):
    data = read(world(tmp_path, **{file: content}))
    assert len(data.items) == 4 and [note for note in data.notes if said in note]
    (tmp_path / f"{file}.txt").write_bytes(b"\xff")
    assert any(note.startswith(f"{file}.txt is not used: ") for note in read(tmp_path).notes)


def test_a_folder_in_the_place_of_an_optional_file_stops_nothing(tmp_path):
    (world(tmp_path) / "item_list.txt").mkdir()
    assert any(note.startswith("item_list.txt is not used: ") for note in read(tmp_path).notes)


def test_original_ids_of_whole_numbers_are_numbers_and_others_text(tmp_path):
    listed = "org_id\tremap_id\tsatori_id\n" + "".join(f"{10 * n}\t{n + 1}\t{n}\n" for n in (3, 2, 1, 0))
    data = read(
        world(tmp_path, item_list=listed, user_list="org_id remap_id\nann 0\nbob 2.0\neve 7\nnobody 9\n")
    )
    assert data.items["item_id"].tolist() == [0, 10, 20, 30] and data.items["item_id"].dtype == np.int64
    assert list(data.items["title"]) == ["item 0", "item 10", "item 20", "item 30"] and list(
        data.user_ids
    ) == ["ann", "bob", "eve"]
    assert not any("list" in note for note in data.notes)


def test_a_whole_uri_is_shown_by_its_last_part_and_found_by_the_whole(tmp_path):
    names = ["http://a.org/ns/Heat", "<http://b.org/Heat>", "http://a.org/n#Am%C3%A9lie", "http://a.org/12"]
    lists = {
        "item_list": "org_id remap_id\n" + "".join(f"{name} {n}\n" for n, name in enumerate(names)),
        "entity_list": "org_id remap_id\nhttp://a.org/resource/Michael_Mann 4\nm.0x 5\n",
        "relation_list": "org_id remap_id\nhttp://a.org/directed-by 0\nhttp://b.org/directed-by 1\n",
        "user_list": "org_id remap_id\nA1 USER 0\nA2USER 2\nA3USER 7\n",
    }
    data = read(world(tmp_path, **lists))
    assert list(data.items["item_id"]) == names
    assert list(data.items["title"]) == [f"Heat ({names[0]})", f"Heat ({names[1]})", "Am\u00e9lie", "item 12"]
    assert set(data.entities) == {"Michael_Mann", "m.0x"}
    assert list(data.relations) == ["directed-by", "directed-by (inverse)"]
    assert list(data.user_ids) == ["A1 USER", "A2USER", "A3USER"]


def test_original_ids_that_are_shared_or_blank_leave_the_number(tmp_path):
    data = read(world(tmp_path, item_list="org_id\tremap_id\nsame\t0\nsame\t1\n\t2\nown\t3\n"))
    assert list(data.items["item_id"]) == ["0", "1", "2", "own"] and list(data.items["title"]) == [
        "same (0)",
        "same (1)",
        "item 2",
        "own",
    ]
    assert "1 item without an original id in item_list.txt: called by number" in data.notes
    assert "2 items with the original id of another one in item_list.txt: called by number" in data.notes
    data = read(world(tmp_path, item_list="org_id\tremap_id\n2\t0\n1\t1\n\t2\n7\t3\n"))
    assert list(data.items["item_id"]) == [0, 1, 2, 3] and any(
        "all are called by number" in note for note in data.notes
    )


def test_the_folds_do_not_depend_on_the_original_ids(tmp_path):
    train = "".join(f"{u} {' '.join(str(i) for i in range(20) if (u * i) % 7 != 3)}\n" for u in range(9))
    config = DataConfig(core=1)
    plain = split(read(world(tmp_path, train=train)), config)
    items = "org_id\tremap_id\n" + "".join(f"{(7 * n) % 20}x\t{n}\n" for n in range(20))
    users = "org_id\tremap_id\n" + "".join(f"{99 - u}\t{u}\n" for u in range(9))
    named = split(read(world(tmp_path, train=train, item_list=items, user_list=users)), config)
    assert (
        list(named.user_ids[:2]) == [99, 98]
        and named.items["item_id"][1] == "7x"
        and np.array_equal(named.fold, plain.fold)
    )


@pytest.mark.parametrize("packed", ["gz", "zip each", "one zip", "the zip itself"])
def test_gzip_and_zips_give_the_same(tmp_path, packed):
    plain = read(world(tmp_path, item_list="org_id remap_id\na 0\nb 1\nc 2\nd 3\n"))
    folder = tmp_path / "packed"
    folder.mkdir()
    for path in list(tmp_path.glob("*.txt")):
        if packed == "gz":
            (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        else:
            with zipfile.ZipFile(
                folder / (f"{path.name}.zip" if packed == "zip each" else "all.zip"), "a"
            ) as archive:
                archive.writestr(f"in/{path.name}", path.read_bytes())
                archive.writestr(f"__MACOSX/._{path.name}", b"\x00")
    data = load(folder / "all.zip" if packed == "the zip itself" else folder, DataConfig())
    assert (
        data.items.equals(plain.items)
        and data.notes == plain.notes
        and np.array_equal(data.head, plain.head)
        and len(data.user) == 6
    )


@pytest.mark.parametrize(
    ("name", "users", "items", "train", "test", "test_users"),
    [
        ("dskreg-lastfm", 1_872, 3_846, 17_700, 3_473, 1_815),
        ("dskreg-book", 17_860, 14_967, 68_357, 1_516, 497),
    ],
)
def test_the_papers_files_have_the_documented_counts(name, users, items, train, test, test_users):
    if not (REAL / name).is_dir():
        pytest.skip(f"the paper's files are not at {REAL / name}")
    data = load(REAL / name, DataConfig())
    assert data.shape == (users, items)
    assert ((data.fold == UNASSIGNED).sum(), (data.fold == TEST).sum()) == (train, test)
    assert len(np.unique(data.user[data.fold == TEST])) == test_users
    if name == "dskreg-lastfm":
        copies = 175 + 27 + 72 + 5 + 1
        assert (
            "49 triples from an item to itself: dropped" in data.notes
            and len(data.head) == 15_518 - 49 - copies
        )
        assert data.items["item_id"].tolist()[:4] == [2, 3, 4, 6]
        assert "music.artist.origin" in data.relations
    else:
        assert "116,390 triples without an item at either end: not used" in data.notes
        copies = 15_019 + 211 + 3 + 1  # of relations and their inverses
        assert len(data.head) == 151_500 - 116_390 - copies + 1 and data.items["item_id"][0] == "0002005018"


def test_a_list_with_a_gap_does_not_say_how_many_items_there_are(tmp_path):
    data = read(
        world(tmp_path, item_list="org_id remap_id\n" + "".join(f"x{n} {n}\n" for n in (0, 1, 2, 3, 5, 6)))
    )
    assert (
        len(data.items) == 4
        and "2 rows of item_list.txt with a number beyond those of the interactions, after a gap: not used"
        in data.notes
    )
    assert (
        len(
            read(
                world(tmp_path, item_list="org_id remap_id\n" + "".join(f"x{n} {n}\n" for n in range(6)))
            ).items
        )
        == 6
    )


def test_users_without_any_item_are_refused(tmp_path):
    for name, content in {"train.txt": "0\n", "test.txt": "1\n", "kg_final.txt": "0 0 1\n"}.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "item_list.txt").write_text("org_id remap_id\nx 5\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value) == "train.txt, test.txt: expected at least one item, found none"
