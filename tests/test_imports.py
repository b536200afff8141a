"""The house's rules over the syntax tree: who may import whom, nothing pickled, no global random state (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def parsed(*patterns: str) -> dict[str, ast.Module]:
    """{path: syntax tree} of the files that match."""
    return {p.relative_to(ROOT).as_posix(): ast.parse(p.read_text(encoding="utf-8")) for pattern in patterns for p in sorted(ROOT.glob(pattern))}


SOURCES = parsed("*.py", "pages/*.py", "dskreg/**/*.py")
TESTS = parsed("tests/**/*.py", "benchmarks/**/*.py")
TORCH_FREE = {f"dskreg/{name}.py" for name in ("graph", "config", "metrics", "baselines", "runs", "request", "detached", "journal", "summaries")}
DOORS = {"dskreg.explorer", "dskreg.runs", "dskreg.summaries"}
SHOWING = {"streamlit", "plotly", "pyvis"}
TORCH = {"torch", "torch_geometric"}
GLOBAL_NUMPY = {"seed", "rand", "randn", "randint", "random", "choice", "shuffle", "permutation", "normal", "uniform", "set_state", "get_state", "RandomState"}


def is_ui(path: str) -> bool:
    return path == "app.py" or path.startswith(("pages/", "dskreg/ui/"))


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(path): path for path in SOURCES}


def imported(tree: ast.AST, package: str = "") -> set[str]:
    """The modules named in import statements, those inside functions too. `from dskreg import x` names dskreg.x where that is a module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names}
    return found


def imports_of(path: str) -> set[str]:
    module = module_of(path)
    return imported(SOURCES[path], module if path.endswith("__init__.py") else module.rpartition(".")[0])


def at_import_time(path: str) -> set[str]:
    """What importing the module imports: statements outside functions, not for the type checker alone."""
    tree = SOURCES[path]
    body: list[ast.stmt] = []
    waiting = list(tree.body) if isinstance(tree, ast.Module) else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            body.append(node)
        waiting.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    return imported(ast.Module(body=body, type_ignores=[]), module_of(path).rpartition(".")[0])


def reached(path: str) -> set[str]:
    """Everything that importing the module imports, by way of others and of the packages they are in."""
    found: set[str] = set()
    waiting = {module_of(path)}
    while waiting:
        module = waiting.pop()
        found.add(module)
        parts = module.split(".")
        near = {".".join(parts[:n]) for n in range(1, len(parts))}
        waiting |= ((at_import_time(MODULES[module]) if module in MODULES else set()) | near) - found
    return found


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def ours(modules: set[str]) -> set[str]:
    return {module for module in modules if module.partition(".")[0] == "dskreg"}


def test_the_sources_are_found() -> None:
    assert {"dskreg/model/dskreg.py", "dskreg/data/dataset.py"} <= set(SOURCES) and len(SOURCES) > 15
    assert imports_of("dskreg/model/dskreg.py") >= {"torch", "dskreg.graph", "dskreg.sampling"}
    assert "torch" in reached("dskreg/model/dskreg.py")


@pytest.mark.parametrize("path", [p for p in SOURCES if not is_ui(p)])
def test_only_the_ui_knows_streamlit(path: str) -> None:
    assert not packages(imports_of(path)) & SHOWING


@pytest.mark.parametrize("path", [p for p in SOURCES if is_ui(p)])
def test_the_ui_comes_in_by_the_doors(path: str) -> None:
    """The explorer to one model, the runs and the summaries to what there is."""
    modules = imports_of(path)
    assert not packages(modules) & TORCH
    assert not {m for m in ours(modules) if m not in DOORS and m != "dskreg.ui" and not m.startswith("dskreg.ui.")}


@pytest.mark.parametrize("leaf", ["sampling", "losses", "metrics"])
def test_leaves_import_nothing_of_ours(leaf: str) -> None:
    assert not ours(imports_of(f"dskreg/{leaf}.py"))


def test_only_the_command_line_trains() -> None:
    """`pipeline` is the train command's body; nobody else but the command line may reach for it."""
    assert {p for p in SOURCES if "dskreg.training" in imports_of(p)} <= {"dskreg/cli.py", "dskreg/pipeline.py"}
    assert {p for p in SOURCES if "dskreg.pipeline" in imports_of(p)} <= {"dskreg/cli.py"}


def test_only_the_command_line_asks_an_index() -> None:
    assert {p for p in SOURCES if "dskreg.index" in imports_of(p)} == {"dskreg/cli.py"} and "dskreg.index" not in reached("dskreg/cli.py")
    assert all("faiss" not in packages(at_import_time(p)) for p in SOURCES)


@pytest.mark.parametrize("path", [p for p in SOURCES if p.startswith("dskreg/data/") or p in TORCH_FREE])
def test_data_and_graph_are_torch_free(path: str) -> None:
    assert not packages(reached(path) | imports_of(path)) & TORCH


def test_importing_the_package_is_cheap() -> None:
    assert not packages(reached("dskreg/__init__.py")) & (TORCH | SHOWING | {"pandas", "numpy", "scipy", "sklearn"})


@pytest.mark.parametrize("path", [p for p in SOURCES if p not in ("dskreg/model/pyg.py", "dskreg/graph/pyg.py")])
def test_torch_geometric_stays_in_its_two_modules(path: str) -> None:
    """Its import takes seconds; nothing that scores or shows may pay them."""
    assert not {"dskreg.conv", "dskreg.hetero"} & imports_of(path) and "torch_geometric" not in packages(imports_of(path))


def test_imports_go_downwards_only() -> None:
    """No module is reached from itself."""
    for path in SOURCES:
        others = set().union(*(reached(MODULES[m]) for m in ours(at_import_time(path)) if m in MODULES))
        assert module_of(path) not in others - {"dskreg", "dskreg.ui", "dskreg.data"}, path


def dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""


@pytest.mark.parametrize("path", [*SOURCES, *TESTS])
def test_nothing_is_pickled(path: str) -> None:
    tree = (SOURCES | TESTS)[path]
    assert not packages(imported(tree)) & {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    for node in ast.walk(tree):
        name, line = dotted(node), f"{path}:{getattr(node, 'lineno', 0)}"
        assert name not in {"torch.load", "torch.save", "torch.jit.load"} and not name.endswith((".read_pickle", ".to_pickle")), line
        assert not (isinstance(node, ast.keyword) and node.arg == "allow_pickle"), line


@pytest.mark.parametrize("path", SOURCES)
def test_there_is_no_global_random_state(path: str) -> None:
    """Generators are passed; the one exception is the seed of the initial weights, in training.py."""
    tree = SOURCES[path]
    assert "random" not in imports_of(path)
    for node in ast.walk(tree):
        name, line = dotted(node), f"{path}:{getattr(node, 'lineno', 0)}"
        head, _, function = name.rpartition(".")
        assert not (head in ("np.random", "numpy.random") and function in GLOBAL_NUMPY), line
        seeds = head in ("torch", "torch.random", "torch.cuda") and function in ("manual_seed", "manual_seed_all", "seed")
        assert path == "dskreg/training/trainer.py" or not seeds, line
        if isinstance(node, ast.Call) and name == "" and isinstance(node.func, ast.Attribute):
            call = dotted(node.func)
            assert call != "np.random.default_rng" or node.args or node.keywords, f"{line}: default_rng() without a seed"


def test_from_dskreg_import_dskreg() -> None:
    from dskreg import DSKReG
    from dskreg.model.dskreg import DSKReG as Model

    assert DSKReG is Model
