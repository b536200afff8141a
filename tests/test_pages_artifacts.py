"""Artifacts that the app cannot open: it reports why and what to do, and opens another one."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dskreg.explorer import Explorer, InputError
from dskreg.ui.common import cache, widgets
from tests.lists import recommended, visit
from tests.visits import DEMO, ROOT, fine

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def test_without_an_artifact_the_page_shows_the_command_that_trains_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path / "nowhere"))
    app = fine(visit())
    assert app.title[0].value == "No model yet"
    assert "dskreg train demo" in app.code[0].value


@pytest.mark.parametrize("broken", [False, True])
def test_without_a_usable_artifact_the_runs_page_still_trains_a_model(
    broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    if broken:
        shutil.copytree(DEMO, tmp_path / "broken")
        foreign(tmp_path / "broken")
    app = fine(visit("runs"))
    assert [title.value for title in app.title] == ["Runs"]
    assert any(button.label == "Start training" for button in app.button)


@pytest.mark.parametrize(
    ("folder", "out"),
    [(ROOT / "artifacts", "artifacts/new"), (Path("/elsewhere/my models"), "'/elsewhere/my models/new'")],
)
def test_the_command_trains_into_the_folder_of_the_app(
    folder: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert widgets.training_command(folder / "new") == f"dskreg train demo --out {out}"


@pytest.mark.parametrize("page", ["recommendations", "sampling", "embeddings", "model"])
def test_data_without_genres_and_types_have_no_fields_for_them(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Explorer.open(DEMO)
    bare.genres, bare.types = [], []
    monkeypatch.setattr(cache, "open_explorer", lambda path: bare)
    app = fine(visit(page))
    assert not {"Genres", "Types"} & {element.label for element in app.multiselect}
    assert not {"genre", "type"} & {
        option for element in app.button_group if element.key == "colour" for option in element.options
    }
    assert not any(
        {"type", "genres"} & set(table.value.columns)
        for table in app.dataframe
        if "rank" not in table.value.columns
    )


def flip(folder: Path) -> None:
    weights = next(folder.glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def foreign(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def incomplete(folder: Path) -> None:
    next(folder.glob("*.parquet")).unlink()


@pytest.mark.parametrize("damage", [flip, foreign, incomplete])
def test_a_damaged_artifact_gives_an_error_and_another_one_can_be_chosen(
    damage: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    shutil.copytree(DEMO, tmp_path / "sound")
    damage(tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = fine(visit())
    assert app.error
    app.selectbox(key="artifact").set_value("sound")
    assert len(recommended(fine(app.run()))) == 10


def test_a_repaired_artifact_opens_on_the_next_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    flip(tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = visit()
    shutil.copytree(DEMO, tmp_path / "demo", dirs_exist_ok=True)
    app.button(key="try_again").click()
    assert not fine(app.run()).error


def test_a_folder_without_a_manifest_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json: missing"):
        cache.open_explorer(tmp_path)


def test_ids_are_cleared_for_a_model_of_other_data_and_kept_for_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("demo", "same", "other"):
        shutil.copytree(DEMO, tmp_path / name)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    opened = cache.open_explorer

    def renamed(path: Path) -> Explorer:
        explorer = copy.copy(opened(path))
        explorer.data_name = "others" if path.name == "other" else "demo"
        return explorer

    monkeypatch.setattr(cache, "open_explorer", renamed)
    app = fine(visit(user="17", item="36", liked="1"))
    app.selectbox(key="artifact").set_value("same").run()
    assert (app.text_input(key="user").value, app.text_input(key="item").value) == ("17", "36")
    fine(app.selectbox(key="artifact").set_value("other").run())
    assert {app.text_input(key=key).value for key in ("user", "item", "liked", "disliked")} == {""}
    assert not app.warning
