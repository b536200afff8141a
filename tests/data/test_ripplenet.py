"""Folders of RippleNet, KGCN and MKR: damaged ones, and what leads from their items to entities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers.load import load
from dskreg.errors import InputError
from tests.known_sets.graphs import kgcn_music, ripplenet_final, ripplenet_movie
from tests.known_sets.world import Files, Shape, lay


def read(folder: Path, shape: Shape, **changes: bytes | None) -> Dataset:
    """The folder with some files changed, or without those that are None (`__` stands for a dot)."""
    changed = {name.replace("__", "."): content for name, content in changes.items()}
    files: Files = {name: content for name, content in (shape.files | changed).items() if content is not None}
    return load(lay(replace(shape, files=files), folder), DataConfig())


def test_triples_lead_from_items_by_the_index(tmp_path):
    data = read(tmp_path / "x", kgcn_music(), kg__txt=b"300\tby\t302\n301\tby\ta b\n300\tby\t9\na b\tof\t9\n")
    ids = data.items["item_id"].tolist()
    found = {
        (ids[head], data.relations[relation], data.entities[tail])
        for head, relation, tail in zip(data.head, data.relation, data.tail, strict=True)
    }
    assert found == {(51, "by", "item 53"), (52, "by", "a b"), (51, "by", "entity 9")}
    assert "kg.txt: 1 triple without an item at either end: not used" in data.notes


def test_a_table_of_items_gives_names_and_further_relations(tmp_path):
    data = read(
        tmp_path / "x", ripplenet_movie(), movies__dat=b"1::Ran (1985)::Drama\n2::Ikiru (1952)::Drama\n"
    )
    assert data.items["title"].tolist()[:3] == ["Ran (1985)", "Ikiru (1952)", "item 3"]
    assert data.relations == ("genre", "film.director", "film.genre")
    assert "item_index2entity_id_rehashed.txt: 9 of 10 items have an entity in the triples" in data.notes
    assert not any("kg_part2" in note and "not read" in note for note in data.notes)
    bare = read(tmp_path / "y", kgcn_music(), kg__txt=None)
    told = "item_index2entity_id.txt is not used: there is no table of triples beside it, such as kg.txt"
    assert bare.relations == () and told in bare.notes


def test_ratings_of_unknown_columns_and_settings_keep_the_triples(tmp_path):
    name, shape = "user_artists.dat", kgcn_music()
    ratings = shape.files[name].replace(b"userID\tartistID\tweight", b"who\twhat\thow")
    folder = lay(replace(shape, files=shape.files | {name: ratings}), tmp_path / "x")
    data = load(folder, DataConfig(), "who=user,what=item,how=rating")
    assert len(data.relations) == 2 and 0 < data.liked.sum() < 48
    told = read(tmp_path / "y", kgcn_music(), dataset__toml=b'rating = "weight"\nthreshold = 41\n')
    assert told.relations == data.relations and sorted(set(told.item[told.liked])) == list(range(4, 10))


def test_sampled_negatives_are_no_interactions(tmp_path):
    data = read(tmp_path / "x", ripplenet_final(), ratings_final__txt=b"0\t0\t1\n0\t0\t1\n1\t3\t0\n1\t2\t1\n")
    assert data.user.tolist() == [0, 1] and data.item.tolist() == [0, 2] and data.liked.all()
    assert data.items["item_id"].tolist() == list(range(260, 270))
    told = "1 row of ratings_final.txt with the label 0 (sampled negatives, no interactions): dropped"
    assert {told, "1 row of ratings_final.txt repeated: dropped"} <= set(data.notes)
    bare = read(tmp_path / "y", ripplenet_final(), item_index2entity_id__txt=None)
    assert bare.items["item_id"].tolist() == list(range(10)) and bare.numbered


@pytest.mark.parametrize(
    ("shape", "name", "content", "told"),
    [
        (
            ripplenet_final,
            "ratings_final.txt",
            b"0\t1\t1\n0\t2\t3\n",
            "line 2: expected a label 0 or 1 (got '3')",
        ),
        (
            ripplenet_final,
            "ratings_final.txt",
            b"0\t1\n",
            "line 1: expected three numbers: user, item, label",
        ),
        (ripplenet_final, "ratings_final.txt", b"0\t99999999\t1\n", "line 1: expected items numbered from 0"),
        (ripplenet_final, "kg_final.txt", None, "expected kg_final.txt (or kg_final.txt.gz"),
        (kgcn_music, "kg.txt", b"1\t2\t3\n1\t2\n", "kg.txt, line 2: expected 3 fields (got '2')"),
        (kgcn_music, "item_index2entity_id.txt", b"51\n", "line 1: expected an item and its entity"),
        (
            kgcn_music,
            "user_artists.dat",
            None,
            "kg.txt seems to be a table of triples (head, relation, tail)",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_named_in_one_line(tmp_path, shape, name, content, told):
    with pytest.raises(InputError) as caught:
        read(tmp_path / "x", shape(), **{name.replace(".", "__"): content})
    assert told in str(caught.value) and "\n" not in str(caught.value)
