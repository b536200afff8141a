"""Artifacts that go elsewhere: other folders, other accounts, other versions of the libraries and of the
project itself.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

import dskreg
from benchmarks import libraries
from dskreg.explorer import Explorer, InputError
from dskreg.storage.manifest import FORMAT, MANIFEST, RUN
from tests.command_line import run
from tests.reliability.broken_artifacts import consistent
from tests.small import DEMO
from tests.test_cases import another_account

RECORDED = {
    "python": "3.12.1",
    "torch": "2.12.0+cu126",
    "pandas": "3.0.0",
    "numpy": "2.3.0",
    "pyarrow": "25.0.0",
}
NEWER = {"python": "3.13.9", "torch": "2.14.0", "pandas": "3.2.0", "numpy": "2.9.0", "pyarrow": "31.0.0"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The demo in a folder of another name, whose names have blanks."""
    for folder in (tmp_path, *tmp_path.parents[:3]):  # for the other account
        folder.chmod(folder.stat().st_mode | 0o055)
    return Path(shutil.copytree(DEMO, tmp_path / "another machine" / "my model"))


def rewrite(path: Path, **changes: Any) -> None:
    """Fields of a JSON document."""
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), encoding="utf-8")


def seen_by(explorer: Explorer) -> tuple[Any, ...]:
    """Lists, an explanation and figures, to compare."""
    user = explorer.profile(17)
    top = explorer.recommend(user, 10)
    e = explorer.explain(user, top["item_id"][0], seed=1)
    return (top.to_dict("records"), e.terms.to_dict("records"), e._repr_html_(), explorer.metrics())


@pytest.mark.parametrize("versions", [RECORDED, NEWER, {}, {"a library of the future": "1"}], ids=str)
def test_recorded_versions_are_told_and_never_required(copy: Path, versions: dict[str, str]) -> None:
    rewrite(copy / RUN, versions=versions)
    consistent(copy)
    opened = dskreg.load(copy)
    assert opened.info()["versions"] == versions
    assert opened.recommend(opened.profile(17), 3)["item_id"].tolist() == (
        dskreg.load(DEMO).recommend(opened.profile(17), 3)["item_id"].tolist()
    )


def test_an_artifact_opens_read_only_from_elsewhere_under_another_account(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = seen_by(dskreg.load(DEMO))  # everything is imported
    files = sorted(copy.iterdir())
    for path in files:
        path.chmod(0o444)
    copy.chmod(0o555)
    monkeypatch.chdir(copy.parent)
    before = [(path, path.stat().st_mtime_ns) for path in sorted(copy.parent.rglob("*"))]
    try:
        with another_account():
            assert seen_by(dskreg.load("my model")) == expected
            assert seen_by(dskreg.load(Path("..") / "another machine" / "my model")) == expected
    finally:
        copy.chmod(0o755)
    assert [(path, path.stat().st_mtime_ns) for path in sorted(copy.parent.rglob("*"))] == before


def as_written_by_others(folder: Path, **options: Any) -> None:
    """The same tables and tensors, as other versions of their libraries may store them."""
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path).replace_schema_metadata(
            {b"pandas": b"{}"} if options.get("tagged") else None
        )
        for place, field in enumerate(table.schema):
            if options.get("large") and pa.types.is_string(field.type):
                table = table.set_column(place, field.name, table.column(place).cast(pa.large_string()))
        kept = {name: value for name, value in options.items() if name not in ("tagged", "large")}
        pq.write_table(table, path, **kept)
    for path in folder.glob("*.safetensors"):
        save_file(load_file(path), path, {"format": "pt"})


@pytest.mark.parametrize(
    "options",
    [
        {"version": "1.0", "compression": "none", "use_dictionary": False},
        {"version": "2.6", "compression": "snappy", "data_page_version": "2.0", "large": True},
        {"compression": "gzip", "row_group_size": 500, "write_statistics": False, "tagged": True},
    ],
    ids=str,
)
def test_tables_and_tensors_of_other_writers_are_the_same(copy: Path, options: dict[str, Any]) -> None:
    as_written_by_others(copy, **options)
    consistent(copy)
    opened, demo = dskreg.load(copy), dskreg.load(DEMO)
    assert seen_by(opened) == seen_by(demo)
    assert opened.items.dtypes.astype(str).to_dict() == demo.items.dtypes.astype(str).to_dict()


def test_every_library_has_an_oldest_release_for_the_script_that_tries_it() -> None:
    oldest = libraries.requirements(oldest=True)
    assert {"torch==2.13.0", "pyvis==0.3.2", "pandas==3.1", "openTSNE==1.0.4"} < set(oldest)
    assert len(oldest) == len(libraries.requirements(oldest=False))
    with pytest.raises(ValueError, match="torch<3: expected a lower bound"):
        libraries.lower("torch<3")


def test_the_script_sees_other_numbers_words_and_lengths() -> None:
    found = {"score": 1.0, "items": [{"title": "A", "rank": 1}], "none": None}
    assert not list(libraries.differences(found, found | {"score": 1.0 + 0.9e-5}))
    for name, value, told in (
        ("score", 1.0 + 1.1e-5, "demo/score: 1.0 and 1.000011"),
        ("score", float("nan"), "demo/score: 1.0 and nan"),
        ("items", [{"title": "B", "rank": 1}], "demo/items/0/title: A and B"),
        ("items", [{"title": "A", "rank": 1.0}], "demo/items/0/rank: 1 and 1.0"),
        ("items", [], "demo/items: [{'title': 'A', 'rank': 1}] and []"),
        ("none", 0, "demo/none: None and 0"),
    ):
        assert list(libraries.differences(found, found | {name: value}, "demo")) == [told]


def test_the_script_asks_the_environment_s_interpreter() -> None:
    told = libraries.asked(Path(sys.executable), "-m", "dskreg", "--version")
    assert told == f"dskreg {dskreg.__version__}\n"
    with pytest.raises(RuntimeError, match=r"^-c raise SystemExit\('no'\): no$"):
        libraries.asked(Path(sys.executable), "-c", "raise SystemExit('no')")


# Other formats

Broken = Callable[[Path], object]
UNKNOWN = "run.json does not name the version that made it (before 0.1.0 none did), so train it again"
READERS: dict[str, tuple[Broken, str]] = {
    "of the version that made it": (
        lambda folder: rewrite(folder / RUN, versions={"dskreg": "0.7.2"}),
        f"dskreg 0.7.2, which made it, reads it (this is {dskreg.__version__}); or train it again",
    ),
    "with fields of its own": (
        lambda folder: rewrite(folder / RUN, versions={"dskreg": "1.0.0rc1", "torch": "9"}, place="here"),
        f"dskreg 1.0.0rc1, which made it, reads it (this is {dskreg.__version__}); or train it again",
    ),
    "of a development version": (
        lambda folder: rewrite(folder / RUN, versions={"dskreg": dskreg.__version__}),
        f"a development version of dskreg {dskreg.__version__} made it, so train it again",
    ),
    "without a version": (lambda folder: rewrite(folder / RUN, versions={}), UNKNOWN),
    "with text instead": (
        lambda folder: rewrite(folder / RUN, versions={"dskreg": "1; rm\x1b[2J\u202e"}),
        UNKNOWN,
    ),
    "without the file": (lambda folder: (folder / RUN).unlink(), UNKNOWN),
    "with no JSON": (lambda folder: (folder / RUN).write_text("{"), UNKNOWN),
}


@pytest.mark.parametrize("made", READERS)
@pytest.mark.parametrize("version", [FORMAT - 1, FORMAT + 1])
def test_another_format_names_the_version_that_reads_it(copy: Path, version: int, made: str) -> None:
    apply, told = READERS[made]
    apply(copy)
    rewrite(copy / MANIFEST, format=version, fields_of_that_format=[1])
    consistent(copy)
    with pytest.raises(InputError) as caught:
        dskreg.load(copy)
    start = f"{copy / MANIFEST}: format version {version}, this program reads version {FORMAT}; "
    assert str(caught.value) == start + told


def test_the_command_line_says_it_too(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(copy / RUN, versions={"dskreg": "0.7.2"})
    rewrite(copy / MANIFEST, format=FORMAT + 1)
    code, out, err = run(capsys, monkeypatch, "info", str(copy))
    assert code == 2 and out == "" and err.count("\n") == 1 and "dskreg 0.7.2, which made it, reads it" in err
