"""Notes: nothing written is lost, nothing damaged is hidden, and the artifact stays what it is."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.errors import InputError
from dskreg.explore.notes import chosen, exported, keep
from dskreg.explorer import Explorer, fingerprint, list_artifacts
from dskreg.storage import notes, places
from dskreg.storage.notes import LONGEST, Note, beside
from tests.command_line import run
from tests.reliability.hostile import PAYLOADS
from tests.visits import DEMO, ROOT, button, fine, press, said, table_with, tiles, visit

CONTENT = "0" * 64
WRITER = """
import sys, threading
from pathlib import Path
from dskreg.storage import notes
def write(name):
    for n in range({count}):
        notes.add(Path(sys.argv[1]), notes.Note(mark="odd", item=n, content="0" * 64, text=name + "x" * 400))
threads = [threading.Thread(target=write, args=(sys.argv[2] + str(t),)) for t in range(2)]
[t.start() for t in threads]; [t.join() for t in threads]
"""
FULL = """
import resource, sys
from pathlib import Path
from dskreg.storage import notes
size = notes.beside(Path(sys.argv[1])).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
try:
    notes.add(Path(sys.argv[1]), notes.Note(mark="bad", item=2, content="0" * 64))
except notes.InputError as error:
    print(error)
"""


def note(item: int = 1, **fields: object) -> Note:
    return Note(**{"mark": "odd", "item": item, "content": CONTENT} | fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the demo, opened once."""
    folder = tmp_path_factory.mktemp("artifacts")
    shutil.copytree(DEMO, folder / "demo")
    return folder


@pytest.fixture
def artifacts(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    beside(shared / "demo").unlink(missing_ok=True)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(shared))
    return shared


# The file


def test_several_processes_and_threads_lose_nothing(tmp_path: Path) -> None:
    count, program = 40, WRITER.format(count=40)
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "m"), name], cwd=ROOT)
        for name in "abc"
    ]
    while any(writer.poll() is None for writer in writers):
        assert notes.read(tmp_path / "m").damaged == ()  # a reader sees whole lines alone
    found = notes.read(tmp_path / "m")
    assert [writer.returncode for writer in writers] == [0, 0, 0] and found.damaged == ()
    kept = {(note.text.rstrip("x"), note.item) for note in found.notes}
    assert kept == {(f"{name}{t}", n) for name in "abc" for t in range(2) for n in range(count)}


def test_damaged_lines_are_reported_and_stay(tmp_path: Path) -> None:
    notes.add(tmp_path / "m", note(1))
    path = beside(tmp_path / "m")
    whole = path.read_bytes()
    wrong = b'{"event":"note","mark":"great"}\n\xff\xfe\n{"event":"noise"}\n[1, 2\n' + whole[:40]
    path.write_bytes(whole + wrong)  # the last line is torn: its writer died
    notes.add(tmp_path / "m", note(2))
    found = notes.read(tmp_path / "m")
    assert [note.item for note in found.notes] == [1, 2]
    assert [message.split(":")[0] for message in found.damaged] == [f"line {n}" for n in range(2, 7)]
    assert "mark" in found.damaged[0] and path.read_bytes().startswith(whole + wrong)


def test_a_note_that_does_not_fit_on_the_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    notes.add(tmp_path / "m", note())
    before = beside(tmp_path / "m").read_bytes()
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "m")], cwd=ROOT, capture_output=True, text=True
    )
    assert "cannot be written" in told.stdout and beside(tmp_path / "m").read_bytes() == before


def test_what_cannot_be_kept_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=rf"at most {LONGEST} characters \(got {LONGEST + 1}\)"):
        notes.add(tmp_path / "m", note(text="x" * (LONGEST + 1)))
    beside(tmp_path / "folder").mkdir()
    for action in (lambda: notes.add(tmp_path / "folder", note()), lambda: notes.read(tmp_path / "folder")):
        with pytest.raises(InputError, match=r"cannot be|regular"):
            action()
    notes.add(tmp_path / "m", note())
    monkeypatch.setattr(notes, "LARGEST", 300)
    with pytest.raises(InputError, match="full"):
        notes.add(tmp_path / "m", note())
    assert len(notes.read(tmp_path / "m").notes) == 1


def test_a_removed_note_is_hidden_and_its_line_stays(tmp_path: Path) -> None:
    kept, gone = note(1), note(2)
    for each in (kept, gone):
        notes.add(tmp_path / "m", each)
    notes.remove(tmp_path / "m", gone.id)
    assert notes.read(tmp_path / "m").notes == (kept,) and gone.id in beside(tmp_path / "m").read_text()


def test_notes_of_a_bundled_artifact_are_in_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", "/mine")
    assert beside(places.BUNDLED / "demo") == places.BUNDLED / "demo.notes.jsonl"  # a clone
    monkeypatch.setattr(places, "INSTALLED", True)
    assert beside(places.BUNDLED / "demo") == Path("/mine/demo.notes.jsonl")


# The table and the exports


@pytest.fixture(scope="module")
def opened(shared: Path) -> Explorer:
    return Explorer.open(shared / "demo")


def test_a_note_keeps_what_was_shown_and_the_artifact_stays_the_same(
    artifacts: Path, opened: Explorer
) -> None:
    before = fingerprint(artifacts / "demo")
    profile = opened.edited(opened.profile(34), [5], [20])
    row = opened.recommend(profile, 3).iloc[2]
    neighbour = opened.explain(profile, row["item_id"], seed=7).item_neighbours.iloc[0]
    about = opened.notebook.about
    keep(about(profile, row["item_id"], rank=row["rank"], score=row["score"]), "bad", " not him ")
    shown = {"neighbour": neighbour["item_id"], "relation": neighbour["relation"], "seed": 7}
    keep(about(opened.profile_of([1, 5]), row["item_id"], score=float("nan"), **shown), "odd")
    table, damaged = opened.notebook.read()
    last, first = table.iloc[0], table.iloc[1]
    assert damaged == () and set(table["model"]) == {opened.content}
    assert (first["mark"], first["text"], first["user_id"], first["rank"]) == ("bad", "not him", 34, 3)
    assert first["score"] == row["score"] and first["item"] == row["title"] and first["neighbour_id"] is None
    assert (first["likes"], first["removed"]) == ([5] if 5 in profile.liked else [], [20])
    assert last["likes"] == [1, 5] and last["user_id"] is None and last["seed"] == 7
    assert (last["neighbour"], last["relation"]) == (neighbour["title"], neighbour["relation"])
    assert fingerprint(artifacts / "demo") == before and list_artifacts(artifacts) == ["demo"]
    assert Explorer.open(artifacts / "demo").content == opened.content
    assert "user_name" not in table and {"mark", "text", "model"} <= set(table)
    with pytest.raises(InputError, match="mark"):
        keep(about(profile, 1), "great")


def test_filters_take_mark_user_item_neighbour_and_model(artifacts: Path, opened: Explorer) -> None:
    for fields in (
        {"mark": "good", "user": 34, "item": 1},
        {"user": 4, "item": 11, "neighbour": 1, "text": "a"},
        {"user": 34, "item": 111_111, "content": "1" * 64},
    ):
        notes.add(artifacts / "demo", note(**fields))  # type: ignore[arg-type]
    table, _ = opened.notebook.read()
    name = str(opened.item(11)["title"])[2:7]

    def items(**filters: object) -> list[int]:
        return [int(i) for i in chosen(table, **filters)["item_id"]]  # type: ignore[arg-type]

    assert items() == [111_111, 11, 1]
    assert items(marks=["good"]) == items(item="1") == [1] and items(user="34") == [111_111, 1]
    assert 11 in items(item=name.upper()) and items(neighbour="1") == [11] and items(model="11") == [111_111]
    assert table["item"].tolist()[0] == ""  # the catalogue does not have it


def test_no_export_holds_a_formula_or_loses_a_character(artifacts: Path, opened: Explorer) -> None:
    texts = [text[:LONGEST] for text in PAYLOADS.values()]
    for text in texts:
        notes.add(artifacts / "demo", note(text=text))
    table, damaged = opened.notebook.read()
    assert damaged == () and table["text"].tolist() == texts[::-1]
    assert [row["text"] for row in json.loads(exported(table, ".json"))["notes"]] == texts[::-1]
    cells = list(csv.reader(io.StringIO(exported(table, ".csv").decode("utf-8-sig"), newline="")))
    assert len(cells) == len(texts) + 1
    at = cells[0].index("text")
    assert [row[at] for row in cells if row[at].lstrip(" \"'").startswith(("=", "+", "@"))] != []
    assert [row[at] for row in cells if row[at].lstrip().startswith(("=", "+", "@"))] == []


def test_names_of_hidden_adult_items_are_veiled(artifacts: Path, opened: Explorer) -> None:
    adult = opened.items.index[opened.items["adult"]]
    if not len(adult):
        genres = opened.items["genres"].where(opened.items.index > 0, "Hentai")
        core = opened.core.artifact
        core = replace(core, dataset=replace(core.dataset, items=core.dataset.items.assign(genres=genres)))
        opened = Explorer(type(opened.core)(opened.path, core))
        adult = opened.items.index[opened.items["adult"]]
    item = int(opened.items["item_id"][adult[0]])
    notes.add(artifacts / "demo", note(item))
    name = opened.notebook.read()[0]["item"][0]
    assert name == opened.item(item)["title"]
    assert opened.without_adult.notebook.read()[0]["item"][0] == "(adult item)" != name


def test_the_command_line_lists_filters_and_exports(
    artifacts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ask(*arguments: str) -> tuple[int, str, str]:
        return run(capsys, monkeypatch, "notes", str(artifacts / "demo"), *arguments)

    assert ask()[:2] == (0, "no notes\n")
    for fields in ({"item": 11, "user": 34, "text": "=1+1\u202e"}, {"item": 1, "mark": "good"}):
        notes.add(artifacts / "demo", note(**fields))  # type: ignore[arg-type]
    with beside(artifacts / "demo").open("a") as file:
        file.write("{\n")
    code, out, err = ask()
    assert code == 0 and len(out.splitlines()) == 2 and "⟨U+202E⟩" in out and "custom profile" in out
    assert "demo.notes.jsonl, line 3: damaged" in err and "stays in the file" in err
    assert [row["item_id"] for row in json.loads(ask("--json", "--mark", "good")[1])["notes"]] == [1]
    assert ask("--user", "34", "--out", str(tmp_path / "n.csv"))[1].endswith("1 notes\n")
    assert "'=1+1" in (tmp_path / "n.csv").read_text("utf-8-sig")
    assert ask("--out", str(tmp_path / "n.json"))[0] == 0
    assert len(json.loads((tmp_path / "n.json").read_text("utf-8"))["notes"]) == 2
    code, _, err = ask("--out", str(tmp_path / "n.txt"))
    assert code == 2 and ".csv or .json" in err and not (tmp_path / "n.txt").exists()


# The pages


def note_controls(app: AppTest) -> list[str]:
    """The names of the buttons and popovers for a note."""
    popovers = [found.proto.popover.label for found in app.get("popover")]
    buttons = [name for body in tiles(app) for name in re.findall(r'aria-label="(Note on .*?)"', body)]
    return [html.unescape(name) for name in (*popovers, *buttons) if name.startswith("Note")]


def write(app: AppTest, key: str, mark: str | None, text: str, about: int = 0) -> AppTest:
    """Choose and save in the popover or dialog with this key."""
    if key == "note":
        app.session_state[key] = True
        fine(app.run())
    else:
        press(app, "cards", "note", int(key.removeprefix("note ")))
    count = app.session_state[f"{key} saved"]
    if about:
        app.selectbox(key=f"{key} about {count}").select_index(about)
    if mark:
        app.button_group(key=f"{key} mark {count}").set_value(mark)
    app.text_input(key=f"{key} text {count}").set_value(text)
    button(app, "Save note").click()
    return fine(app.run())


def test_a_card_and_a_neighbour_are_marked_and_listed_on_three_pages(
    artifacts: Path, opened: Explorer
) -> None:
    app = visit(user=34, top=3)
    shown = opened.recommend(opened.profile(34), 3)
    item, hostile = shown["item_id"][1], "<b>x</b> **y** \u202e=1+1"
    assert note_controls(app) == [f"Note on {title}" for title in shown["title"]]
    assert "Choose a mark" in said(write(app, f"note {item}", None, "no mark"))
    assert f"at most {LONGEST}" in said(write(app, f"note {item}", "odd", "x" * (LONGEST + 1)))
    assert notes.read(artifacts / "demo").notes == ()
    write(app, f"note {item}", "odd", hostile)
    kept = notes.read(artifacts / "demo").notes[0]
    assert (kept.mark, kept.user, kept.item, kept.rank, kept.text) == ("odd", 34, item, 2, hostile)
    assert kept.score == pytest.approx(shown["score"][1]) and kept.content == opened.content
    assert table_with(app, "mark", "text")["text"].tolist() == ["<b>x</b> **y** ⟨U+202E⟩=1+1"]
    assert "<b>x" not in said(app)

    app = visit("sampling", user=34, item=item, noise="true", seed=3)
    write(app, "note", "good", "", about=1)
    kept = notes.read(artifacts / "demo").notes[1]
    first = opened.explain(opened.profile(34), item, seed=3).item_neighbours.iloc[0]
    assert (kept.item, kept.neighbour, kept.relation) == (item, first["item_id"], first["relation"])
    assert (kept.rank, kept.seed) == (2, 3)
    assert table_with(app, "mark", "text")["neighbour"].tolist() == [first["title"], ""]

    with beside(artifacts / "demo").open("a") as file:
        file.write("{<script>\n")
    app = visit("model")
    assert "Lines of demo.notes.jsonl that cannot be read: 1" in said(app) and "2 of 2 notes" in said(app)
    app.text_input(key="notes_neighbour").set_value(str(first["item_id"]))
    assert table_with(fine(app.run()), "mark", "text")["mark"].tolist() == ["good"]


def test_a_dialog_closes_with_its_view(artifacts: Path, opened: Explorer) -> None:
    """A way to another view and back does not open it again."""
    item = int(opened.recommend(opened.profile(34), 3)["item_id"][1])
    app = press(visit(user=34, top=3), "cards", "note", item)
    assert "Save note" in labels(fine(app.run()))
    for user in ("35", "34"):
        app.text_input(key="user").set_value(user)
        app.query_params["user"] = user  # as the browser does
        assert "Save note" not in labels(fine(app.run()))
    assert "Save note" in labels(press(app, "cards", "note", item))
    assert "Save note" not in labels(fine(app.switch_page("pages/model.py").run()))
    assert "Save note" not in labels(fine(app.switch_page("pages/recommendations.py").run()))


def labels(app: AppTest) -> list[str]:
    return [found.label for found in app.button]


def test_a_public_demo_keeps_and_shows_no_notes(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.add(artifacts / "demo", note(11, user=34, text="private"))
    monkeypatch.setenv("DSKREG_NOTES", "off")
    for page in ("", "sampling", "model"):
        app = visit(page, user=34, **({"item": 11} if page == "sampling" else {}))
        assert note_controls(app) == [] and "Notes" not in said(app)
        assert not [table for table in app.dataframe if "mark" in table.value]
