"""`dataset.toml` and `dskreg inspect`: a draft that reads the folder as before, and corrections."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from dskreg.cli import main
from dskreg.config import DataConfig
from dskreg.data.readers.load import load
from dskreg.data.readers.plain.inspection import inspected
from dskreg.data.readers.plain.settings import KEYS, Settings, read, written
from dskreg.errors import InputError
from dskreg.storage import artifact as artifacts
from tests.data.test_plain import GAMES, MOVIES, RATINGS, complaint, likes, triples, world
from tests.data.test_plain import read as data_of
from tests.known_sets.invented import SHOPS
from tests.known_sets.world import lay


def dskreg(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dskreg", *map(str, arguments)])
        return main()


def recipes(folder: Path) -> Path:
    """A shop that is not recognised: odd names, two tables, lists between slashes."""
    return world(
        folder,
        cooked_tsv="cook\tdish\thearts\nann\tr 1\t2\nbob\tr 2\t3\nann\tr 3\t1\n",
        dishes_tsv="dish\theading\tcontains\tminutes\tspicy\nr 1\tSoup\tsalt/leek\t20\tno\n"
        "r 2\tPie\tsalt/flour\t40\tno\nr 3\tCake\tflour/sugar\t60\tyes\n",
    )


def test_a_draft_reads_the_folder_as_without_it(tmp_path, capsys):
    for name, tables in {
        "films": {"movies_csv": MOVIES, "ratings_csv": RATINGS},
        "games": {"sales_csv": "player;game;stars\na;g,1;5\nb;g,2;3\n", "games_csv": GAMES},
        "log": {"log_csv": "user,item\na,x\nb,y\n"},
    }.items():
        world(tmp_path / name, **tables)
    for name, make in SHOPS.items():
        lay(make(), tmp_path / f"shop of {name}")
    (tmp_path / "shop of recipes" / "dataset.toml").write_text('user = "cook"\n')
    for folder in sorted(tmp_path.iterdir()):
        before = data_of(folder)
        (folder / "dataset.toml").unlink(missing_ok=True)
        told = ("--columns", "cook=user") if folder.name.endswith("recipes") else ()
        assert dskreg("inspect", folder, "--write", *told) == 0
        written_keys = tomllib.loads((folder / "dataset.toml").read_text("utf-8"))
        assert set(written_keys) <= set(KEYS) and "interactions" in written_keys
        after = data_of(folder)
        assert after.items.equals(before.items) and likes(after) == likes(before)
        assert triples(after) == triples(before)
        capsys.readouterr()
        assert dskreg("inspect", folder, "--write") == 2
        assert "dataset.toml: is there already" in capsys.readouterr().err


def test_inspect_tells_what_is_recognised(tmp_path, capsys):
    folder = world(tmp_path, movies_csv=MOVIES, ratings_csv=RATINGS, links_csv="movieId,imdbId\n1,01\n")
    assert dskreg("inspect", folder, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["users"], found["items"], found["interactions"], found["likes"]) == (3, 5, 5, 3)
    assert found["threshold"] == 4 and found["format"] == "tables"
    assert inspected(folder, DataConfig(like_threshold=3))[0]["threshold"] == 3
    assert [(table["file"], table["use"]) for table in found["tables"]] == [
        ("ratings.csv", "interactions"),
        ("movies.csv", "items"),
        ("links.csv", "none (not needed)"),
    ]
    assert found["tables"][0]["roles"] == {
        "user": "userId",
        "item": "movieId",
        "rating": "rating",
        "timestamp": "timestamp",
    }
    assert [(row["relation"], row["items"]) for row in found["relations"]] == [("year", 4), ("genre", 3)]
    assert dskreg("inspect", folder) == 0
    told = capsys.readouterr().out
    assert "user = userId, item = movieId" in told and "genre from genres: 3 labels in lists" in told
    assert not (folder / "dataset.toml").exists()


def test_inspect_of_a_named_format(tmp_path, capsys):
    folder = world(
        tmp_path,
        anime_csv="anime_id,name,genre,type,episodes,rating,members\n1,A,Action,TV,12,7,9\n",
        rating_csv="user_id,anime_id,rating\n1,1,8\n",
    )
    assert dskreg("inspect", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["format"] == "kaggle"
    assert dskreg("inspect", folder, "--write") == 2
    assert "the format of" in capsys.readouterr().err


def test_corrections_are_obeyed(tmp_path):
    folder = recipes(tmp_path)
    assert complaint(folder) == (
        'cooked.tsv: no column of users among cook, dish, hearts: name it with --columns "cook=user"'
    )
    (folder / "dataset.toml").write_text(
        'interactions = "cooked.tsv"\nitems = "dishes.tsv"\nthreshold = 2\nuser = "cook"\nitem = "dish"\n'
        'rating = "hearts"\ntitle = "heading"\nadult = "spicy"\nrelations = ["contains"]\n'
        '[lists]\ncontains = "/"\n'
    )
    data = data_of(folder)
    assert likes(data) == {("ann", "r 1"): True, ("bob", "r 2"): True, ("ann", "r 3"): False}
    assert data.items["title"].tolist() == ["Soup", "Pie", "Cake"]
    assert data.items["genres"].tolist() == ["", "", "Adult"]
    assert triples(data) == {
        *(("r 1", "contains", "salt"), ("r 1", "contains", "leek"), ("r 2", "contains", "salt")),
        *(("r 2", "contains", "flour"), ("r 3", "contains", "flour"), ("r 3", "contains", "sugar")),
    }
    assert "minutes is left out: as asked" in data.notes
    assert any("at least 2 is a like (of dataset.toml)" in note for note in data.notes)


def test_options_come_before_the_settings_and_both_before_the_names(tmp_path):
    folder = world(tmp_path, log_csv="user,item,stars,rating\na,x,5,1\nb,y,1,5\n")
    (folder / "dataset.toml").write_text('rating = "stars"\n')
    assert likes(data_of(folder)) == {("a", "x"): True, ("b", "y"): False}
    assert likes(data_of(folder, "rating=rating")) == {("a", "x"): False, ("b", "y"): True}
    (folder / "dataset.toml").write_text('timestamp = "rating"\nrating = ""\n')
    assert likes(data_of(folder)) == {("a", "x"): True, ("b", "y"): True}
    (folder / "dataset.toml").write_text('timestamp = "rating"\n')
    data = data_of(folder)
    assert data.liked.all() and data.time.tolist() == [1, 5]


def test_one_line_is_enough_where_one_thing_is_wrong(tmp_path):
    folder = world(tmp_path, movies_csv=MOVIES, ratings_csv=RATINGS)
    for line, check in (
        ("threshold = 3.5", lambda data: likes(data)[(1, 2)] is True),
        ('rating = ""', lambda data: data.liked.all()),
        ('items = ""', lambda data: data.relations == () and len(data.items) == 3),
        ('year = ""', lambda data: data.relations == ("genre",)),
        ('relations = ["genres"]', lambda data: data.relations == ("genre",)),
        ("relations = []", lambda data: data.relations == ()),
        ('title = "genres"', lambda data: data.items["title"][0] == "Adventure|Comedy"),
    ):
        (folder / "dataset.toml").write_text(f"{line}\n")
        assert check(data_of(folder)), line


WRONG = {
    "colour = 1": f"dataset.toml: unknown key 'colour': expected one of {', '.join(KEYS)}",
    "threshold = true": "dataset.toml: threshold: expected a number (got 'True')",
    "threshold = 2018-13-45": "dataset.toml: expected TOML (",
    "threshold = nan": "dataset.toml: threshold: expected a number (got 'nan')",
    "user = 1": "dataset.toml: user: expected text (got '1')",
    'relations = "genres"': "dataset.toml: relations: expected a list of columns (got 'genres')",
    "lists = []": "dataset.toml: lists: expected separators by column (got '[]')",
    'separator = "xx"': "dataset.toml: separator: expected one of , ; | :: and the tab (got 'xx')",
    "user =": "dataset.toml: expected TOML (",
    'user = "me"': "dataset.toml: user: no column 'me' in ratings.csv: expected one of userId, movieId",
    'relations = ["colour"]': "dataset.toml: relations: no column 'colour' in movies.csv",
    'title = "name"': "dataset.toml: title: no column 'name' in movies.csv: expected one of movieId, title",
    'items = "movie.csv"': "table 'movie.csv' that dataset.toml names as items, found 'movies.csv'",
    'interactions = "rating.csv"': "that dataset.toml names as interactions, found 'ratings.csv'",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_in_the_settings_is_named(tmp_path, line):
    folder = world(tmp_path, movies_csv=MOVIES, ratings_csv=RATINGS)
    (folder / "dataset.toml").write_text(f"{line}\n")
    assert WRONG[line] in complaint(folder)


def test_every_setting_is_written_and_read_again(tmp_path):
    hard = 'a "b" \\ é 😀 \x7f\t'
    settings = Settings(
        **dict.fromkeys(set(KEYS) - {"threshold", "relations", "lists", "separator"}, hard),
        separator="\t",
        threshold=3.5,
        relations=(hard, "x"),
        lists={hard: "|"},
    )
    (tmp_path / "dataset.toml").write_text(written(settings), "utf-8")
    assert read(tmp_path) == settings and read(tmp_path / "nowhere") == Settings()


def test_training_by_columns(tmp_path, capsys):
    """From a folder that nobody has described to recommendations, with the original ids."""
    items = "".join(f"d {n},Dish {n},{('soup', 'cake')[n % 2]}\n" for n in range(12))
    pairs = [(u, n) for u in range(8) for n in range(12) if (u + n) % 2 or n < 4]
    rows = "".join(f"c {u},d {n},{5 - (u + n) % 3}\n" for u, n in pairs)
    tables = {"cooked_csv": f"cook,dish,mark\n{rows}", "dishes_csv": f"dish,name,kind\n{items}"}
    folder = world(tmp_path / "data", **tables)
    told, out = "cook=user,dish=item,mark=rating", tmp_path / "made"
    quick = ("--epochs", "1", "--set", "model.width=8", "--set", "projection.iterations=50", "--no-baselines")
    assert dskreg("train", folder, "--out", out, *quick, "--set", "data.core=1", "--columns", told) == 0
    made = artifacts.load(out).dataset
    assert (
        made.relations == ("kind",)
        and "plain tables: interactions in cooked.csv, items in dishes.csv" in made.notes
    )
    capsys.readouterr()
    assert dskreg("recommend", out, "--user", "c 1", "--json") == 0
    found = json.loads(capsys.readouterr().out)["items"]
    assert found and all(item["item_id"].startswith("d ") for item in found)
    alone = tmp_path / "alone"  # interactions only: no relations, and still an artifact
    assert (
        dskreg(
            "train", folder / "cooked.csv", "--out", alone, *quick, "--set", "data.core=1", "--columns", told
        )
        == 0
    )
    assert artifacts.load(alone).dataset.relations == ()


def test_a_missing_folder_is_named(tmp_path, capsys):
    with pytest.raises(InputError, match="there is no such folder"):
        load(tmp_path / "no", DataConfig())
    assert dskreg("inspect", tmp_path / "no") == 2 and "there is no such folder" in capsys.readouterr().err
