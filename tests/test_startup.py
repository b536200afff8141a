"""What the way to the first list must not import: each of these packages takes between a tenth of a second
and four seconds.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "artifacts" / "demo"
HEAVY = ("torch_geometric", "sklearn", "openTSNE", "pyvis", "altair")


def imported_by(program: str, packages: tuple[str, ...]) -> list[str]:
    """Which of `packages` a fresh process has imported once it has run `program`."""
    asking = (
        f"{program}\nimport sys\nprint('imported:', *(name for name in {packages} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()[1:]


def test_what_is_imported_is_found() -> None:
    assert imported_by("import json, dskreg", ("json", "torch", "dskreg")) == ["json", "dskreg"]


def test_the_door_to_the_model_is_light() -> None:
    assert imported_by("import dskreg.explorer", ("torch", "streamlit", "plotly", *HEAVY)) == ["torch"]


def test_the_menu_does_not_wait_for_the_model() -> None:
    """What is imported at the moment when app.py hands its pages to Streamlit."""
    spy = (
        "import streamlit as st\nimport sys\nfrom streamlit.testing.v1 import AppTest\n"
        "at_once, navigation = [], st.navigation\n"
        "def spied(pages):\n    at_once.append({'torch', 'pandas', 'dskreg.explorer'} & "
        "set(sys.modules))\n    return navigation(pages)\n"
        "st.navigation = spied\nAppTest.from_file('app.py', default_timeout=60).run()\nassert at_once == "
        "[set()], at_once"
    )
    assert imported_by(spy, ("torch",)) == ["torch"]


@pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
def test_so_is_the_first_page() -> None:
    """Run to its end: what the page asks the model counts as well."""
    visit = (
        "from streamlit.testing.v1 import AppTest\napp = AppTest.from_file('app.py', "
        "default_timeout=60).run()\n"
    )
    assert imported_by(
        visit + "assert not app.exception and app.get('vega_lite_chart')", ("torch", *HEAVY)
    ) == ["torch"]


def in_a_fresh_process(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_libraries_stay_out_of_later_collections() -> None:
    in_a_fresh_process(
        "import gc\nfrom dskreg.ui import libraries\n"
        "during = []\ngc.callbacks.append(lambda phase, _: "
        "during.append(phase))\nlibraries.load()\ngc.callbacks.clear()\n"
        "assert not during, f'collected {len(during) // 2} times while importing'\n"
        "import torch\nassert gc.isenabled() and not any(kept is torch.nn.Module for kept in "
        "gc.get_objects())\n"
        "frozen = gc.get_freeze_count()\nmine = [[] for _ in range(1000)]\nlibraries.load()\n"
        "assert gc.get_freeze_count() <= frozen, 'a later visit is frozen too'"
    )


def test_libraries_that_cannot_be_imported_are_tried_again() -> None:
    in_a_fresh_process(
        "import gc, sys\nfrom dskreg.ui import libraries\nsys.modules['dskreg.explorer'] = None\n"
        "try:\n    libraries.load()\nexcept ImportError:\n    pass\nelse:\n    raise SystemExit('imported "
        "what is not there')\n"
        "assert gc.isenabled() and not gc.get_freeze_count()\n"
        "del sys.modules['dskreg.explorer']\nlibraries.load()\nassert 'torch' in sys.modules and "
        "gc.get_freeze_count()"
    )


def test_one_thread_a_visitor_and_a_look_for_cycles_now_and_then() -> None:
    """As the first visitor finds the process: torch computes in the thread that asks, and cycles go without a
    look after every run.
    """
    in_a_fresh_process(
        "import gc, torch\nfrom dskreg.ui import libraries\nlibraries.load()\nassert "
        "torch.get_num_threads() == 1\n"
        "looks = []\ngc.callbacks.append(lambda phase, info: looks.append(info['generation']) if phase == "
        "'start' else None)\n"
        "for _ in range(5):\n    libraries.tidy()\nassert looks.count(2) == 1, looks"
    )
    assert (
        tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["runner"]["postScriptGC"]
        is False
    )
