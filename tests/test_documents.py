"""The documents: their limits, links, paths, words and figures."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
from pathlib import Path
from types import ModuleType
from urllib.parse import urlparse

import pytest

import dskreg

ROOT = Path(__file__).parents[1]
GENERATED = ("docs/cli.md", "benchmarks/results")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "benchmarks/results/*.md")
    for path in ROOT.glob(pattern)
)
WRITTEN = [name for name in DOCUMENTS if not name.startswith(GENERATED)]
MOST_LINES = {"README.md": 120, "docs/architecture.md": 80, "docs/model.md": 100, "CONTRIBUTING.md": 40}
MOST_COLUMNS, MOST_WORDS, MOST_WORDS_IN_A_CELL = 180, 25, 12
HEADLINES = [
    "Quick start",
    "What you can do",
    "Train on your own data",
    "Results",
    "How it works",
    "Configuration",
    "Limits",
    "Development",
    "Citation",
    "Licence",
]
HOSTS = {"arxiv.org", "download.pytorch.org", "keepachangelog.com", "localhost:8501", "semver.org"}
AVOIDED = re.compile(
    r"""(?<!\.)\b(viewers?|persons?|people|somebody|anybody|everybody|nobody|one's|she|hers?|strangers?|
    alike(ness)?|odd(est|ness)|likeliest|beforehand|shelf|loud(ness)?|rivals?|titles?|drawn|draws?|
    take\ (it|the\ \w+)\ (along|back)|in\ the\ place\ of|seen\ too|by\ chance|what\ does\ which|
    leaning|ties?|beside\ others|what\ to\ expect|two\ commands)\b(?!\.\w)""",
    re.IGNORECASE | re.VERBOSE,
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def prose_of(name: str) -> str:
    """Without code blocks, code, and the addresses of links."""
    text = re.sub(r"```.*?```", "", text_of(name), flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", text))


def rows_of(text: str) -> list[list[str]]:
    """The cells of every row of every table, heads included."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not set(line) <= set("|-")]
    return [[cell.strip().replace("**", "") for cell in line.strip("|").split("|")] for line in lines]


def anchors_of(name: str) -> set[str]:
    """The anchors of the headlines, as GitHub makes them."""
    headlines = re.findall(r"^#+ (.+)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headlines}


def test_documents_keep_to_their_lengths() -> None:
    found = {name: len(text_of(name).splitlines()) for name in MOST_LINES}
    assert {name: n for name, n in found.items() if n > MOST_LINES[name]} == {}
    assert [line for line in text_of("README.md").splitlines() if len(line) > MOST_COLUMNS] == []


def test_the_readme_has_its_headlines_in_order() -> None:
    assert re.findall(r"^## (.+)$", text_of("README.md"), re.MULTILINE) == HEADLINES


def test_the_readme_s_first_two_commands_start_the_app_and_run_the_tests() -> None:
    blocks = re.findall(r"```\n(.*?)```", text_of("README.md"), re.DOTALL)
    app, tests = (block.strip().split(" && ") for block in blocks[:2])
    assert app[0] == tests[0] == "python3 -m venv .venv"
    assert app[2] == ".venv/bin/streamlit run app.py"
    test_command = tests[2].removeprefix(".venv/bin/")
    assert test_command.startswith("pytest") and f"\n{test_command} " in f"{text_of('.ci/run')} "
    for install in (app[1], tests[1]):
        assert (ROOT / install.removeprefix(".venv/bin/pip install -r ")).is_file()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_headlines_and_known_hosts(name: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors_of(target.relative_to(ROOT).as_posix())):
            broken.append(link)
    assert broken == []
    assert {urlparse(url).netloc for url in re.findall(r"https?://[^\s)`\"]+", text_of(name))} <= HOSTS


@pytest.mark.parametrize("name", WRITTEN)
def test_paths_in_documents_exist_and_hold_the_names_that_follow(name: str) -> None:
    code = "".join(re.findall(r"`[^`\n]+`", text_of(name)))
    paths = re.findall(r"\b(?:\.ci|app|benchmarks|dskreg|docs|pages|tests)/[\w./-]+\.(?:py|md|json)\b", code)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for path, named in re.findall(r"`([\w./]+\.py): (\w[\w.]*)`", text_of(name)):
        source = text_of(path)
        assert all(re.search(rf"\b(def|class) {part}\b", source) for part in named.split(".")), (path, named)


def test_the_animated_picture_is_small() -> None:
    assert 10_000 < (ROOT / "docs" / "images" / "tour.webp").stat().st_size <= 3_000_000


def test_no_document_names_a_folder_of_a_machine() -> None:
    found = re.compile(r"(?<![\w.)])/(home|root|tmp|work|mnt|opt|Users|var)/")
    assert [name for name in DOCUMENTS if found.search(text_of(name))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_use_the_field_s_words(name: str) -> None:
    assert [found.group() for found in AVOIDED.finditer(prose_of(name))] == []


@pytest.mark.parametrize("name", WRITTEN)
def test_sentences_and_cells_are_short(name: str) -> None:
    cells = [cell for row in rows_of(prose_of(name)) for cell in row]
    assert [cell for cell in cells if len(cell.split()) > MOST_WORDS_IN_A_CELL] == []
    lines = [line for line in prose_of(name).splitlines() if not line.startswith(("|", "#"))]
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", "\n".join(lines))
    sentences = [part for text in paragraphs for part in re.split(r"(?<=[.?!])\s+", text)]
    assert [text for text in sentences if len(re.findall(r"\w[\w'.,-]*", text)) > MOST_WORDS] == []


def test_the_command_line_s_page_is_what_help_prints() -> None:
    assert text_of("docs/cli.md") == script("cli").document(), "run python docs/cli.py"


def script(name: str) -> ModuleType:
    """A script of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_environment_variables_of_the_readme_are_those_of_the_sources() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "dskreg").rglob("*.py"))
    named = set(re.findall(r"`(DSKREG_\w+)[`=]", text_of("README.md")))
    assert len(named) >= 6 and {name for name in named if name not in sources} == set()


# The figures

SECTIONS = {
    "Kaggle anime": "anime: test",
    "dskreg-lastfm": "dskreg-lastfm: test",
    "dskreg-book": "dskreg-book: test",
}


def table_of(name: str, first: str) -> list[dict[str, str]]:
    """The rows of the table whose head begins with `first`, by column."""
    lines = text_of(name).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(first))
    head, *rows = rows_of("\n".join(itertools.takewhile(lambda line: line.startswith("|"), lines[start:])))
    return [dict(zip(head, row, strict=True)) for row in rows]


def measured(row: str) -> dict[str, tuple[str, str]]:
    """By model, NDCG@20 and Recall@20 of a row of the README, from the document that the benchmark wrote."""
    names = ("ndcg@20", "recall@20")
    if row.startswith("demo"):
        metrics = json.loads(text_of("artifacts/demo/metrics.json"))
        by_model = metrics["baselines"] | {"DSKReG": metrics["metrics"]}
    else:
        section = SECTIONS[max((start for start in SECTIONS if row.startswith(start)), key=len)]
        by_model = {
            found["model"]: found for found in json.loads(text_of("benchmarks/accuracy.json"))[section]
        }
    return {model: tuple(f"{found[name]:.3f}" for name in names) for model, found in by_model.items()}


def test_the_readme_s_results_are_those_of_the_benchmark() -> None:
    rows, compared = table_of("README.md", "| data | DSKReG |"), 0
    assert len(rows) == 4
    for row in rows:
        found = measured(row.pop("data"))
        for model, cell in row.items():
            figures = tuple(re.findall(r"\d\.\d{3}", cell))
            assert figures in ((), found.get(model)), (model, cell)
            compared += len(figures)
    assert compared >= 38
    ahead = re.search(
        r"EASE that also learns from disliked items, as DSKReG does, is level on anime \((\d\.\d{3})\)",
        text_of("README.md"),
    )
    rivals = measured("Kaggle anime")
    assert ahead and ahead.group(1) == rivals["EASE, seen too"][0]
    row = re.search(
        r"^\| EASE \(\+ seen items\) .*\| (\S+) \|$", text_of("benchmarks/results/anime.md"), re.MULTILINE
    )
    assert row and float(row.group(1)) > 0.05, "level: no significant difference"


def test_the_readme_s_figures_of_items_without_likes_are_those_of_the_benchmark() -> None:
    seeds = list(json.loads(text_of("benchmarks/cold.json"))["anime"]["seeds"].values())
    rows = [row for row in seeds[0]["rows"] if all(row in seed["rows"] for seed in seeds)]
    mean = {
        row: sum(seed["rows"][row]["cold among cold"]["ndcg"] for seed in seeds) / len(seeds) for row in rows
    }
    told = re.search(
        r"\(anime, (\w+) seeds\): \*\*(\S+)\*\*\..*: (\S+), .*: (\S+), .*: (\S+)\.$",
        text_of("README.md"),
        re.MULTILINE,
    )
    sampling = [mean[f"sampling: {way}"] for way in ("learnt", "by strength", "at random")]
    columns = max(value for row, value in mean.items() if row.startswith("EASE columns"))
    assert told
    assert told.groups() == (
        ("", "one", "two", "three", "four", "five")[len(seeds)],
        *(f"{value:.3f}" for value in (*sampling, columns)),
    )


def test_effects_in_the_resets_document_are_those_of_the_bundled_artifact() -> None:
    """Every effect that the document quotes, and every one that the artifact has."""
    rows = json.loads((ROOT / "artifacts" / "demo" / "metrics.json").read_text("utf-8"))["resets"][1:]
    measured = [
        (row["part"], f"{100 * row[view]['change']:+.1f}", f"{100 * row[view]['within']:.1f}")
        for row in rows
        for view in ("all", "rare", "cold")
    ]
    quoted = [
        (line.split("|")[1].strip(), *effect)
        for line in text_of("docs/resets.md").splitlines()
        for effect in re.findall(r"([+-]\d+\.\d) % ± (\d+\.\d)", line)
    ]
    assert len(measured) >= 20 and quoted == measured


def test_the_readme_s_lines_of_python_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    if not hasattr(dskreg, "load"):
        pytest.skip("dskreg.load is missing")
    block = re.search(r"```python\n(.*?)```", text_of("README.md"), re.DOTALL)
    assert block
    monkeypatch.chdir(ROOT)
    exec(compile(block.group(1), "README.md", "exec"), {})
    assert "contribution" in capsys.readouterr().out
