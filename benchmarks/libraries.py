"""Does an artifact give the same with the oldest and the newest libraries that pyproject.toml allows?
`python benchmarks/libraries.py` (a package index; some minutes and gigabytes).

Two environments are made, one with the lower bound of every range, one with the newest releases. In each, the
commands of COMMANDS are asked about the demo, and every page of the app is opened. Each also trains a model,
which both open. Numbers may differ by TOLERANCE, all else not at all. pip is asked for torch first, as it is
set up: where its index has builds for CUDA, PIP_EXTRA_INDEX_URL may name one without.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "artifacts" / "demo"
TOLERANCE = 1e-5
USER, ITEM = "17", "739"
COMMANDS = {
    "info": (),
    "recommend": ("--user", USER, "--cold-boost", "2"),
    "explain": ("--user", USER, "--item", ITEM),
    "whatif": ("--user", USER, "--item", ITEM, "--smallest"),
    "slices": (),
    "evaluate": (),
}
TRAINED = ("info", "recommend", "evaluate")  # of the models that the environments train
TRAIN = ("train", "demo", "--epochs", "2", "--no-baselines")
PAGES = """
from streamlit.testing.v1 import AppTest
for page in ("", "sampling", "what_if", "compare", "embeddings", "model", "runs"):
    app = AppTest.from_file("app.py", default_timeout=300)
    app.run()
    if page:
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, (page, app.exception)
"""


def requirements(oldest: bool) -> list[str]:
    """What pyproject.toml requires, as it is or with the lower bound of each range."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [lower(text) if oldest else text for text in project["dependencies"]]


def lower(requirement: str) -> str:
    """The requirement of the oldest release that this one allows; ValueError without a lower bound."""
    found = re.fullmatch(r"([\w.-]+)\s*(?:==|>=)\s*([\w.]+)(?:,.*)?", requirement)
    if found is None:
        raise ValueError(f"{requirement}: expected a lower bound")
    return f"{found[1]}=={found[2]}"


def environment(folder: Path, wanted: list[str]) -> Path:
    """The interpreter of a new environment that holds these packages."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *(text for text in wanted if text.startswith("torch=="))], check=True)
    subprocess.run([*pip, *wanted], check=True)
    return python


def asked(python: Path, *words: str | Path) -> str:
    """What the interpreter prints for these arguments; RuntimeError with its messages where it fails."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, *words], cwd=ROOT, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words[:4]))}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def answers(python: Path, artifact: Path, commands: tuple[str, ...] = tuple(COMMANDS)) -> dict[str, Any]:
    """The documents of these commands about an artifact."""
    return {
        name: json.loads(asked(python, "-m", "dskreg", name, artifact, *COMMANDS[name], "--json"))
        for name in commands
    }


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two documents differ: in a number by more than TOLERANCE, or in anything else."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{place}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{place}/{number}")
    elif isinstance(one, float) and isinstance(other, float):
        if not abs(one - other) <= TOLERANCE:
            yield f"{place}: {one} and {other}"
    elif type(one) is not type(other) or one != other:
        yield f"{place}: {str(one)[:100]} and {str(other)[:100]}"


def versions(python: Path, names: list[str]) -> dict[str, str]:
    """The versions of packages in the interpreter's environment."""
    code = "import json, sys; from importlib.metadata import version as v; "
    code += "print(json.dumps({name: v(name) for name in sys.argv[1:]}))"
    return json.loads(asked(python, "-c", code, *names))


def compare(folder: Path) -> Iterator[str]:
    """Make both environments, print their versions, and yield what differs."""
    pythons = {}
    for name in ("oldest", "newest"):
        wanted = requirements(name == "oldest")
        kept = folder / name / "bin" / "python"
        pythons[name] = kept if kept.exists() else environment(folder / name, wanted)
        names = [re.split(r"[=><]", text)[0] for text in wanted]
        print(f"{name}: {', '.join(map(' '.join, versions(pythons[name], names).items()))}", flush=True)
    old, new = pythons.values()
    found = {}
    for name, python in pythons.items():
        asked(python, "-m", "dskreg", *TRAIN, "--out", folder / f"by-{name}")
        asked(python, "-c", PAGES)
        found[name] = answers(python, DEMO)
        print(f"{name}: trains, opens every page", flush=True)
    yield from differences(found["oldest"], found["newest"], "demo")
    for name in pythons:
        made = folder / f"by-{name}"
        yield from differences(answers(old, made, TRAINED), answers(new, made, TRAINED), f"by-{name}")


def main() -> None:
    """Compare; exit code 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--keep", type=Path, help="a folder that keeps the environments for a later call")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = list(compare(given.keep.absolute() if given.keep else Path(place)))
    print(*found or [f"no difference above {TOLERANCE:g}"], sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
