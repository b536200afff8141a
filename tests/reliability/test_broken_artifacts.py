"""A consistent artifact that is not one is refused in one line that names the file; what opens can be shown;
and a bad folder harms no other.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.errors import InputError
from dskreg.explorer import Change, Explorer, list_artifacts
from dskreg.storage.artifact import FILES, MANIFEST
from dskreg.storage.catalogue import summaries
from tests.reliability.broken_artifacts import Broken, bombs, broken_whole, consistent, copied
from tests.reliability.size import LONG

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "artifacts" / "demo"
PAGES = ("recommendations", "sampling", "what_if", "compare", "embeddings", "model", "runs")
EVERY = broken_whole(DEMO)
# Each has a guard of its own
ALWAYS = ("picks of others", "manifest.json graph_relations.0 text", "run.json stranger")
SOME = [
    case
    for file in (*FILES, MANIFEST)
    for case in random.Random(5).sample([c for c in EVERY if c.file == file], 9)
]
CASES = EVERY if LONG else [*SOME, *(case for case in EVERY if case.name in ALWAYS and case not in SOME)]
SLOWEST = 10.0  # seconds for one artifact; wanted: less than one
MOST_MEMORY = 500 << 20  # bytes that refusing may take beyond what the program takes anyway


def made(case: Broken, folder: Path) -> Path:
    """The demo, broken that way, all its hashes right."""
    case.apply(copied(DEMO, folder))
    consistent(folder)
    return folder


def show(explorer: Explorer) -> None:
    """Ask what the pages ask."""
    json.dumps(explorer.info(), allow_nan=False)
    (
        explorer.metrics(),
        explorer.training_history(),
        explorer.graph_statistics(),
        explorer.degrees,
        explorer.tastes.presets(),
    )
    profile = explorer.profile(explorer.user_ids[0])
    first = explorer.recommend(profile, 10)["item_id"].iloc[0]
    explorer.explain(profile, first, 7), explorer.what_if(profile, first, Change(), 10)
    explorer.maps.titles(), explorer.maps.users(), explorer.maps.quality(), explorer.maps.quality("users")


def open_(case: Broken, folder: Path) -> str:
    """What is said of the artifact; "" where it opens and can be shown."""
    began = time.process_time()
    try:
        explorer = Explorer.open(folder)
    except InputError as error:
        assert time.process_time() - began < SLOWEST
        return str(error)
    assert not case.fatal, case.name
    show(explorer)
    return ""


def test_there_are_enough_of_every_kind() -> None:
    assert len(EVERY) >= 300 and len({case.name for case in EVERY}) == len(EVERY)
    assert {case.file for case in CASES} == {*FILES, MANIFEST}


SIZES = (MANIFEST, "users.parquet", "items.parquet", "entities.parquet")
"""What they say decides the size of other files, which may then be the ones that do not fit."""


@pytest.mark.parametrize("part", range(4))
def test_what_is_broken_is_refused_by_name(part: int, tmp_path: Path) -> None:
    faults = []
    for case in CASES[part::4]:
        said = open_(case, made(case, tmp_path / "broken"))
        named = any(name in said for name in ((*FILES, MANIFEST) if case.file in SIZES else (case.file,)))
        if said and not (named and said.isprintable() and len(said) < 600):
            faults.append((case.name, said))
    assert not faults


@pytest.mark.parametrize("place", range(6 if LONG else 2))
def test_what_is_small_on_disk_and_huge_in_memory_is_refused_at_once(place: int, tmp_path: Path) -> None:
    case = (
        bombs() if LONG else [bomb for bomb in bombs() if "titles" in bomb.name or "relations" in bomb.name]
    )[place]
    folder = made(case, tmp_path / "bomb")
    program = (
        "import resource, sys, time; from pathlib import Path; from dskreg.storage.artifact import load; "
        "from dskreg.errors import InputError\n"
        "before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()\n"
        "try: load(Path(sys.argv[1]))\n"
        "except InputError as error: print(error)\n"
        "print(time.monotonic() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * "
        "1024)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(told) == 2 and case.file in told[0] and case.field in told[0]
    seconds, memory = (float(word) for word in told[1].split())
    assert seconds < 1 and memory < MOST_MEMORY


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of thirty bad artifacts, some by their names, beside a sound one."""
    root = tmp_path_factory.mktemp("hostile")
    rng, kinds = (
        random.Random(3),
        ("pipe", "loop", "device", "nested", "long", "bytes", "number", "huge", "text", "NaN", "object"),
    )
    for number in range(26):
        kind = kinds[number % len(kinds)]
        case = rng.choice(
            [
                case
                for case in EVERY
                if case.name.endswith(f" {kind}")
                and (number % 2 or case.file == MANIFEST or kind in kinds[7:])
            ]
        )
        made(case, root / f"bad {number:02}")
    for name in (b"\xff\xfe", b"line\nbreak", b"<b>bold", "\u202etnorf ot kcab".encode()):
        (root / os.fsdecode(name)).mkdir()
        (root / os.fsdecode(name) / MANIFEST).write_text("[]")
    shutil.copytree(DEMO, root / "demo")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_the_listing_shows_the_others_and_names_the_bad(hostile: Path) -> None:
    began = time.process_time()
    names, table = list_artifacts(hostile), summaries(hostile)
    assert time.process_time() - began < 1
    assert "demo" in names and all(name.encode() for name in names)
    assert len(table) == 31 and table.set_index("name").loc["demo", "problem"] == ""
    # What is wrong with values is found when it is opened
    assert table["problem"].str.len().gt(20).sum() >= 12
    for name in names:
        if name != "demo":
            try:
                show(Explorer.open(hostile / name))
            except InputError as error:
                assert "\n" not in str(error).replace(name, "")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_beside_them(page: str, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(hostile))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page(f"pages/{page}.py").run()
    began = time.process_time()  # of the processor: other tests run beside this one
    app.run()
    assert time.process_time() - began < 3
    assert not app.exception and len(app.title) >= 1
