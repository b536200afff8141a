"""The rules of the house over the syntax trees: rooms, directions, what stays out of which room
(docs/architecture.md).
"""

from __future__ import annotations

import ast

import streamlit

from tests.house import (
    MODULES,
    MOST_LINES,
    MOST_MODULES,
    SOURCES,
    TESTS,
    at_import_time,
    cycles,
    imported,
    imports_of,
    lengths,
    long_lines,
    modules_per_folder,
    package_of,
    reached,
    wrong_directions,
)

SHOWING = {"streamlit", "plotly", "pyvis"}
TORCH = {"torch", "torch_geometric"}
TORCH_FREE = (
    "dskreg.errors",
    "dskreg.text",
    "dskreg.documents",
    "dskreg.config",
    "dskreg.data",
    "dskreg.graph",
    "dskreg.storage",
    "dskreg.runs",
    "dskreg.evaluation.metrics",
    "dskreg.evaluation.baselines",
    "dskreg.evaluation.slices",
    "dskreg.evaluation.tuning",
)
PYG = {"dskreg.model.pyg", "dskreg.graph.pyg"}
DOORS = {"dskreg.explorer", "dskreg.runs.manager", "dskreg.storage.catalogue", "dskreg.storage.places"}
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
SEEDED = {
    "seed",
    "rand",
    "randn",
    "randint",
    "random",
    "choice",
    "shuffle",
    "permutation",
    "normal",
    "uniform",
}


def tops(modules: frozenset[str] | set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_rooms_are_small_and_lines_are_short() -> None:
    """At most so many modules in a folder, lines in a module, characters in a line."""
    assert len(SOURCES) > 100
    assert {folder: n for folder, n in modules_per_folder().items() if n > MOST_MODULES} == {}
    assert {path: n for path, n in lengths().items() if n > MOST_LINES} == {}
    assert long_lines() == []


def test_imports_go_downwards_and_never_round() -> None:
    assert wrong_directions() == []
    assert cycles() == []


def test_what_is_slow_or_draws_stays_in_its_rooms() -> None:
    """Streamlit in the pages, which come in by four doors; torch above the data; PyG in two modules."""
    offenders = []
    for path in SOURCES:
        module, modules = next(name for name, at in MODULES.items() if at == path), imports_of(path)
        page = path == "app.py" or path.startswith(("pages/", "dskreg/ui/"))
        ours = {
            name for name in modules if name.split(".")[0] == "dskreg" and not name.startswith("dskreg.ui")
        }
        if page and (tops(modules) & TORCH or ours - DOORS):
            offenders.append(f"{path}: {sorted(ours - DOORS)}")
        if not page and tops(modules) & SHOWING:
            offenders.append(f"{path}: shows")
        free = module not in PYG and any(f"{module}.".startswith(f"{name}.") for name in TORCH_FREE)
        if free and tops(reached(path) | modules) & TORCH:
            offenders.append(f"{path}: torch")
        if module not in PYG and (modules & PYG or "torch_geometric" in tops(modules)) and module != "dskreg":
            offenders.append(f"{path}: torch_geometric")
        if "faiss" in tops(at_import_time(path)):
            offenders.append(f"{path}: faiss")
        trains = any(
            package_of(name) in ("dskreg.training", "dskreg.pipeline", "dskreg.retrieval") for name in modules
        )
        if (
            trains
            and module not in ("dskreg.cli", "dskreg.results", "dskreg.pipeline")
            and package_of(module)
            not in (
                "dskreg.training",
                "dskreg.retrieval",
            )
        ):
            offenders.append(f"{path}: only the command line trains and asks an index")
    assert offenders == []
    for leaf in ("model.sampling", "evaluation.metrics"):
        assert not {name for name in imports_of(MODULES[f"dskreg.{leaf}"]) if name.startswith("dskreg")}, leaf
    assert not tops(reached("dskreg/__init__.py")) & (
        TORCH | SHOWING | {"pandas", "numpy", "scipy", "sklearn"}
    )


def test_nothing_is_pickled_and_no_random_state_is_global() -> None:
    """Generators are passed; the one exception is the seed of the initial weights, in the trainer."""
    offenders = []
    for path, tree in (SOURCES | TESTS).items():
        if tops(imported(tree)) & PICKLES:
            offenders.append(path)
        for node in ast.walk(tree):
            name = ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""
            head, _, function = name.rpartition(".")
            loads = name in {"torch.load", "torch.save", "torch.jit.load"} or function in (
                "read_pickle",
                "to_pickle",
            )
            pickles = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
            own = path in SOURCES
            draws = own and head in ("np.random", "numpy.random") and function in SEEDED
            seeds = head in ("torch", "torch.random", "torch.cuda") and function in ("manual_seed", "seed")
            unseeded = (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "np.random.default_rng"
                and not node.args
                and not node.keywords
            )
            if (
                loads
                or pickles
                or draws
                or (own and (unseeded or (seeds and path != "dskreg/training/trainer.py")))
            ):
                offenders.append(f"{path}:{getattr(node, 'lineno', 0)}")
    assert offenders == []


def test_the_rules_have_teeth() -> None:
    """What they look for is seen where it is."""
    assert imports_of("dskreg/model/dskreg.py") >= {"torch", "dskreg.model.sampling"}
    assert "torch" in reached("dskreg/model/dskreg.py") and "torch" not in reached("dskreg/data/dataset.py")
    assert (
        package_of("dskreg.ui.sampling.charts") == "dskreg.ui.sampling"
        and package_of("pages.model") == "pages"
    )


def test_a_widget_s_key_stands_in_one_place() -> None:
    """The session keeps a key's value from page to page, and a widget of another kind cannot read it."""
    places: dict[str, set[tuple[str, str]]] = {}
    for path, tree in SOURCES.items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            kind = getattr(call.func, "attr", "")
            named = [keyword.value for keyword in call.keywords if keyword.arg == "key"]
            if kind == "one_of":  # widgets.one_of(label, options, key)
                named += call.args[2:3]
            elif not hasattr(streamlit, kind):
                continue
            for key in named:
                if isinstance(key, ast.Constant):
                    places.setdefault(key.value, set()).add((kind, path))
    assert len(places) > 50 and "method" in places
    assert [sorted(found) for found in places.values() if len(found) > 1] == []
