"""The tables of benchmarks/README.md and benchmarks/accuracy.json, from the results that benchmarks/accuracy.py left."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

BEGIN, END = "<!-- tables: written by benchmarks/accuracy.py --tables -->", "<!-- end of the tables -->"
OURS, K = "DSKReG", 20
COMPARED = ("DSKReG minus it", "p (Holm)")
Results = dict[str, list[dict[str, Any]]]


def read(folder: Path) -> tuple[Results, dict[str, list[Path]]]:
    """(outcomes by model, seed after seed; the files that they came from)."""
    outcomes: Results = {}
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.json")):
        name, _, seed = path.stem.rpartition("-")
        if seed.isdigit():
            outcomes.setdefault(name, []).append(json.loads(path.read_text("utf-8")))
            files.setdefault(name, []).append(path)
    return outcomes, files


def per_person(paths: list[Path], view: str, metric: str = "ndcg") -> dict[int, float]:
    """Each person's figure, the mean of the seeds in which she has test likes."""
    total: dict[int, list[float]] = {}
    for path in paths:
        with np.load(path.with_name(f"{path.stem}.{view}.npz")) as found:
            for user, value in zip(found["user"].tolist(), found[metric].tolist(), strict=True):
                total.setdefault(user, []).append(value)
    return {user: float(np.mean(values)) for user, values in total.items()}


def paired(ours: dict[int, float], theirs: dict[int, float]) -> tuple[float, float]:
    """(mean difference over the people that both have, p of the two-sided paired t-test)."""
    people = sorted(ours.keys() & theirs.keys())
    difference = np.array([ours[user] - theirs[user] for user in people])
    if len(people) < 2 or not difference.any():
        return float(difference.mean()) if len(people) else 0.0, 1.0
    return float(difference.mean()), float(stats.ttest_1samp(difference, 0.0).pvalue)


def over_common_seeds(ours: list[Path], theirs: list[Path], view: str) -> tuple[float, float]:
    """`paired` of the means over the seeds that both have: another seed is another split."""
    common = {path.stem.rpartition("-")[2] for path in ours} & {path.stem.rpartition("-")[2] for path in theirs}
    mine, other = (per_person([path for path in paths if path.stem.rpartition("-")[2] in common], view) for paths in (ours, theirs))
    return paired(mine, other)


def holm(p: dict[str, float]) -> dict[str, float]:
    """P corrected for as many comparisons (Holm, 1979)."""
    ordered, corrected, least = sorted(p, key=lambda name: p[name]), {}, 0.0
    for rank, name in enumerate(ordered):
        least = max(least, min(1.0, p[name] * (len(ordered) - rank)))
        corrected[name] = least
    return corrected


def interval(values: dict[int, float]) -> float:
    """Half the 95 % confidence interval of the mean over people."""
    found = np.array(list(values.values()))
    return float(1.96 * found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else 0.0


def summarised(folder: Path, view: str, compare: bool) -> list[dict[str, Any]]:
    """One row per model, best first."""
    outcomes, files = read(folder)
    people = {name: per_person(paths, view) for name, paths in files.items()}
    rows = []
    tests = {name: over_common_seeds(files[OURS], files[name], view) for name in people if compare and OURS in people and name != OURS}
    corrected = holm({name: p for name, (_, p) in tests.items()})
    for name, seeds in outcomes.items():
        mean = {metric: float(np.mean([seed[view][metric] for seed in seeds])) for metric in (f"ndcg@{K}", f"recall@{K}", f"coverage@{K}")}
        spread = float(np.std([seed[view][f"ndcg@{K}"] for seed in seeds], ddof=1)) if len(seeds) > 1 else 0.0
        row = {"model": name, "seeds": len(seeds), **mean, "ndcg spread of seeds": spread, "ndcg 95 % over people": interval(people[name])}
        for metric in ("ndcg@20 by history", "recall@20 by popularity"):
            columns = [[value for value in column if value is not None] for column in zip(*(seed[view][metric] for seed in seeds), strict=True)]
            row[metric] = [float(np.mean(column)) if column else None for column in columns]
        if name in tests:
            row |= dict(zip(COMPARED, (tests[name][0], corrected[name]), strict=True))
        rows.append(row | {"settings": seeds[0]["settings"], "fit seconds": seeds[0]["fit seconds"]})
    return sorted(rows, key=lambda row: -row[f"ndcg@{K}"])


def table(rows: list[dict[str, Any]], compare: bool) -> list[str]:
    """Rows as Markdown."""
    head = ["model", "ndcg@20", "± people", "± seeds", "recall@20", "coverage@20", "seeds"] + (list(COMPARED) if compare else [])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        name = f"**{row['model']}**" if row["model"] in (OURS, "default") else row["model"] + (" (earlier run)" if "earlier" in row else "")
        cells = [name, f"{row['ndcg@20']:.4f}", f"{row['ndcg 95 % over people']:.4f}", f"{row['ndcg spread of seeds']:.4f}"]
        cells += [f"{row['recall@20']:.4f}", f"{row['coverage@20']:.3f}", str(row["seeds"])]
        if compare:
            cells += [f"{row['DSKReG minus it']:+.4f}", f"{row['p (Holm)']:.1g}"] if "p (Holm)" in row else ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def fifths(rows: list[dict[str, Any]]) -> list[str]:
    """People by the length of their history, titles by popularity, in fifths."""
    lines = ["| model | ndcg@20, people of the shortest to the longest history | recall of test likes, rarest to most liked titles |", "|---|---|---|"]
    for row in rows:
        cells = [" · ".join("" if value is None else f"{value:.3f}" for value in row[metric]) for metric in ("ndcg@20 by history", "recall@20 by popularity")]
        lines.append(f"| {row['model']} | {cells[0]} | {cells[1]} |")
    return lines


def beside_earlier(rows: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows and, of an earlier table, those of models that were not run again, which cannot be tested: nobody's own figure of that run is there."""
    again = {row["model"] for row in rows}
    untested = [{name: value for name, value in row.items() if name not in COMPARED} | {"earlier": True} for row in earlier if row["model"] not in again]
    return sorted([*rows, *untested], key=lambda row: -row[f"ndcg@{K}"])


VIEWS = {"": ["test"], "cold": ["among the cold", "among all", "warm"], "share": ["warm", "among the cold"]}
"""What is ranked, by what a work folder's name ends in."""


def summary(work: Path, before: dict[str, Any]) -> dict[str, Any]:
    """The document: what the work folder holds replaces its sections, but for models that were not run again; parts of DSKReG are measured beside each
    other and replaced whole. A section that the folder lacks stays, with its date and machine in `made`.
    """
    machine = json.loads((work / "machine.json").read_text("utf-8"))
    now = {"date": datetime.now(UTC).date().isoformat(), "machine": machine}
    sections = {key: rows for key, rows in before.items() if isinstance(rows, list)}
    made = {key: before.get("made", {}).get(key, {name: before.get(name) for name in now}) for key in sections}
    for folder in sorted(path for path in work.iterdir() if path.is_dir() and any(path.glob("*.json"))):
        kind = folder.name.partition(".")[2]
        for view in VIEWS[kind]:
            key = f"{folder.name}: {view}"
            rows = summarised(folder, view, compare=kind != "share")
            sections[key], made[key] = rows if kind == "share" else beside_earlier(rows, sections.get(key, [])), now
    order = sorted(sections, key=lambda key: (key.partition(": ")[0], VIEWS[key.partition(": ")[0].partition(".")[2]].index(key.partition(": ")[2])))
    return now | {"made": {key: made[key] for key in order}} | {key: sections[key] for key in order}


def by_whom(made: dict[str, Any]) -> str:
    """Date, machine and versions of one section, in a line."""
    machine = made["machine"]
    versions = ", ".join(f"{shown} {machine['versions'][name]}" for name, shown in (("torch", "torch"), ("numpy", "numpy"), ("python", "Python")))
    return f"{made['date']}, {machine['hardware']}, {versions}; tuning: {machine['trials']} trials or {machine['seconds']:g} s per model and data set."


def write(work: Path, to: Path) -> None:
    """Both files."""
    known = to / "accuracy.json"
    document = summary(work, json.loads(known.read_text("utf-8")) if known.exists() else {})
    lines: list[str] = []
    for key, made in document["made"].items():
        (folder, _, view), rows = key.partition(": "), document[key]
        name, _, kind = folder.partition(".")
        title = {"": "full ranking", "cold": f"cold titles, {view}", "share": f"what does which part, {view}"}[kind]
        lines += ["", f"### {name}: {title}", "", by_whom(made), "", *table(rows, compare=kind != "share")]
        if not kind:
            lines += ["", *fifths(rows)]
    known.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    path = to / "README.md"
    path.write_text(replaced(path.read_text("utf-8"), BEGIN, END, lines[1:]), "utf-8")


def replaced(text: str, begin: str, end: str, lines: list[str]) -> str:
    """`text` with `lines` in the place of what stands between its lines `begin` and `end`; at its end, where it has no such lines."""
    before, found, rest = text.partition(begin + "\n")
    after = rest.partition(end + "\n")[2] if found else ""
    return before + "\n".join([begin, *lines, end]) + "\n" + after
