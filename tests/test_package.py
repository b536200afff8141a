"""The package: one list of requirements, three public names, a wheel that opens the app, a container."""

from __future__ import annotations

import json
import shutil
import socket
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import dskreg
from dskreg import app_server
from dskreg.errors import InputError
from dskreg.storage import places
from dskreg.storage.catalogue import summaries
from dskreg.ui.common import cache
from tests.command_line import DEMO, ROOT, run, tiny_data
from tests.installed import Installed, install

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
QUICKSTART = r"""from dskreg import load
explorer = load("demo")
items = explorer.recommend(explorer.profile(17), top=5)
neighbours = explorer.explain(explorer.profile(17), items["item_id"][0]).item_neighbours
print(items[["title", "score"]], neighbours[["title", "contribution"]].head(8), sep="\n")
"""
RUN = """\
import sys, time
from pathlib import Path
from dskreg.runs.manager import Request, Runs

small = ("model.width=8", "graph.min_items=2")
runs = Runs(Path("artifacts/.runs"), Path("data"), Path("artifacts"))
run = runs.start(Request.of(data="tiny", out="mine", epochs=1, baselines=False, settings=small))
while runs.get(run.id).state == "running":
    time.sleep(0.2)
print(runs.get(run.id).state, runs.tail(run.id), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("installed"))


# Requirements and metadata


def test_requirements_files_point_to_pyproject() -> None:
    points = {
        "requirements.txt": "-e .",
        "requirements-dev.txt": "-e .[dev]",
        "requirements-bench.txt": "-e .[bench]",
    }
    assert {path.name: path.read_text().strip() for path in ROOT.glob("requirements*.txt")} == points


def test_optional_packages_are_extras_alone() -> None:
    optional = PROJECT["optional-dependencies"]
    assert {*optional} == {"kaggle", "ann", "dev", "bench"}
    needed = [*PROJECT["dependencies"], *optional["dev"]]
    assert not [text for text in needed if text.startswith(("kagglehub", "faiss", "implicit", "optuna"))]
    assert "torch==2.13.0" in needed


def test_the_wheel_has_whole_metadata(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(name).decode("utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("dskreg", dskreg.__version__)
    assert metadata["License-Expression"] == "MIT" and metadata["Author"] == "DSKReG Explorer contributors"
    assert metadata["Requires-Python"] and metadata["Keywords"] and metadata.get_all("Classifier")
    assert metadata.get_payload() == (ROOT / "README.md").read_text("utf-8")


# Public names


def test_an_unknown_public_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Explore'"):
        _ = dskreg.Explore


def test_load_opens_a_folder_or_a_name() -> None:
    assert dskreg.load("demo").content == dskreg.load(DEMO).content
    with pytest.raises(InputError, match="no such folder, and no artifact of that name; there are: demo"):
        dskreg.load("omed")


# The installed package


def test_the_wheel_holds_the_app_as_it_is_in_the_repository(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        app = {
            name.removeprefix("dskreg/app/") for name in wheel.namelist() if name.startswith("dskreg/app/")
        }
        assert all(wheel.read(f"dskreg/app/{name}") == (ROOT / name).read_bytes() for name in app)
        modules = {name for name in wheel.namelist() if name.startswith("dskreg/") and name.endswith(".py")}
    pages = {f"pages/{path.name}" for path in ROOT.glob("pages/*.py")}
    demo = {f"artifacts/demo/{path.name}" for path in DEMO.iterdir()}
    figures = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("benchmarks/**/accuracy.json")}
    assert app == {"app.py", ".streamlit/config.toml"} | pages | demo | figures
    own = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("dskreg/**/*.py")}
    assert {name for name in modules if not name.startswith("dskreg/app/")} == own


def test_the_installed_command_finds_the_demo_by_name(installed: Installed) -> None:
    done = installed.run(installed.command, "info", "demo", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["name"] == "demo" and document["content"] == dskreg.load(DEMO).content
    assert installed.run(installed.command, "--version").stdout == f"dskreg {dskreg.__version__}\n"


def test_a_run_writes_to_the_current_folder_and_the_python_quickstart_recommends_and_explains(
    installed: Installed,
) -> None:
    (installed.folder / "data").mkdir()
    tiny_data(installed.folder / "data" / "tiny")
    done = installed.run(installed.python, "-c", RUN)
    assert done.returncode == 0 and done.stderr.startswith("finished"), done.stderr
    assert (installed.folder / "artifacts" / "mine" / "manifest.json").is_file()
    done = installed.run(installed.python, "-c", f"{QUICKSTART}print(load('mine').name)")
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout and "contribution" in done.stdout and done.stdout.endswith("\nmine\n")
    assert dskreg.load("demo").recommend(dskreg.load("demo").profile(17), top=1)["title"][0] in done.stdout


# Starting the app


def test_the_app_is_told_its_folders_port_and_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DSKREG_ARTIFACTS", "DSKREG_DATA", "DSKREG_DEMO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    script = str(ROOT / "app.py")
    assert app_server.words(None, None) == ["streamlit", "run", script, "--server.showEmailPrompt=false"]
    assert app_server.words(8600, "::1")[-2:] == ["--server.port=8600", "--server.address=::1"]
    told = {
        "DSKREG_ARTIFACTS": f"{tmp_path}/artifacts",
        "DSKREG_DATA": f"{tmp_path}/data",
        "DSKREG_DEMO": "on",
    }
    assert app_server.folders(None) == told
    assert app_server.folders(Path("models"))["DSKREG_ARTIFACTS"] == f"{tmp_path}/models"
    monkeypatch.setenv("DSKREG_ARTIFACTS", "/models")
    monkeypatch.setenv("DSKREG_DATA", "/data")
    monkeypatch.setenv("DSKREG_DEMO", "off")
    assert app_server.folders(None) == {
        "DSKREG_ARTIFACTS": "/models",
        "DSKREG_DATA": "/data",
        "DSKREG_DEMO": "off",
    }


def test_a_port_in_use_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = run(capsys, monkeypatch, "app", "--port", str(port), "--address", "127.0.0.1")
    assert answer == (2, "", f"error: --port: {port} on 127.0.0.1 cannot be used (Address already in use)\n")


def test_the_bundled_demo_is_offered_beside_the_artifacts_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("DSKREG_DEMO", raising=False)
    assert cache.artifact_names() == []
    monkeypatch.setenv("DSKREG_DEMO", "on")
    assert cache.artifact_names() == ["demo"] and cache.artifact_path("demo") == places.BUNDLED / "demo"
    shutil.copytree(DEMO, tmp_path / "another")
    assert cache.artifact_names() == ["demo", "another"] and cache.artifact_path("another").parent == tmp_path
    assert summaries(*cache.artifact_folders())["name"].tolist() == ["another", "demo"]
    shutil.copytree(DEMO, tmp_path / "demo")
    assert cache.artifact_names() == ["demo", "another"] and cache.artifact_path("demo").parent == tmp_path


# The container


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_container_copies_what_exists_and_all_that_the_wheel_needs() -> None:
    copied = [text.split() for name, text in instructions() if name == "COPY" and "--from" not in text]
    sources = [source for *found, _ in copied for source in found]
    for source in sources:
        assert "*" in source or (ROOT / source).exists(), source
    assert {"setup.py", "pyproject.toml", "README.md", "app.py", ".streamlit", "pages", "dskreg"} <= {
        *sources
    }
    assert "artifacts/demo" in sources
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert not {*sources} & {*ignored} and "!artifacts/demo" in ignored


def test_the_container_runs_dskreg_app_as_a_user_with_a_health_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dict(instructions())  # of several with one name, the last
    command = json.loads(given["CMD"])
    code, text, _ = run(capsys, monkeypatch, "app", "--help")
    assert code == 0 and "Usage: dskreg app " in text
    assert command[:2] == ["dskreg", "app"] and all(word in text for word in command if word.startswith("--"))
    assert command[command.index("--address") + 1] == "0.0.0.0"
    assert given["USER"] not in ("root", "0") and f"useradd --create-home {given['USER']}" in given["RUN"]
    port = command[command.index("--port") + 1]
    assert given["EXPOSE"] == port and f"127.0.0.1:{port}/_stcore/health" in given["HEALTHCHECK"]
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("CMD") and given["FROM"] == "python:3.11-slim"
