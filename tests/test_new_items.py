"""New titles in a trained artifact: the rows that a build with them would give, old rows as they were, and
refusals in one line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers.load import load
from dskreg.data.readers.plain.relations import figures_in
from dskreg.errors import InputError
from dskreg.explorer import Explorer
from dskreg.graph.candidates import build
from dskreg.serving import new_titles
from dskreg.serving.new_items import _unliked, add
from dskreg.serving.new_titles import read
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from tests.command_line import run
from tests.small import DEMO, SMALL, random_world, whole
from tests.worlds import EVERYTHING

BOOKS = {
    "books.csv": "isbn,book_title,authors,genres,original_publication_year,price,average_rating,description\n"
    + "".join(
        f'0{n:03},Book {n},"{("Ann Lee", "Bo Ek")[n % 2]}, Cy Oz",{("Crime|Noir", "Poetry")[n % 2]},'
        f"{1950 + 5 * n},{5 * n}.5,{4 - n / 100:.2f},A story of {n} and more\n"
        for n in range(12)
    ),
    "ratings.csv": "user_id,isbn,rating\n" + "".join(f"{n % 5},0{n % 12:03},5\n" for n in range(40)),
}
NEW_BOOKS = """ISBN,Book-Title,Authors,Genres,original_publication_year,price,average_rating,description
0901,New,"Bo Ek, Di Fo",Noir|Western,2011-05-01,$17.30,,Long
0902,Other (1987),,Poetry,,900,4.1,
"""


def test_columns_are_those_of_the_data_s_own_tables(tmp_path: Path) -> None:
    for name, text in BOOKS.items():
        (tmp_path / name).write_text(text)
    data = load(tmp_path, DataConfig())
    assert data.relations == ("year", "author", "genre", "price")
    new = read(written(tmp_path, NEW_BOOKS), data)
    labels = [*data.entities, *new.entities]
    triples = {
        (int(h), data.relations[r], str(labels[e]))
        for h, r, e in zip(new.head, new.relation, new.tail, strict=True)
    }
    assert triples == {
        (0, "year", "2010s"),  # a decade that no other book has
        *((0, "author", name) for name in ("Bo Ek", "Di Fo")),
        *((0, "genre", name) for name in ("Noir", "Western")),
        (0, "price", "15.5 to 20.5"),
        (1, "genre", "Poetry"),
        (1, "price", "45.5 to 55.5"),  # the highest
    }
    assert set(new.entities) == {"2010s", "Di Fo", "Western"}
    assert new.items["item_id"].tolist() == ["0901", "0902"]
    assert new.items["title"].tolist() == ["New", "Other (1987)"]
    assert new.items["year"].astype(object).where(new.items["year"].notna(), None).tolist() == [2011, None]
    assert new.items["genres"].tolist() == ["Noir, Western", "Poetry"]
    with pytest.raises(InputError, match="unknown column 'averag_rating'"):
        read(written(tmp_path, NEW_BOOKS.replace("average_r", "averag_r")), data)


def test_numbers_get_the_class_of_the_relation(tmp_path: Path) -> None:
    """A year one that no other item has, of five years here; other numbers the nearest of those there are."""
    columns = "isbn,book_title,original_publication_year,price,players\n"
    books = "".join(f"b{n},Book {n},{1950 + 2 * n},{1 + 2 * n},{1 + n % 3}\n" for n in range(15))
    (tmp_path / "books.csv").write_text(columns + books)
    (tmp_path / "ratings.csv").write_text("user_id,isbn,rating\n1,b1,5\n2,b2,5\n")
    data = load(tmp_path, DataConfig())
    table = written(tmp_path, columns + "c1,A,2011,100,3\nc2,B,1963,10,7\n")
    new = read(table, data)
    labels = [*data.entities, *new.entities]
    assert [labels[entity] for entity in new.tail] == [
        *("2010 to 2014", "1960 to 1964", "25 to 29", "7 to 11"),
        *("3", "7"),  # no classes: labels
    ]


def test_a_column_of_numbers_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell by cell, a table of 1,000 items took 13 seconds."""
    asked: list[int] = []

    def counted(cells: pd.Series) -> pd.Series:
        asked.append(len(cells))
        return figures_in(cells)

    monkeypatch.setattr(new_titles, "figures_in", counted)
    books = "".join(f"b{n},Book {n},{1 + 2 * n}\n" for n in range(15))
    (tmp_path / "books.csv").write_text("isbn,book_title,price\n" + books)
    (tmp_path / "ratings.csv").write_text("user_id,isbn,rating\n1,b1,5\n2,b2,5\n")
    rows = "".join(f"c{n},New {n},{n}\n" for n in range(50))
    new = read(written(tmp_path, "isbn,book_title,price\n" + rows), load(tmp_path, DataConfig()))
    assert len(new.items) == len(new.tail) == 50 and asked == [50]


def test_lists_years_and_ids_as_other_tables_have_them(tmp_path: Path) -> None:
    for name, text in BOOKS.items():
        (tmp_path / name).write_text(text)
    data = load(tmp_path, DataConfig())
    table = written(
        tmp_path, "item_id,isbn,title,authors,genres\nc1,978,New (1987),\"['Bo Ek', 'Di Fo']\",Noir;Western\n"
    )
    with pytest.raises(InputError, match=r"unknown column 'isbn'.*others with --columns \"isbn=none\"$"):
        read(table, data)
    new = read(table, data, "isbn=none")
    labels = [*data.entities, *new.entities]
    assert {labels[entity] for entity in new.tail} == {"1980s", "Bo Ek", "Di Fo", "Noir", "Western"}
    swapped = read(written(tmp_path, "title,genres\nc1,New\n"), data, "title=item,genres=title").items
    assert swapped[["item_id", "title", "genres"]].to_numpy().tolist() == [["c1", "New", ""]]


def test_other_names_are_told_by_columns(tmp_path: Path) -> None:
    for name, text in BOOKS.items():
        (tmp_path / name).write_text(text)
    data = load(tmp_path, DataConfig())
    table = written(tmp_path, "what,called,shelf\n0901,New,3\n")
    new = read(table, data, "what=item,called=title,shelf=none")
    assert new.items[["item_id", "title"]].to_numpy().tolist() == [["0901", "New"]] and not len(new.head)
    with pytest.raises(InputError, match="--columns: no column 'wht': expected one of what, called, shelf"):
        read(table, data, "wht=item")
    for columns, mend in (("what=item", "called=title"), ("what=item,called=title", "shelf=none")):
        with pytest.raises(InputError, match=f'understood are .*; others with --columns "{mend}"$'):
            read(table, data, columns)


NEW = """item_id,title,genres,type,episodes,year,studio,source,franchise,initial
90001,Mobile Suit Gundam: New Dawn,"Action, Mecha, Sci-Fi, Space",TV,24,2026,Sunrise,Original,Gundam,M
90002,Nothing in Common,Nothing,None,,,No Studio,,,
"""


def unseen_last(seed: int) -> Dataset:
    """A world in which nobody has seen the last title, and no triple leads to it."""
    data = random_world(seed)
    last = len(data.items) - 1
    seen, leads = data.item != last, data.entity_item[data.tail] != last
    return replace(
        data,
        **{name: getattr(data, name)[seen] for name in ("user", "item", "liked", "fold")},
        **{name: getattr(data, name)[leads] for name in ("head", "relation", "tail")},
    )


def without_last(data: Dataset) -> Dataset:
    """The same world before the last title came out."""
    last = len(data.items) - 1
    kept = data.head != last
    return replace(
        data,
        items=data.items[:-1],
        entity_item=np.where(data.entity_item == last, -1, data.entity_item).astype(np.int32),
        **{name: getattr(data, name)[kept] for name in ("head", "relation", "tail")},
    )


def row_of_last(data: Dataset) -> pd.DataFrame:
    """The last title as a table of new titles."""
    last = len(data.items) - 1
    row = {name: str(data.items[name][last]) for name in ("item_id", "title")}
    for r, name in enumerate(data.relations):
        tails = data.tail[(data.head == last) & (data.relation == r)]
        row[name] = ", ".join(str(data.entities[e]) for e in tails)
    return pd.DataFrame([row])


def written(folder: Path, text: str) -> Path:
    path = folder / "new.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", [*SMALL])
@pytest.mark.parametrize("seed", range(5))
def test_a_title_that_was_taken_out_comes_back_with_the_rows_of_a_build_with_it(
    seed: int, form: str, tmp_path: Path
) -> None:
    data = unseen_last(seed)
    before = whole(without_last(data), model=SMALL[form]).core.artifact
    row_of_last(data).to_csv(path := tmp_path / "new.csv", index=False)
    found = add(before, read(path, before.dataset), "new.csv").artifact
    built, last = build(data, EVERYTHING), len(data.items) - 1

    def candidates(graph: artifacts.CandidateGraph) -> dict[tuple[int, str], list[float]]:
        there = graph.neighbour[last] >= 0
        return {
            (int(j), graph.relations[r]): [
                strong[graph.relations.index(name)] for name in sorted(graph.relations)
            ]
            for j, r, strong in zip(
                graph.neighbour[last][there],
                graph.relation[last][there],
                graph.strengths[last][there].tolist(),
                strict=True,
            )
        }

    assert candidates(found.graph) == candidates(built) != {}
    assert np.array_equal(found.graph.neighbour[:last], before.graph.neighbour)
    assert np.array_equal(found.graph.strengths[:last], before.graph.strengths)
    # And what is kept to serve it is what its model draws
    core = TrainedModel(Path("world"), found)
    drawn = core.drawn.picked[last]
    assert (found.picks["neighbour"][last] >= 0).tolist() == drawn.tolist()
    slots = core.drawn.slot[last][drawn].numpy()
    assert found.picks["neighbour"][last][drawn].tolist() == found.graph.neighbour[last][slots].tolist()


def test_added_titles_are_recommended_at_once_and_nothing_else_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = written(tmp_path, NEW), tmp_path / "added"
    code, text, err = run(capsys, monkeypatch, "add", str(DEMO), str(path), "--out", str(out), "--json")
    assert code == 0, err
    told = json.loads(text)
    assert [row["item_id"] for row in told["added"]] == [90001, 90002]
    assert told["added"][0]["candidates"] > 8 and told["added"][1]["candidates"] == 0
    assert all(f"note: {note}" in err for note in told["notes"])
    before, after = Explorer.open(DEMO), Explorer.open(out)
    assert after.metrics() == before.metrics() and set(told["notes"]) < set(after.info()["notes"])
    assert (after.item(90001)["likes"], after.item(90001)["year"]) == (0, 2026)
    profile = before.profile_of([1, 2, 3, 4])
    np.testing.assert_allclose(after.scores(profile)[:-2], before.scores(profile), rtol=1e-4, atol=1e-5)
    cold = after.recommend(profile, 3, most_likes=0).set_index("item_id")["score"]
    explained = after.explain(profile, 90001)
    assert explained.score == pytest.approx(cold[90001], rel=1e-5) and cold[90001] > 0
    assert explained.self_contribution == 0 and explained.neighbour_share == pytest.approx(1)
    assert any("Gundam" in row["via"] for row in explained.to_json()["item_neighbours"])
    assert after.explain(profile, 90002).score == 0
    assert after.find_items("New Dawn")["item_id"].tolist() == [90001]


def test_weights_and_places_are_those_of_a_title_without_likes(tmp_path: Path) -> None:
    before = artifacts.load(DEMO)
    found = add(before, read(written(tmp_path, NEW), before.dataset), "new.csv").artifact
    likes, weight = before.weights["likes"], before.weights["history_weight"]
    assert not found.weights["item_embedding"][-2:].any() and not found.weights["likes"][-2:].any()
    assert found.weights["history_weight"][-1] == pytest.approx(weight[likes == 0][0], rel=1e-5)
    few = likes >= 3  # also where no title has so few
    assert _unliked(likes[few], weight[few]) == pytest.approx(weight[likes == 0][0], rel=1e-3)
    places, picked = found.item_map, found.picks["neighbour"][-2]
    shares = found.picks["weight"][-2] / found.picks["weight"][-2].sum()
    for name in ("x", "y", "raw_x", "raw_y"):
        assert places[name].iloc[-2] == pytest.approx(
            (shares * places[name].to_numpy()[picked]).sum(), rel=1e-4
        )
    assert places["cluster"].iloc[-2] == places["cluster"][picked[shares.argmax()]]
    assert places["cluster"].iloc[-1] == -1 and places["kept"].iloc[-2:].tolist() == [0, 0]
    assert places.dtypes.equals(before.item_map.dtypes)


def test_a_parquet_file_gives_the_same_artifact(tmp_path: Path) -> None:
    whole_artifact = artifacts.load(DEMO)
    table = pd.read_csv(written(tmp_path, NEW), keep_default_na=False)
    table["year"] = pd.to_numeric(table["year"])  # 2026.0 and NaN
    table["genres"] = table["genres"].str.split(", ")
    table.to_parquet(tmp_path / "new.parquet")
    one, two = (
        add(whole_artifact, read(tmp_path / name, whole_artifact.dataset), "a file").artifact
        for name in ("new.csv", "new.parquet")
    )
    assert one.dataset.items.equals(two.dataset.items) and one.dataset.notes == two.dataset.notes
    assert all(np.array_equal(one.picks[name], two.picks[name]) for name in one.picks)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_columns_in_any_case_separated_otherwise(tmp_path: Path, mark: str) -> None:
    data = artifacts.load(DEMO).dataset
    plain = read(written(tmp_path, "item_id,title,studio,genre\n90009,A,Sunrise,Action\n"), data)
    text = "Item_ID,Title,STUDIO,Genre\n90009,A,Sunrise,Action\n".replace(",", mark)
    new = read(written(tmp_path, text), data)
    assert new.items.equals(plain.items) and np.array_equal(new.tail, plain.tail)
    with pytest.raises(InputError, match="expected each column once, but 'genre' is there twice"):
        read(written(tmp_path, "item_id,title,genre,Genre\n90009,A,Action,Drama\n"), data)


def test_columns_may_be_named_like_relations_and_length_follows_from_episodes(tmp_path: Path) -> None:
    data = artifacts.load(DEMO).dataset
    new = read(
        written(tmp_path, 'item_id,title,genre,episodes\n9,A,"Action,Drama",12\n'.replace("9,A", "90009,A")),
        data,
    )
    labels = {
        data.relations[r]: str(data.entities[e])
        for r, e in zip(new.relation, new.tail, strict=True)
        if data.relations[r] != "genre"
    }
    assert labels == {"length": "7 to 14 episodes"} and not len(new.entities)
    assert new.items["genres"].tolist() == ["Action, Drama"]
    assert new.items["episodes"].tolist() == [12] and new.items["studio"].tolist() == [""]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("90002", "1"), "item 2, column item_id: expected an id that the catal"),
        (lambda text: text.replace("90002", "90001.0"), "item 2, column item_id: expected each id once"),
        (lambda text: text.replace("90002", "new"), "item 2, column item_id: expected a whole number"),
        (lambda text: text.replace("Nothing in Common", " "), "item 2, column title: expected a name"),
        (lambda text: text.replace(",24,", ",many,"), "column episodes: expected a whole number >= 0"),
        (lambda text: text.replace(",2026,", ",-3,"), "column year: expected a whole number >= 0"),
        (lambda text: text.replace("initial", "colour"), "unknown column 'colour'; understood are item_id, "),
        (lambda text: text.replace("item_id", "studio"), "expected each column once"),
        (lambda text: text.replace("title,", "genre,"), "expected a column 'title', found none"),
        (lambda text: text.splitlines()[0] + "\n", "expected at least one item, found none"),
        (lambda text: "", "new.csv"),
        (lambda text: text + "1,2\n", "expected 10 fields (got '2')"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(
    change: Callable[[str], str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, out = written(tmp_path, change(NEW)), tmp_path / "added"
    code, text, err = run(capsys, monkeypatch, "add", str(DEMO), str(path), "--out", str(out))
    assert (code, text) == (2, "") and err.startswith("error: ") and err.count("\n") == 1 and told in err
    assert [file.name for file in tmp_path.iterdir()] == ["new.csv"]


def test_a_broken_parquet_file_and_a_foreign_folder_are_refused(tmp_path: Path) -> None:
    data = artifacts.load(DEMO).dataset
    (tmp_path / "new.parquet").write_bytes(b"PAR1" + b"\xff" * 50)
    with pytest.raises(InputError, match="cannot be read as parquet"):
        read(tmp_path / "new.parquet", data)
    with pytest.raises(InputError, match="expected a file, found none"):
        read(tmp_path / "none.csv", data)
