"""The fuzzer finds what is planted, tells how to repeat it, and finds nothing where nothing is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from benchmarks import fuzz
from dskreg.data.readers import kgat
from dskreg.data.readers.atomic import recbole
from dskreg.errors import InputError


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of memory would hold for the tests that follow."""
    monkeypatch.setattr(fuzz.resource, "setrlimit", lambda *_: None)


def test_nothing_is_found_where_nothing_is_planted(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--inputs", "25", "--minutes", "5"]) == 0
    told = capsys.readouterr().out
    figures = re.findall(
        r"^(\w+): 25 tried, (\d+) read, (\d+) refused \((\d+) distinct messages\), 0 failures$",
        told,
        re.MULTILINE,
    )
    assert [row[0] for row in figures] == ["kaggle", "text", "recbole", "tables", "known"]
    assert all(
        int(read) > 0 and int(refused) > 0 and int(read) + int(refused) == 25
        for _, read, refused, _ in figures
    )


def test_a_planted_bug_is_found_and_its_seed_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers of a list are no longer checked before they are converted."""
    with monkeypatch.context() as planted:
        planted.setattr(kgat, "_whole", lambda source, line, column, word: int(word))
        assert fuzz.main(["--format", "text", "--inputs", "60", "--minutes", "5"]) == 1
        seed = re.search(
            (
                r"FAILURE ValueError at \S+; repeat: python benchmarks/fuzz.py --format text --seed "
                r"(\d+) --inputs 1\n"
            ),
            capsys.readouterr().out,
        )
        assert seed
        again = ["--format", "text", "--seed", seed[1], "--inputs", "1"]
        assert fuzz.main(again) == 1
    assert fuzz.main(again) == 0


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (InputError("two\nlines of x.inter"), "AssertionError"),
        (InputError("names no file"), "AssertionError"),
        (MemoryError(), "MemoryError"),
        (DeprecationWarning("old"), "DeprecationWarning"),
        (None, "TooSlow"),
    ],
)
def test_everything_but_a_clean_refusal_is_a_failure(
    wrong: Exception | None, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def planted(*_: object) -> None:
        if wrong:
            raise wrong
        time.sleep(5)

    monkeypatch.setattr(recbole, "_items", planted)
    tally = fuzz.Tally()
    for seed in range(6):
        fuzz.attempt(tmp_path, "recbole", seed, tally, seconds=0.5)
    assert tally.failures and all(name.startswith(f"{kind} at ") for name in tally.failures)
    assert not list(tmp_path.iterdir())
