"""The structure of the package, measured over its syntax trees: folders, lengths, and who imports whom.

`python -m tests.house` prints it; tests/test_house.py holds the limits (docs/architecture.md).
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEVELS: tuple[tuple[str, ...], ...] = (
    ("dskreg.errors", "dskreg.text"),
    ("dskreg.documents",),
    ("dskreg.config", "dskreg.console"),
    ("dskreg.data",),
    ("dskreg.data.readers", "dskreg.graph"),
    ("dskreg.model",),
    ("dskreg.evaluation",),
    ("dskreg.storage", "dskreg.embedding"),
    ("dskreg.training", "dskreg.serving", "dskreg.runs"),
    ("dskreg.explain", "dskreg.explore", "dskreg.pipeline"),
    ("dskreg.explorer",),
    ("dskreg.retrieval", "dskreg.exports", "dskreg.ui.common", "dskreg.arguments", "dskreg.app_server"),
    ("dskreg.ui.frame", "dskreg.ui.model", "dskreg.results"),
    (
        "dskreg.ui.recommendations",
        "dskreg.ui.sampling",
        "dskreg.ui.what_if",
        "dskreg.ui.compare",
        "dskreg.ui.embeddings",
        "dskreg.ui.runs",
        "dskreg.commands",
    ),
    ("dskreg.cli", "app", "pages"),
    ("dskreg.__main__",),
)
"""A package may import from lower levels and from itself.

`dskreg` itself loads the names that it offers on first use.
"""
MOST_MODULES, MOST_LINES, MOST_COLUMNS = 12, 300, 110
PRAGMA = re.compile(r"  # (type: ignore|noqa).*$")


def parsed(*patterns: str) -> dict[str, ast.Module]:
    """{path: syntax tree} of the files that match."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
    }


SOURCES = parsed("app.py", "pages/*.py", "dskreg/**/*.py")
TESTS = parsed("tests/**/*.py", "benchmarks/**/*.py", "docs/*.py")


def module_of(path: str) -> str:
    """The module's dotted name."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(path): path for path in SOURCES}


def imported(tree: ast.AST) -> set[str]:
    """The modules named in import statements, those inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
    return found


@cache
def imports_of(path: str) -> frozenset[str]:
    """The modules that a source file imports anywhere."""
    return frozenset(imported(SOURCES[path]))


@cache
def at_import_time(path: str) -> frozenset[str]:
    """What importing the module imports: statements outside functions, not for the type checker alone."""
    body: list[ast.stmt] = []
    waiting: list[ast.stmt] = list(SOURCES[path].body)
    while waiting:
        node = waiting.pop()
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or typing:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            body.append(node)
        waiting.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    return frozenset(imported(ast.Module(body=body, type_ignores=[])))


@cache
def reached(path: str) -> frozenset[str]:
    """Everything that importing the module imports, by way of others and of the packages they are in."""
    found: set[str] = set()
    waiting = {module_of(path)}
    while waiting:
        module = waiting.pop()
        found.add(module)
        parts = module.split(".")
        near = {".".join(parts[:n]) for n in range(1, len(parts))}
        deeper = at_import_time(MODULES[module]) if module in MODULES else frozenset()
        waiting |= (deeper | near) - found
    return frozenset(found)


def package_of(module: str) -> str:
    """The entry of LEVELS that the module belongs to; "" for none."""
    entries = [entry for level in LEVELS for entry in level if f"{module}.".startswith(f"{entry}.")]
    return max(entries, key=len, default="")


def level_of(package: str) -> int:
    """The place in LEVELS."""
    return next(place for place, level in enumerate(LEVELS) if package in level)


def wrong_directions() -> list[str]:
    """Imports from a higher or an equal level, of another package, and modules of no package."""
    found = [
        f"{path}: in no package of LEVELS"
        for path in SOURCES
        if module_of(path) not in ("dskreg", "dskreg.ui") and not package_of(module_of(path))
    ]
    for path in SOURCES:
        own = package_of(module_of(path))
        for module in imports_of(path):
            other = package_of(module)
            if own and other and other != own and level_of(other) >= level_of(own):
                found.append(f"{path} imports {module}")
    return sorted(found)


def cycles() -> list[list[str]]:
    """Packages that reach each other, and modules that import each other when they are loaded."""
    packages: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        own = package_of(module_of(path))
        packages[own] |= {package_of(module) for module in imports_of(path)} - {own, ""}
    modules = {module_of(path): {m for m in at_import_time(path) if m in MODULES} for path in SOURCES}
    return [*_components(packages), *_components(modules)]


def _components(edges: dict[str, set[str]]) -> list[list[str]]:
    def reach(start: str) -> set[str]:
        found: set[str] = set()
        waiting = set(edges.get(start, set()))
        while waiting:
            node = waiting.pop()
            found.add(node)
            waiting |= edges.get(node, set()) - found
        return found

    reachable = {node: reach(node) for node in edges}
    together = {tuple(sorted(n for n in reachable[node] if node in reachable.get(n, ()))) for node in edges}
    return [list(group) for group in sorted(together) if group]


def modules_per_folder() -> Counter[str]:
    """How many modules each folder of the package and each page folder has."""
    return Counter(str(Path(path).parent) for path in SOURCES if not path.endswith("__init__.py"))


def lengths() -> dict[str, int]:
    """Lines of every source file."""
    return {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in SOURCES}


def long_lines() -> list[str]:
    """path:line of lines with too many columns, in all Python files."""
    found = []
    for path in (*SOURCES, *TESTS):
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
            if len(PRAGMA.sub("", line)) > MOST_COLUMNS:
                found.append(f"{path}:{number}")
    return found


def main() -> None:
    """Print the measurements."""
    folders, lines = modules_per_folder(), lengths()
    longest = max(lines, key=lambda path: lines[path])
    for folder, count in sorted(folders.items()):
        print(f"{count:3}  {folder}")
    print(f"most modules in a folder: {max(folders.values())} (at most {MOST_MODULES})")
    print(f"longest module: {lines[longest]} lines, {longest} (at most {MOST_LINES})")
    print(f"lines over {MOST_COLUMNS} characters: {len(long_lines())}")
    print(f"cycles of packages or modules: {len(cycles())}")
    print(f"imports against the allowed direction: {len(wrong_directions())}")


if __name__ == "__main__":
    main()
