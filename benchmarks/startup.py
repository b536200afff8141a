"""How long from `streamlit run app.py` to the first list in the browser: `python benchmarks/startup.py`
(packages of requirements-dev.txt, chromium).

The browser is open before the clock starts, and a page goes to the address as soon as the port takes a
connection: what one sees who types the command and reloads at once. Seconds from the start of the process
until the first reason stands on the page, and of `import dskreg.explorer` in a process of its own. The files
are warm after one uncounted start.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Row, beside, import_torch, save
from benchmarks.served import browse, launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIRST_LIST, IMPORT = 2.0, 1.5  # targets, in imports of torch
FIRST = "`streamlit run app.py` to the first list in the browser"
# Packages that the door to the model does without
HEAVY = ("torch_geometric", "sklearn", "openTSNE", "plotly")
IMPORTED = f"import sys, dskreg.explorer; print(*(name for name in {HEAVY} if name in sys.modules))"


def first_list(browser: Browser, environment: dict[str, str]) -> float:
    """Seconds from the start of the process until the first recommendation's reason is visible."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(60_000)
    start = time.perf_counter()
    with launch(**environment) as (address, process):
        await_port(address, process)
        page.goto(address, wait_until="commit")
        page.get_by_text("Similar to").first.wait_for()
        seconds = time.perf_counter() - start
        page.close()
    return seconds


def await_port(address: str, process: subprocess.Popen) -> None:
    """Wait until something takes connections at the address."""
    at = urlsplit(address)
    while process.poll() is None:
        try:
            socket.create_connection((at.hostname, at.port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"the app did not come up (exit code {process.returncode})")


def import_explorer() -> tuple[float, list[str]]:
    """Seconds of a process that imports dskreg.explorer, and which of the HEAVY packages it has imported."""
    start = time.perf_counter()
    printed = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return time.perf_counter() - start, printed.split()


def measure(artifacts: Path, times: int) -> list[Row]:
    """The medians, also in imports of torch."""
    torch = import_torch(times)
    imports = [import_explorer() for _ in range(times + 1)][1:]
    imported = statistics.median(seconds for seconds, _ in imports)
    with browse() as browser:
        environment = {"DSKREG_ARTIFACTS": str(artifacts.resolve())}
        seconds = [first_list(browser, environment) for _ in range(times + 1)][1:]
    print(f"which imports of {', '.join(HEAVY)}: {', '.join(imports[0][1]) or 'none'}")
    yardstick = ("import torch", torch)
    return [
        Row("`import torch` in a fresh process", torch, "s"),
        beside("`import dskreg.explorer` in a fresh process", imported, "s", yardstick, IMPORT, most=True),
        beside(FIRST, statistics.median(seconds), "s", yardstick, FIRST_LIST, most=True),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--artifacts",
        type=Path,
        default=ROOT / "artifacts",
        help="a folder of artifacts (default: artifacts/, with the demo)",
    )
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    rows = measure(arguments.artifacts, arguments.times)
    print(*rows, sep="\n")
    about = f"Medians of {arguments.times}; the browser is open before the clock starts"
    save(arguments.out, rows, ("streamlit", "torch", "pandas", "pyarrow"), about=about)


if __name__ == "__main__":
    main()
