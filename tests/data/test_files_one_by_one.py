"""Files named one by one are read as a folder that holds just these."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from dskreg import load as load_artifact
from dskreg.config import DataConfig
from dskreg.data.readers.load import load
from dskreg.errors import InputError
from tests.command_line import SMALL, run, tiny_data
from tests.data.test_plain import MOVIES, RATINGS, likes, read, triples, world
from tests.data.test_recbole import world as atomic
from tests.data.test_text import world as text
from tests.known_sets.graphs import ripplenet_final
from tests.known_sets.world import lay

KG = "head,relation,tail\n1,actor,Hanks\n3,actor,Hanks\n"


def shop(folder: Path) -> tuple[Path, Path]:
    """Two folders: the tables, and beside each what would be read in it if the folder were named."""
    rated = world(folder / "rated", ratings_csv=RATINGS, movies_csv="movieId,title,genres\n1,Other,Drama\n")
    rated.joinpath("dataset.toml").write_text("threshold = 5\n")
    return rated, world(folder / "films", movies_csv=MOVIES, kg_csv=KG, test_csv=RATINGS)


def test_they_are_read_as_a_folder_of_just_these(tmp_path: Path) -> None:
    rated, films = shop(tmp_path)
    found = load([rated / "ratings.csv", films / "movies.csv", films / "kg.csv"], DataConfig())
    whole = read(world(tmp_path / "whole", ratings_csv=RATINGS, movies_csv=MOVIES, kg_csv=KG))
    pd.testing.assert_frame_equal(found.items, whole.items)
    assert (
        likes(found)
        == likes(whole)
        == {
            (1, 1): True,  # of 4 and more: no dataset.toml was named
            (1, 2): False,
            (2, 9): True,
            (10, 1): True,
            (10, 2): False,  # 4.5 is the earlier of two
        }
    )
    assert triples(found) == triples(whole) >= {(1, "actor", "Hanks"), (2, "genre", "Action")}
    assert (found.name, found.notes) == ("rated", whole.notes)
    assert triples(load([rated / "ratings.csv", films / "movies.csv"], DataConfig())) == {
        triple for triple in triples(whole) if triple[1] != "actor"
    }


def test_settings_columns_and_zips(tmp_path: Path) -> None:
    rated, films = shop(tmp_path)
    named = [films / "movies.csv", rated / "dataset.toml", rated / "ratings.csv"]
    assert [pair for pair, like in likes(load(named, DataConfig())).items() if like] == [(10, 1)]
    told = load(named, DataConfig(), "rating=none,timestamp=rating")  # 5 and more of what was a time
    assert {pair for pair, like in likes(told).items() if like} == {(1, 1), (1, 2), (10, 1)}
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(films / "movies.csv", "ml/movies.csv")
    packed = load([tmp_path / "films.zip", rated / "ratings.csv"], DataConfig())
    assert triples(packed) == triples(load([films / "movies.csv", rated / "ratings.csv"], DataConfig()))
    with zipfile.ZipFile(tmp_path / "films.zip", "a") as archive:  # what is plain comes before what is packed
        archive.write(films / "kg.csv", "ml/ratings.csv")
        archive.write(rated / "dataset.toml")
    given = [tmp_path / "films.zip", rated / "ratings.csv"]
    for order in (given, given[::-1]):
        assert likes(load(order, DataConfig())) == likes(packed)


def test_every_format_may_be_named_file_by_file(tmp_path: Path) -> None:
    lists = {
        f"{name}_list": "org_id remap_id\nx.1 0\nx.2 1\n" for name in ("item", "user", "relation", "entity")
    }
    for folder in (
        atomic(world(tmp_path / "atomic"), user="user_id:token\n1\n"),
        text(world(tmp_path / "text"), valid="0 2\n", **lists),
        lay(ripplenet_final(), tmp_path / "ripple"),
    ):
        whole, found = load(folder, DataConfig()), load(sorted(folder.iterdir()), DataConfig())
        assert (found.format, found.name, found.notes) == (whole.format, whole.name, whole.notes)
        assert found.items.equals(whole.items) and found.entities.tolist() == whole.entities.tolist()
        assert found.user_ids.tolist() == whole.user_ids.tolist() and found.relations == whole.relations
    board = tiny_data(tmp_path / "board")
    found = load([board / name for name in ("kg_final.txt", "train.txt", "test.txt")], DataConfig())
    assert (found.format, found.name, len(found.user), found.shape) == ("text", "board", 24 * 9, (24, 20))


def refusal(*paths: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        load([str(path) for path in paths], DataConfig())
    return str(caught.value)


def test_refusals_are_one_line_with_a_remedy(tmp_path: Path) -> None:
    rated, films = shop(tmp_path)
    ratings, movies = rated / "ratings.csv", films / "movies.csv"
    missing = f"{films}/movie.csv: expected files of data; there is no such file; did you mean '{movies}'?"
    assert refusal(ratings, films / "movie.csv") == missing
    folder = f"{films}: expected a file, got a folder; name a folder alone, or its files"
    assert refusal(ratings, films) == folder
    assert refusal(ratings, films / "movies.csv", rated / "movies.csv") == (
        f"{movies} and {rated}/movies.csv: both are 'movies.csv'; name one of them, or rename one"
    )
    assert "both are 'ratings.csv'" in refusal(ratings, ratings)
    assert refusal("demo", ratings) == "demo: the bundled data go alone; leave out the other paths"
    (rated / "movies.xlsx").write_text("PK")
    (rated / "items.txt").write_text("x")
    (rated / "bad.zip").write_text("x")
    assert refusal(ratings, rated / "movies.xlsx").endswith("a .csv table; save 'movies.xlsx' as .csv")
    (rated / "LICENSE").write_text("x")
    assert refusal(ratings, rated / "LICENSE").endswith("for example a .csv table; leave it out")
    assert "save 'items.txt' as .csv" in refusal(ratings, rated / "items.txt")
    assert refusal(movies, films / "kg.csv").startswith("movies.csv seems to be a table of items")
    assert "bad.zip: expected a complete zip file" in refusal(rated / "bad.zip", rated / "dataset.toml")
    os.mkfifo(rated / "pipe.csv")
    assert refusal(ratings, rated / "pipe.csv").endswith("for example a .csv table; leave it out")
    board = atomic(world(tmp_path / "board"))
    (board / "b.kg").write_text("")
    assert refusal(board / "ml.inter", board / "ml.kg", board / "b.kg").startswith(
        "ml.inter, ml.kg, b.kg: expected one file *.kg, found 2 ('b.kg', 'ml.kg')"
    )
    (rated / "anime.csv").write_text("anime_id,name,genre,type,episodes,rating,members\n1,A,B,TV,12,7,9\n")
    (rated / "kg.csv").write_text(KG)
    assert refusal(rated / "anime.csv", rated / "kg.csv").startswith("anime.csv, kg.csv: expected rating.csv")


def test_the_command_line_takes_them(tmp_path: Path, capsys, monkeypatch) -> None:
    rated, films = shop(tmp_path)
    pairs = [(u, i) for u in range(12) for i in range(10) if (u + i) % 2]
    rows = "".join(f"{u},{i},5\n" for u, i in pairs)
    (rated / "ratings.csv").write_text(f"userId,movieId,rating\n{rows}")
    (films / "movies.csv").write_text(
        "movieId,title,genres\n" + "".join(f"{i},Film {i},{'AB'[i % 2]}|C{i % 3}\n" for i in range(10))
    )
    named = [str(rated / "ratings.csv"), str(films / "movies.csv")]
    code, out, _ = run(capsys, monkeypatch, "inspect", *named, "--json")
    document = json.loads(out)
    assert (code, document["data"]) == (0, ", ".join(named))
    assert (document["users"], document["items"], document["likes"]) == (12, 10, 60)
    assert [table["use"] for table in document["tables"]] == ["interactions", "items"]
    code, _, err = run(capsys, monkeypatch, "inspect", *named, "--write")
    assert (
        code == 2
        and "--write: expected a folder for dataset.toml" in err
        and not (films / "dataset.toml").exists()
    )
    code, _, err = run(capsys, monkeypatch, "inspect", "demo", "--write")
    assert code == 2 and "the format of demo is fixed" in err
    out_folder = str(tmp_path / "made")
    small = [*SMALL, "--epochs", "1"]
    assert run(capsys, monkeypatch, "train", *named, "--out", out_folder, *small)[0] == 0
    data = load_artifact(out_folder).core.artifact.dataset
    assert (data.name, data.shape, data.relations) == ("rated", (12, 10), ("genre",))
    code, _, err = run(capsys, monkeypatch, "train", named[0], str(films), "--out", out_folder, *small)
    assert code == 2 and len(err.splitlines()) == 1 and "name a folder alone" in err
