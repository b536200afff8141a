"""A table of triples beside plain tables: how it is recognised, and what becomes edges."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.data.readers.plain.graph import joined
from dskreg.data.readers.triples import triples_of_labels
from tests.data.test_plain import complaint, read, triples, world
from tests.data.test_plain_settings import dskreg

FILMS = {
    "ratings_csv": "user,item,rating\na,1,5\na,2,4\nb,3,5\n",
    "items_csv": "item,title,genre\n1,Jaws,Horror|Sea\n2,Heat,Crime\n3,Coco,Family\n",
}
KG = (
    "1,directed by,Spielberg\n2,directed by,Mann\nSpielberg,born in,Ohio\n1,genre,Sea\n1,genre,Fish\n"
    "2,sequel,1\n2,year,3\n1,directed by,Spielberg\n"
)
OWN = {(1, "genre", "Horror"), (1, "genre", "Sea"), (2, "genre", "Crime"), (3, "genre", "Family")}
EDGES = {
    *((1, "directed by", "Spielberg"), (2, "directed by", "Mann"), (1, "genre", "Fish")),
    *((2, "sequel", "Jaws"), (2, "year", "3")),
}
HEADS = {
    "kg_csv": ("head,relation,tail\n", ","),
    "facts_csv": ("subject,predicate,object\n", ","),
    "facts_tsv": ("h\tr\tt\n", "\t"),
    "links_csv": ("item,relation,entity\n", ","),  # the head is called as in the interactions
    "triples_tsv": ("", "\t"),  # no header
    "ml-kg_csv": ("", ","),
    "kg_txt": ("", "\t"),
}


@pytest.mark.parametrize("name", HEADS)
def test_recognised_by_columns_or_by_name(tmp_path: Path, name: str) -> None:
    head, mark = HEADS[name]
    data = read(world(tmp_path, **FILMS, **{name: head + KG.replace(",", mark)}))
    file = ".".join(name.rsplit("_", 1))
    assert triples(data) == OWN | EDGES
    assert data.relations == ("genre", "directed by", "sequel", "year")
    assert data.notes[0] == (
        f"plain tables: interactions in ratings.csv, items in items.csv, triples in {file}"
    )
    assert {
        f"{file}: 6 triples of 2 items, relations directed by, genre, sequel, year",
        f"{file}: 1 triple without an item at either end: not used",
        f"{file}: 1 triple repeated: dropped",
        f"1 triple of {file} between items",
    } <= set(data.notes)
    jaws = data.entities.tolist().index("Jaws")
    assert data.items["item_id"][data.entity_item[jaws]] == 1


def test_told_by_columns_and_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "film,link,thing,source\n" + "".join(f"{line},wiki\n" for line in KG.splitlines())
    folder = world(tmp_path, **FILMS, facts_csv=odd)
    assert triples(read(folder)) == OWN
    assert triples(read(folder, "film=head,link=relation,thing=tail")) == OWN | EDGES
    settings = folder / "dataset.toml"
    settings.write_text('triples = "facts.csv"\nhead = "film"\nrelation = "link"\ntail = "thing"\n')
    assert triples(read(folder)) == OWN | EDGES
    settings.unlink()
    assert dskreg("inspect", folder, "--write", "--columns", "film=head,link=relation,thing=tail") == 0
    assert "facts.csv: triples" in (told := capsys.readouterr().out) and "sequel from facts.csv" in told
    assert tomllib.loads(settings.read_text())["tail"] == "thing"
    assert triples(read(folder)) == OWN | EDGES
    settings.write_text('triples = "facts.csv"\n')
    assert complaint(folder) == (
        "dataset.toml: triples: no columns of head, relation and tail in facts.csv among film, link, thing, "
        "source"
    )
    settings.write_text('triples = "kg.csv"\n')
    assert "table 'kg.csv' that dataset.toml names as triples, found" in complaint(folder)
    (folder / "facts.csv").rename(folder / "kg.csv")
    (folder / "kg.csv").write_text("head,relation,tail\n1,by,Ann\n")
    settings.write_text('triples = ""\n')
    assert triples(read(folder)) == OWN


def test_what_links_no_item_is_told(tmp_path: Path) -> None:
    data = read(world(tmp_path, **FILMS, kg_csv="head,relation,tail\nm.01,film.genre,m.02\n,x,y\n"))
    assert triples(data) == OWN
    assert "kg.csv has no head or tail that is an item's id (for example 'm.01', items as '1')" in data.notes
    assert "1 row of kg.csv without head, relation or tail: dropped" in data.notes


def test_ids_of_text_and_addresses(tmp_path: Path) -> None:
    """A tail with an item's id of letters is that item; whole URIs are shown by their last part."""
    data = read(
        world(
            tmp_path,
            log_csv="user,asin\nu,B00A\nu,B00B\n",
            kg_csv="subject,predicate,object\nB00A,http://x.org/p/alsoBought,B00B\n"
            "B00A,http://x.org/p/by,<http://x.org/r/Sony>\nhttp://x.org/r/Shop,http://x.org/p/sells,B00B\n",
        )
    )
    assert triples(data) == {
        *(("B00A", "alsoBought", "item B00B"), ("B00A", "by", "Sony"), ("B00B", "sells (inverse)", "Shop")),
    }


def test_a_table_of_numbers_has_one_space_of_ids(tmp_path: Path) -> None:
    pd.DataFrame({"head": [1, 9, 2], "relation": [0, 0, 1], "tail": [9, 2, 3]}).to_parquet(
        world(tmp_path, ratings_csv=FILMS["ratings_csv"]) / "kg.parquet"
    )
    data = read(tmp_path)
    assert triples(data) == {
        *(
            (1, "relation 0", "entity 9"),
            (2, "relation 0 (inverse)", "entity 9"),
            (2, "relation 1", "item 3"),
        ),
    }


def test_a_file_of_links_says_which_entity_an_item_is(tmp_path: Path) -> None:
    """As in the folders of RippleNet, KGCN and MKR: the numbers of the triples are no item ids."""
    folder = world(
        tmp_path,
        ratings_csv=FILMS["ratings_csv"],
        item_index2entity_id_txt="1\t0\n3\t2\n77\t5\n",
        kg_txt="0\tfilm.writer\t9\n2\tfilm.writer\t9\n1\tfilm.writer\t9\n3\tfilm.sequel\t0\n",
    )
    data = read(folder)
    assert triples(data) == {
        *((1, "film.writer", "entity 9"), (3, "film.writer", "entity 9")),
        (1, "film.sequel (inverse)", "entity 3"),
    }
    assert "item_index2entity_id.txt: 2 of 3 items have an entity in the triples" in data.notes
    (folder / "item_index2entity_id.txt").write_text("1\t0\n3\n")
    assert complaint(folder) == "item_index2entity_id.txt, line 2: expected an item and its entity (got '3')"


def test_relations_of_one_name_are_one() -> None:
    """And in them the entities of one label; no entity is left without a triple."""
    first = triples_of_labels({"genre": [["a"], ["b"]], "type": [["a"], []]})
    second = triples_of_labels({"genre": [["b"], ["b", "c"]], "maker": [["a"], []]})
    both = joined(first, second)
    assert both.relations == ("genre", "type", "maker")
    found = [
        (h, both.relations[r], both.entities[t])
        for h, r, t in zip(both.head, both.relation, both.tail, strict=True)
    ]
    expected = {(0, "genre", "a"), (1, "genre", "b"), (0, "type", "a"), (0, "genre", "b"), (1, "genre", "c")}
    assert set(found) == expected | {(0, "maker", "a")} and len(found) == 6
    of_b = {int(t) for r, t in zip(both.relation, both.tail, strict=True) if both.entities[t] == "b"}
    assert len(of_b) == 1 and sorted(np.unique(both.tail)) == list(range(len(both.entities)))
