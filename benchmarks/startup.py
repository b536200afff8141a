"""How long from `streamlit run app.py` to the first list in the browser: `python benchmarks/startup.py`
(packages of requirements-dev.txt, chromium).

The browser is open before the clock starts, and a page goes to the address as soon as the port takes a
connection: what one sees who types the command and reloads at once. Seconds from the start of the process
until the first reason stands on the page, and of `import dskreg.explorer` in a process of its own. The files
are warm after one uncounted start.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import browse, launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIRST_LIST, IMPORT = 5.0, 2.5  # targets, seconds
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


def report(name: str, seconds: list[float], target: float) -> dict[str, Any]:
    """Print one line; the same as an entry of the document."""
    median = statistics.median(seconds)
    print(
        f"{name:<32} {median:6.2f} s   target {target:.1f} s   ({', '.join(f'{s:.2f}' for s in seconds)})",
        flush=True,
    )
    return {"median": median, "target": target, "seconds": seconds}


def processor() -> str:
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        if cpuinfo.is_file()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def measure(artifacts: Path, times: int) -> dict[str, Any]:
    """The document: single times, medians and targets in seconds, with machine and versions."""
    imports = [import_explorer() for _ in range(times + 1)][1:]
    results = {
        "import dskreg.explorer": report(
            "import dskreg.explorer", [seconds for seconds, _ in imports], IMPORT
        )
    }
    heavy = imports[0][1]
    print(f"which imports of {', '.join(HEAVY)}: {', '.join(heavy) or 'none'}", flush=True)
    with browse() as browser:
        seconds = [
            first_list(browser, {"DSKREG_ARTIFACTS": str(artifacts.resolve())}) for _ in range(times + 1)
        ][1:]
    results["first list in the browser"] = report("first list in the browser", seconds, FIRST_LIST)
    return {
        "results": results,
        "imported": heavy,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("streamlit", "torch", "pandas", "scipy", "playwright")},
    }


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
    parser.add_argument("--json", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    document = measure(arguments.artifacts, arguments.times)
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
