"""Lists through an index: the Explorer's numbers whatever the engine, refusals in one sentence, a folder that
is whole or absent.
"""

import importlib.util
import json
import os
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from dskreg.cli import main
from dskreg.errors import InputError
from dskreg.explorer import Explorer, list_artifacts
from dskreg.graph.candidates import build as build_graph
from dskreg.retrieval import engines, index, shortlist
from dskreg.retrieval.engines import Exact
from dskreg.retrieval.shortlist import Index
from dskreg.storage import folders
from tests.small import DEMO, SMALL, opened, random_world
from tests.worlds import EVERYTHING

COLUMNS = ["rank", "item_id", "title", "score", "reason"]
# Faiss's wrappers, from Python 3.12 on
swig = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


def small(preset: str = "default", items: int = 40) -> Explorer:
    data = random_world(5, items)
    return opened(data, build_graph(data, EVERYTHING), SMALL[preset], seed=4)


def over(explorer: Explorer, least: int | None) -> Index:
    engine = Exact()
    engine.build(np.ascontiguousarray(explorer.core.representations[1]))
    return Index(engine, least)


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module")
def made(demo: Explorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "index"
    index.build(demo, out, "exact", people=20)
    return out


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_the_exact_engine_lists_what_the_explorer_lists(demo: Explorer, made: Path) -> None:
    served = index.load(made, demo)
    for profile in (demo.profile(17), demo.profile(1), demo.profile_of([1, 36])):
        pd.testing.assert_frame_equal(served.recommend(demo, profile, 15), demo.recommend(profile, 15))


def test_a_shortlist_has_the_models_numbers() -> None:
    """Of the paper's form the engine's order and products differ from the model's."""
    explorer, top = small("paper", 100), 5
    core, differs = explorer.core, 0
    for user in explorer.user_ids:
        profile = explorer.profile(user)
        hidden = core.hidden(profile)
        hop = core.user_hop(*core.history(profile)).output
        position, score = over(explorer, 10).ranked(core, hop, hidden, top)
        exact = explorer.scores(profile)
        proposed = np.argsort(-(core.representations[1] @ hop[0].numpy()))[: 10 * top + hidden.sum()]
        proposed = proposed[~hidden[proposed]]
        assert len(proposed) < (~hidden).sum(), "the engine leaves titles out"
        assert position.tolist() == sorted(proposed, key=lambda i: -exact[i])[:top]
        assert score == pytest.approx(exact[position], rel=1e-4, abs=1e-5)
        differs += position.tolist() != proposed[:top].tolist()
    assert differs


def test_in_the_evidence_form_as_many_as_are_wanted_are_exact() -> None:
    explorer, top = small("default", 100), 5
    core, served = explorer.core, over(explorer, 10)
    asked: list[int] = []
    search = served.engine.search
    served.engine.search = lambda query, count: asked.append(count) or search(query, count)  # type: ignore[method-assign]
    for user in explorer.user_ids:
        profile = explorer.profile(user)
        hidden = core.hidden(profile)
        position, score = served.ranked(core, core.user_hop(*core.history(profile)).output, hidden, top)
        exact = explorer.scores(profile)
        assert position.tolist() == [i for i in np.argsort(-exact, kind="stable") if not hidden[i]][:top]
        assert score == pytest.approx(exact[position], rel=1e-4, abs=1e-5)
        assert asked.pop() == top + hidden.sum()


def test_the_titles_of_a_shortlist_have_the_models_scores() -> None:
    for preset in SMALL:
        explorer = small(preset)
        profile = explorer.profile(explorer.user_ids[0])
        items = np.array([3, 0, 31, 7])
        found = shortlist.scores_of(
            explorer.core, explorer.core.user_hop(*explorer.core.history(profile)).output, items
        )
        assert found == pytest.approx(explorer.scores(profile)[items], rel=1e-4, abs=1e-5)


def test_an_engine_that_finds_too_little_shortens_no_list() -> None:
    explorer = small()
    lame = over(explorer, 10)
    lame.engine.search = lambda query, count: np.array([2])  # type: ignore[method-assign]
    profile = explorer.profile(explorer.user_ids[0])
    assert (
        lame.recommend(explorer, profile, 3)["item_id"].tolist()
        == explorer.recommend(profile, 3)["item_id"].tolist()
    )


def test_nothing_seen_is_listed_and_a_list_has_at_least_one_title(demo: Explorer, made: Path) -> None:
    profile = demo.profile(17)
    assert not set(over(demo, 200).recommend(demo, profile, 20)["item_id"]) & set(profile.seen)
    with pytest.raises(InputError, match="at least 1"):
        index.load(made, demo).recommend(demo, profile, 0)


def test_recall_is_the_share_of_the_exact_list(demo: Explorer) -> None:
    vectors = np.ascontiguousarray(demo.core.representations[1])
    whole = index.measure(demo, over(demo, None), vectors, people=10)
    assert whole["recall@20"] == 1 and whole["people"] == 10
    tight = over(demo, 200)
    tight.engine.search = lambda query, count: np.arange(count)  # type: ignore[method-assign]
    blind = index.measure(demo, tight, vectors, people=10)
    assert 0 < blind["recall@20"] < 1 and blind["recall_exact_search@20"] > blind["recall@20"]


def test_the_folder_serves_any_engine(demo: Explorer, made: Path) -> None:
    vectors, items = load_file(made / index.VECTORS)["vectors"], pd.read_parquet(made / index.ITEMS)
    assert vectors.dtype == np.float32 and np.array_equal(vectors, demo.core.representations[1])
    assert (
        items["position"].tolist() == list(range(len(vectors)))
        and items["item_id"].tolist() == demo.items["item_id"].tolist()
    )
    manifest = json.loads((made / folders.MANIFEST).read_text())
    assert manifest["artifact"] == demo.content and set(manifest["files"]) == {index.VECTORS, index.ITEMS}
    assert list_artifacts(made.parent) == []


@pytest.mark.parametrize("name", [index.VECTORS, index.ITEMS, folders.MANIFEST])
@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_harmed_file_is_refused_by_name(demo: Explorer, copy: Path, name: str, harm: str) -> None:
    path, content = copy / name, bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes(content if harm == "flip" else content[: len(content) // 2])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        index.load(copy, demo)


def rewritten(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / folders.MANIFEST).read_text()) | fields
    manifest["content"] = folders.digest({k: v for k, v in manifest.items() if k != "content"})
    (folder / folders.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"artifact": "0" * 64}, "another artifact"),
        ({"format": 99}, "version 99"),
        ({"version": "0.0"}, "made by exact '0.0'"),
        ({"engine": "abacus"}, "abacus"),
        ({"artifact": 3}, "artifact: expected text"),
        ({"settings": {"m": 0}}, "settings.m: expected"),
        ({"shortlist": 1e300}, "shortlist: expected"),
        ({"measured": []}, "measured: expected"),
        ({"files": {}}, "files: "),
        ({"stranger": 1}, "stranger: unknown"),
    ],
)
def test_a_foreign_index_is_refused(demo: Explorer, copy: Path, fields: dict[str, object], said: str) -> None:
    rewritten(copy, **fields)
    with pytest.raises(InputError, match=said):
        index.load(copy, demo)


def test_only_an_index_is_replaced(demo: Explorer, copy: Path, tmp_path: Path) -> None:
    index.build(demo, copy, "exact", people=1)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work")
    for folder in (tmp_path / "thesis", Path(shutil.copytree(DEMO, tmp_path / "artifact"))):
        before = sorted(folder.iterdir())
        with pytest.raises(InputError, match="exists and is no index"):
            index.build(demo, folder, "exact")
        assert sorted(folder.iterdir()) == before
    with pytest.raises(InputError, match="exists and is no artifact"):
        folders.refuse_foreign(copy, folders.ARTIFACT)


def test_a_failed_build_leaves_the_old_index(
    demo: Explorer, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (copy / folders.MANIFEST).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "save_tensors", full)
    for out in (copy, copy.parent / "new"):
        with pytest.raises(InputError, match="No space left"):
            index.build(demo, out, "exact", people=1)
    assert (copy / folders.MANIFEST).read_bytes() == before and os.listdir(copy.parent) == [copy.name]


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["dskreg", *arguments])
    code = main()
    return code, *capsys.readouterr()


def test_the_command_line_builds_and_serves(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = str(tmp_path / "index")
    code, said, _ = run(capsys, monkeypatch, "index", str(DEMO), "--out", out, "--engine", "exact", "--json")
    document = json.loads(said)
    assert (
        code == 0
        and document["measured"]["recall@20"] == 1
        and set(document["milliseconds"]) == {"index", "exact"}
    )
    assert document["bytes"] == sum(p.stat().st_size for p in Path(out).iterdir())
    for who in (("--user", "17"), ("--history", "1,36")):
        _, through, _ = run(capsys, monkeypatch, "recommend", str(DEMO), *who, "--json", "--index", out)
        _, plain, _ = run(capsys, monkeypatch, "recommend", str(DEMO), *who, "--json")
        assert through == plain
    code, said, _ = run(capsys, monkeypatch, "index", str(DEMO), "--out", out, "--engine", "exact")
    assert code == 0 and "recall@20 1.0000" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("index", str(DEMO), "--out", str(DEMO), "--engine", "exact"), "is no index"),
        (("index", "no/such/folder", "--out", "x"), "no such folder"),
        (("index", str(DEMO), "--out", "x", "--engine", "abacus"), "abacus"),
        (("index", str(DEMO), "--out", "/dev/null/index", "--engine", "exact"), "cannot be written"),
        (("recommend", str(DEMO), "--user", "17", "--index", "no/such/folder"), "no such folder"),
        (("recommend", str(DEMO), "--user", "17", "--index", str(DEMO)), "not an index"),
        (("recommend", str(DEMO), "--all-users", "--out", "x.csv", "--index", "x"), "one user"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], said: str, capsys, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, monkeypatch, *arguments)
    assert code == 2 and out == "" and list(tmp_path.iterdir()) == []
    assert err.startswith("error: ") and err.count("\n") == 1 and said in err


def test_a_missing_package_is_said_before_anything_is_written(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    code, _, err = run(capsys, monkeypatch, "index", str(DEMO), "--out", str(tmp_path / "index"))
    assert code == 2 and err == f"error: {engines.NEEDED}\n" and list(tmp_path.iterdir()) == []


@swig
def test_hnsw_lists_what_the_explorer_lists(demo: Explorer, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the optional package faiss-cpu is not installed")
    built = index.build(demo, tmp_path / "index", "faiss", people=50)
    assert built["measured"]["recall@20"] > 0.99 and (tmp_path / "index" / "index.faiss").is_file()
    profile = demo.profile(17)
    through, plain = index.load(tmp_path / "index", demo).recommend(demo, profile), demo.recommend(profile)
    assert through["item_id"].tolist() == plain["item_id"].tolist() and through[
        "score"
    ].to_numpy() == pytest.approx(plain["score"], rel=1e-4)
    again = index.build(demo, tmp_path / "again", "faiss", people=1)
    assert again["files"] == built["files"], "one thread: the same vectors give the same graph"


@swig
def test_what_faiss_cannot_read_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the optional package faiss-cpu is not installed")
    (tmp_path / "index.faiss").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="damaged"):
        engines.Faiss().read(tmp_path / "index.faiss", np.zeros((1, 1), np.float32))


def test_the_package_is_no_requirement() -> None:
    assert importlib.util.find_spec("dskreg.retrieval.index") is not None
    project = tomllib.loads((DEMO.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    assert "faiss" not in str(project["dependencies"] + project["optional-dependencies"]["dev"])
