"""`dskreg export`: vectors, candidates and the knowledge graph in files that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dskreg import arguments as given
from dskreg.console import progress, say, say_left_out, tell
from dskreg.errors import InputError
from dskreg.results import opened
from dskreg.text import many

Vectors = Annotated[
    Path | None,
    given.path_option(
        "The vectors of items and users, before and after the graph, each as parquet and as "
        "vectors.tsv with metadata.tsv.",
        "DIR",
    ),
]
Neighbours = Annotated[
    Path | None,
    given.path_option(
        "The candidates of every item with exact inclusion probabilities: a .parquet or .csv file."
    ),
]
Graph = Annotated[
    Path | None,
    given.path_option("The knowledge graph: a .graphml file, or a .csv file of its triples."),
]


def export(
    artifact: given.ArtifactPath,
    vectors: Vectors = None,
    neighbours: Neighbours = None,
    graph: Graph = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is there.")] = False,
    adult: given.Adult = False,
) -> None:
    """Vectors, candidates and the knowledge graph for other tools, with original ids and names."""
    from dskreg.exports.graph import FORMATS as GRAPHS
    from dskreg.exports.graph import write_graph
    from dskreg.exports.neighbours import neighbours as candidates
    from dskreg.exports.vectors import refuse_other, write_vectors
    from dskreg.serving.table_files import FORMATS, write_table

    if vectors is neighbours is graph is None:
        raise InputError("export: expected --vectors, --neighbours or --graph")
    for option, out, formats in (("--neighbours", neighbours, FORMATS), ("--graph", graph, GRAPHS)):
        if out is not None and out.suffix not in formats:
            raise InputError(f"{option}: expected a file ending in {' or '.join(formats)} (got {out.name})")
    if neighbours is not None and graph is not None and neighbours.absolute() == graph.absolute():
        raise InputError(f"--graph: expected another file than --neighbours (got {graph.name})")
    for out in (vectors, neighbours, graph):
        if out is not None and not replace and _holds(out):
            raise InputError(f"{out}: exists; add --replace to write it again")
    if vectors is not None:
        refuse_other(vectors)
    explorer = opened(artifact, adult)
    core = explorer.core
    lacks = "this data has no {}: --vectors DIR exports the embeddings"
    if neighbours is not None and not core.graph.relations:
        raise InputError(f"--neighbours: {lacks.format('relations that connect items, so no candidates')}")
    if graph is not None and not len(core.artifact.dataset.head):
        raise InputError(f"--graph: {lacks.format('relations, so no knowledge graph')}")
    if vectors is not None:
        for name, count in write_vectors(core, vectors, progress).items():
            tell(f"{vectors / name}: {many(count, 'vector')} of width {core.model.config.width}")
        if core.all_liked:
            say("users-before is users-after: in this form of the model the graph changes items alone")
    if neighbours is not None:
        shown = int((~core.kept_out).sum())
        write_table(candidates(core), neighbours, shown, "item_id", "items")
        tell(f"{neighbours}: the candidates of {many(shown, 'item')}")
    if graph is not None:
        nodes, edges = write_graph(core, graph, progress)
        tell(f"{graph}: {many(nodes, 'node')}, {many(edges, 'edge')}")
    if not explorer.adult:
        say_left_out(explorer.adult_titles, "exports")


def _holds(out: Path) -> bool:
    """Is something there, other than an empty folder?"""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))
