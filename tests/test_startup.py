"""What the first page must not import: each of these packages takes between 0.1 and 4 seconds."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tomllib

import pytest

from tests.visits import DEMO, ROOT

HEAVY = ("torch_geometric", "sklearn", "openTSNE", "pyvis", "altair")


def run(program: str) -> str:
    """The output of a program in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(program: str, packages: tuple[str, ...]) -> list[str]:
    """Which of `packages` a fresh process has imported after running `program`."""
    asking = f"import sys\nprint('imported:', *(name for name in {packages} if name in sys.modules))"
    return run(f"{textwrap.dedent(program)}\n{asking}").splitlines()[-1].split()[1:]


def test_imported_packages_are_found() -> None:
    assert imported_by("import json, dskreg", ("json", "torch", "dskreg")) == ["json", "dskreg"]


def test_the_public_names_are_imported_on_first_use_with_torch_but_no_heavier_library() -> None:
    program = """
        import sys, dskreg
        assert not {"torch", "pandas", "numpy"} & {*sys.modules}
        from dskreg import DSKReG, Explorer, load
        from dskreg.explorer import Explorer as same
        assert Explorer is same and {*dskreg.__all__} <= {*dir(dskreg)}
    """
    assert imported_by(program, ("torch", "streamlit", "plotly", *HEAVY)) == ["torch"]


@pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
def test_the_menu_does_not_wait_for_the_models_libraries_and_the_page_for_no_heavier_one() -> None:
    program = """
        import streamlit as st
        import sys
        from streamlit.testing.v1 import AppTest
        at_once, navigation = [], st.navigation
        def recorded(pages):
            at_once.append({"torch", "pandas", "dskreg.explorer"} & set(sys.modules))
            return navigation(pages)
        st.navigation = recorded
        app = AppTest.from_file("app.py", default_timeout=60).run()
        assert at_once == [set()], at_once
        parts = "".join(str(part.proto) for part in app.get("bidi_component"))
        assert not app.exception and "title-card" in parts
    """
    assert imported_by(program, ("torch", *HEAVY)) == ["torch"]


def test_the_server_imports_ahead_of_the_first_visit_and_garbage_is_collected_at_intervals() -> None:
    """A failed import is tried again, imported objects are not scanned for garbage, and torch uses one thread
    for each user.
    """
    run("""
        import asyncio, gc, sys, threading
        from pathlib import Path
        from streamlit.web.server.app_discovery import discover_asgi_app
        assert discover_asgi_app(Path("app.py")).import_string == "app:app"
        from dskreg.ui.common import runtime
        sys.modules["dskreg.explorer"] = None
        try:
            runtime.load()
        except ImportError:
            pass
        else:
            raise SystemExit("imported a missing module")
        assert gc.isenabled() and not gc.get_freeze_count()
        del sys.modules["dskreg.explorer"]

        async def serve():
            async with runtime.preload(None):
                return [thread for thread in threading.enumerate() if thread.name == "preload"]
        assert "torch" not in sys.modules
        during = []
        gc.callbacks.append(lambda phase, _: during.append(phase))
        [ahead] = asyncio.run(serve())
        ahead.join()
        gc.callbacks.clear()
        assert "dskreg.explorer" in sys.modules
        assert not during, f"collected {len(during) // 2} times while importing"
        import torch
        assert gc.isenabled() and not any(kept is torch.nn.Module for kept in gc.get_objects())
        frozen = gc.get_freeze_count()
        later = [[] for _ in range(1000)]
        runtime.load()
        assert 0 < gc.get_freeze_count() <= frozen, "a second call freezes more objects"

        assert torch.get_num_threads() == 1
        collected = []
        gc.callbacks.append(
            lambda phase, info: collected.append(info["generation"]) if phase == "start" else None
        )
        for _ in range(5):
            runtime.tidy()
        assert collected.count(2) == 1, collected
    """)
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["runner"]["postScriptGC"] is False
