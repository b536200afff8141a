"""How reading, the candidate graph and an epoch grow with the interactions: `python benchmarks/growth.py`.

Sets of several sizes are grown from the anime sample (`benchmarks/grow.py`), read, split, and trained for one
epoch each, one process per size. The slope of log(CPU seconds) over log(training likes) is 1 where time grows
linearly, and 0 for the graph, whose items are the same.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
SIZES = (500_000, 1_000_000, 2_000_000, 4_000_000, 7_800_000)


def measured(size: int, folder: Path, epoch: bool = True) -> dict[str, float]:
    """Grow a set of `size` ratings into `folder` and train an epoch on it; likes and CPU seconds."""
    subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "grow.py", "--to", folder, "--ratings", str(size)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [sys.executable, ROOT / "benchmarks" / "large.py", folder, "--out", folder / "figures.json"]
    stages = ["read", "split", "graph", *(["train"] if epoch else [])]
    subprocess.run([*command, "--stages", *stages], check=True, stdout=subprocess.DEVNULL)
    figures = json.loads((folder / "figures.json").read_text("utf-8"))["figures"]
    said = {figure["stage"]: figure for figure in figures}
    row = {"ratings": size, "likes": number(r"([\d,]+) training likes", said["split"]["size"])}
    row |= {f"{stage}_s": said[stage]["cpu_seconds"] for stage in ("read", "split", "graph")}
    if epoch:
        row["epoch_s"] = number(r"one epoch of ([\d.]+) s", said["train"]["size"])
    return row | {"peak_mb": figures[-1]["peak_mb"]}


def number(pattern: str, text: str) -> float:
    """The first group of `pattern` in `text`, commas aside."""
    found = re.search(pattern, text)
    assert found, text
    return float(found[1].replace(",", ""))


def slope(rows: list[dict[str, Any]], seconds: str, size: str = "likes") -> float:
    """Of log(seconds) over log(size), by least squares."""
    x, y = (np.log([row[name] for row in rows]) for name in (size, seconds))
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    """Read the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="ratings of each set")
    parser.add_argument("--out", type=Path, help="a JSON file")
    parser.add_argument("--no-epoch", action="store_true", help="read, split and graph alone")
    given = parser.parse_args()
    rows: list[dict[str, float]] = []
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(size, Path(folder) / "set", not given.no_epoch))
        print("  ".join(f"{name} {value:,.6g}" for name, value in rows[-1].items()), flush=True)
    slopes = {name: slope(rows, name) for name in rows[0] if name.endswith("_s")}
    for name, value in slopes.items():
        print(f"slope of log({name}) over log(likes): {value:.3f}")
    if given.out:
        given.out.write_text(json.dumps({"rows": rows, "slopes": slopes}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
