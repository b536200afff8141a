"""Whatever is done to an artifact's files, it is refused in a sentence that names the file: by the reader,
the command line and the app.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.errors import InputError
from dskreg.explorer import Explorer
from dskreg.storage import artifact as artifacts
from tests.command_line import run
from tests.reliability.size import times

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "artifacts" / "demo"
NAMES = (*artifacts.FILES, artifacts.MANIFEST)
FLIPS, CUTS, SWAPS = times(300, 42), times(100, 14), len(artifacts.FILES)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path_factory.mktemp("damage") / "demo"))


def refused(folder: Path, name: str) -> str:
    with pytest.raises(InputError) as caught:
        Explorer.open(folder)
    said = str(caught.value)
    assert name in said and "\n" not in said and len(said) < 400
    return said


def harmed(folder: Path, name: str, content: bytes) -> str:
    """What is said of the artifact with other content in one file, which is put back."""
    path = folder / name
    kept = path.read_bytes()
    path.write_bytes(content)
    try:
        return refused(folder, name)
    finally:
        path.write_bytes(kept)


def test_single_bits_anywhere(copy: Path) -> None:
    rng = random.Random(0)
    for number in range(FLIPS):
        name = NAMES[number % len(NAMES)]
        content = bytearray((copy / name).read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        harmed(copy, name, bytes(content))
    Explorer.open(copy)


def test_cut_short_anywhere(copy: Path) -> None:
    rng = random.Random(1)
    for number in range(CUTS):
        name = NAMES[number % len(NAMES)]
        content = (copy / name).read_bytes()
        harmed(copy, name, content[: rng.randrange(len(content))])


def test_longer_than_it_was(copy: Path) -> None:
    for name in artifacts.FILES:
        harmed(copy, name, (copy / name).read_bytes() + b"\n")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another artifact: all its files differ from the demo's."""
    from dataclasses import replace

    out = tmp_path_factory.mktemp("other") / "other"
    demo = artifacts.load(DEMO)
    data = replace(
        demo.dataset,
        items=demo.dataset.items[::-1].reset_index(drop=True),
        user_ids=demo.dataset.user_ids[::-1],
        user=demo.dataset.user[::-1],
    )
    data = replace(data, head=data.head[::-1], entities=data.entities[::-1])
    weights = {name: value * 2 + 1 for name, value in demo.weights.items()}
    picks = {name: value[:, ::-1].copy() for name, value in demo.picks.items()}
    graph = replace(demo.graph, strengths=demo.graph.strengths * 2)
    snapshots = {name: value[:1] for name, value in (demo.snapshots or {}).items()}
    maps = {
        "item_map": demo.item_map.assign(x=0, y=0).astype({"x": "float32", "y": "float32"}),
        "user_map": demo.user_map[::-1],
    }
    metrics, run = demo.metrics | {"best_epoch": 0}, demo.run | {"hardware": "another"}
    artifacts.save(
        replace(
            demo,
            dataset=data,
            weights=weights,
            picks=picks,
            graph=graph,
            history=demo.history[:3],
            metrics=metrics,
            run=run,
            snapshots=snapshots,
            **maps,
        ),
        out,
    )
    return out


@pytest.mark.parametrize("name", artifacts.FILES)
def test_a_file_of_another_artifact(name: str, copy: Path, other: Path) -> None:
    assert (other / name).read_bytes() != (copy / name).read_bytes()
    harmed(copy, name, (other / name).read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file(name: str, copy: Path) -> None:
    path = copy / name
    kept = path.read_bytes()
    path.unlink()
    try:
        refused(copy, name)
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize("name", ["weights.safetensors", "items.parquet", "metrics.json", "manifest.json"])
def test_the_command_line_says_it_in_one_line(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy / name
    kept = path.read_bytes()
    path.write_bytes(kept[:-7])
    try:
        code, out, err = run(capsys, monkeypatch, "info", str(copy))
    finally:
        path.write_bytes(kept)
    assert code == 2 and out == "" and err.count("\n") == 1 and name in err


@pytest.mark.parametrize("name", ["weights.safetensors", "users.parquet", "manifest.json"])
def test_the_app_says_it_and_lives(name: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copy / name
    kept = path.read_bytes()
    path.write_bytes(kept[:-7])
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(copy.parent))
    try:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    finally:
        path.write_bytes(kept)
    assert not app.exception
    # Shown as text: what Markdown would take for its own is escaped
    said = [str(box.value).replace("\\", "") for box in (*app.error, *app.warning)]
    assert any(name in text for text in said), said
