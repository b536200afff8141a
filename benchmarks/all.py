"""Every benchmark in order: `python benchmarks/all.py --artifact artifacts/anime` (packages of
requirements-bench.txt, chromium; the data sets lie where benchmarks/sets.py looks for them).

Resumable: what a benchmark took is kept under --work, and what is done is not done again; --again NAME does
it anew. Each writes its figures into benchmarks/results, and the pages there are written at the end.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def commands(artifact: Path, data: Path | None) -> dict[str, list[list[str]]]:
    """The arguments of Python for each benchmark, by name, in their order."""
    at = ["--data", str(data)] if data else []
    out = {
        name: ["--out", str(RESULTS / f"{name}.json")] for name in ("speed", "startup", "explorer", "load")
    }
    return {
        "accuracy": [["accuracy.py", "--recorded", *at], ["accuracy.py", "--tables"]],
        "cold": [["cold.py", *at]],
        "levers": [["levers.py", *at]],
        "speed": [["speed.py", "--artifact", str(artifact), *at, *out["speed"]]],
        "startup": [["startup.py", *out["startup"]]],
        "explorer": [["explorer.py", str(artifact), *out["explorer"]]],
        "load": [["load.py", *out["load"]]],
        "fuzz": [["fuzz.py", "--minutes", "10"]],
        "pages": [["tables.py"], ["figures.py"]],
    }


def run(name: str, steps: list[list[str]], work: Path) -> None:
    """Run one benchmark, and keep the seconds that it took; SystemExit where it fails."""
    began = time.perf_counter()
    for script, *arguments in steps:
        ended = subprocess.run([sys.executable, str(ROOT / "benchmarks" / script), *arguments], check=False)
        if ended.returncode:
            raise SystemExit(
                f"{name} failed: {script} ended with {ended.returncode}. Run again to go on here."
            )
    seconds = time.perf_counter() - began
    (work / f"{name}.json").write_text(json.dumps({"seconds": round(seconds, 1)}), "utf-8")
    print(f"{name}: {seconds:,.0f} s", flush=True)


def main() -> None:
    """Read the arguments and run what is not done yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--artifact", type=Path, default=ROOT / "artifacts" / "anime")
    parser.add_argument("--data", type=Path, help="holds a folder for each data set")
    parser.add_argument("--work", type=Path, default=ROOT / ".benchmarks", help="what is done; git-ignored")
    parser.add_argument("--only", nargs="+", help="these alone")
    parser.add_argument("--again", nargs="+", default=[], help="do these anew")
    given = parser.parse_args()
    found = commands(given.artifact, given.data)
    if unknown := {*(given.only or ()), *given.again} - set(found):
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}: expected some of {', '.join(found)}")
    given.work.mkdir(parents=True, exist_ok=True)
    for name, steps in found.items():
        kept = given.work / f"{name}.json"
        if given.only and name not in given.only:
            continue
        if kept.is_file() and name != "pages" and name not in given.again:
            print(f"{name}: done, {json.loads(kept.read_text('utf-8'))['seconds']:,.0f} s", flush=True)
        else:
            run(name, steps, given.work)


if __name__ == "__main__":
    main()
