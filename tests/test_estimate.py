"""How long a training run will take: a range from timed trainings and the size of the data."""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dskreg.runs.estimate import OTHER, SAME, estimate, interactions_in, timed
from dskreg.ui.runs.form import duration
from tests.command_line import DEMO, tiny_data

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def test_a_training_is_read_from_its_artifact(tmp_path: Path) -> None:
    [run] = timed([DEMO, tmp_path])
    recorded = json.loads((DEMO / "run.json").read_text())
    assert (run.model, run.data, run.seconds) == ("demo", "demo", recorded["seconds"]["total"])
    assert 0 < run.in_epochs < run.seconds and run.hardware == recorded["hardware"]
    assert run.interactions > 100_000 and run.epochs == len(recorded["seconds"]["epochs"]) - 1


def test_a_resumed_training_took_at_least_as_long_as_its_epochs(tmp_path: Path) -> None:
    """Its recorded total is that of the last process."""
    made = tmp_path / "demo"
    shutil.copytree(DEMO, made)
    run = json.loads((made / "run.json").read_text())
    run["seconds"]["total"] = 0.5
    (made / "run.json").write_text(json.dumps(run))
    [found] = timed([made])
    assert found.seconds == found.in_epochs > 0.5 and found.scaled(1) > 0


def test_the_same_data_and_settings_take_about_what_they_took() -> None:
    [run] = timed([DEMO])
    found = estimate("demo", "default", None, None, [run])
    assert found and found.same_data and found.basis == (run,)
    assert found.low == pytest.approx(run.scaled(run.epochs) / SAME) and found.low < run.seconds < found.high
    few, many = (estimate("demo", "default", epochs, None, [run]) for epochs in (1, 100 * run.epochs))
    assert few and many and few.high < found.high < many.high
    assert many.high == pytest.approx(SAME * (run.seconds + 99 * run.in_epochs))
    assert many.low == found.low  # it may end early, as it did
    slower = replace(run, model="slower", seconds=3 * run.seconds)
    both = estimate("demo", "default", None, None, [run, slower])
    assert both and both.low == found.low and both.high > found.high and len(both.basis) == 2


def test_other_data_are_scaled_by_size_with_a_wider_range_and_paper_by_itself_alone() -> None:
    [run] = timed([DEMO])
    large = replace(run, model="large", interactions=10 * run.interactions, seconds=20 * run.seconds)
    found = estimate("mine", "default", None, 2 * run.interactions, [large, run])
    assert found and not found.same_data and found.basis == (run,)
    assert found.low == pytest.approx(2 * run.scaled(run.epochs) / OTHER)
    assert found.high == pytest.approx(2 * run.scaled(run.most) * OTHER)
    assert estimate("mine", "default", None, None, [run]) is None
    assert estimate("demo", "paper", None, None, [run]) is None
    assert estimate("demo", "default", None, None, []) is None
    paper = replace(run, preset="paper", seconds=9000.0)
    assert (found := estimate("demo", "paper", None, None, [run, paper])) and found.basis == (paper,)


def test_interactions_are_counted_in_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interactions_in(tiny_data(tmp_path / "board")) == 24 * 8 + 24
    (tmp_path / "rating.csv").write_text("user_id,anime_id,rating\n1,1,8\n1,2,9\n")
    assert interactions_in(tmp_path) == 2
    rows = "".join(f"{u}::{i}::5::9\n" for u in range(3) for i in range(7))
    (tmp_path / "rating.csv").unlink()
    (tmp_path / "ratings.dat").write_text(rows.rstrip("\n"))
    assert interactions_in(tmp_path) == 21
    (tmp_path / "ratings.dat.gz").write_bytes(gzip.compress((tmp_path / "ratings.dat").read_bytes()))
    (tmp_path / "ratings.dat").unlink()
    assert interactions_in(tmp_path) == 21
    monkeypatch.setattr("dskreg.runs.estimate.MOST_PACKED", 10)
    assert interactions_in(tmp_path) is None
    for ending, count in {"csv": 4, "jsonl": 4, "parquet": 4}.items():
        folder = tmp_path / ending
        folder.mkdir()
        frame = pd.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 3], "rating": [5, 4, 3, 5]})
        for part, some in {"train": frame[:3], "test": frame[3:]}.items():
            file = folder / f"{part}.{ending}"
            if ending == "csv":
                some.to_csv(file, index=False)
            elif ending == "jsonl":
                some.to_json(file, orient="records", lines=True)
            else:
                some.to_parquet(file)
        assert interactions_in(folder) == count, ending
    (tmp_path / "jsonl" / "test.jsonl").write_text('[{"user": 1, "item": 2, "rating": 4}]')
    assert interactions_in(tmp_path / "jsonl") is None
    (tmp_path / "parquet" / "train.parquet").write_bytes(b"PAR1")
    assert interactions_in(tmp_path / "parquet") is None
    assert interactions_in(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((56.1,), "56 s"),
        ((37, 84), "37 to 84 s"),
        ((40, 200), "40 s to 3 min"),
        ((90, 840), "2 to 14 min"),
        ((3000, 20000), "50 min to 6 h"),
    ],
)
def test_a_duration_is_said_in_units_that_fit(seconds: tuple[float, ...], text: str) -> None:
    assert duration(*seconds) == text
