"""How the time of an epoch grows with the interactions: `python benchmarks/growth.py`.

Sets of several sizes are grown from the anime sample (`benchmarks/grow.py`), read, split, and trained for one
epoch each, one process per size. The slope of log(seconds) over log(training likes) is 1 where time grows
linearly.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SIZES = (500_000, 1_000_000, 2_000_000, 4_000_000, 7_800_000)


def measured(size: int, folder: Path) -> dict[str, float]:
    """Grow a set of `size` ratings into `folder` and train an epoch on it; likes and seconds."""
    subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "grow.py", "--to", folder, "--ratings", str(size)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [
        sys.executable,
        ROOT / "benchmarks" / "large.py",
        folder,
        "--stages",
        "read",
        "split",
        "graph",
        "train",
        "--json",
        folder / "figures.json",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    said = {
        figure["stage"]: figure
        for figure in json.loads((folder / "figures.json").read_text("utf-8"))["figures"]
    }
    likes = number(r"([\d,]+) training likes", said["split"]["size"])
    epoch = number(r"one epoch of ([\d.]+) s", said["train"]["size"])
    return {"ratings": size, "likes": likes, "epoch_s": epoch, "peak_mb": said["train"]["peak_mb"]}


def number(pattern: str, text: str) -> float:
    """The first group of `pattern` in `text`, commas aside."""
    found = re.search(pattern, text)
    assert found, text
    return float(found[1].replace(",", ""))


def slope(rows: list[dict[str, float]]) -> float:
    """Of log(seconds) over log(likes), by least squares."""
    return float(
        np.polyfit(np.log([row["likes"] for row in rows]), np.log([row["epoch_s"] for row in rows]), 1)[0]
    )


def main() -> None:
    """Read the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="ratings of each set")
    parser.add_argument("--json", type=Path, help="file to write the figures into")
    given = parser.parse_args()
    rows: list[dict[str, float]] = []
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(size, Path(folder) / "set"))
        row = rows[-1]
        each = 1e6 * row["epoch_s"] / row["likes"]
        print(
            f"{size:12,} ratings{row['likes']:12,.0f} likes{row['epoch_s']:8.1f} s an epoch{each:8.2f} us "
            f"a like{row['peak_mb']:8,.0f} MB",
            flush=True,
        )
    print(f"slope of log(seconds) over log(likes): {slope(rows):.3f}")
    if given.json:
        given.json.write_text(json.dumps({"rows": rows, "slope": slope(rows)}, indent=1) + "\\n", "utf-8")


if __name__ == "__main__":
    main()
