"""Engines that find the vectors with the largest inner product: HNSW by faiss, an optional package, and an
exact one in numpy.

HNSW (Malkov and Yashunin, arXiv 1603.09320) walks a graph of near vectors instead of the whole table. Inner
products are asked for directly, without the reduction to distances by one more dimension.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dskreg.errors import InputError

NEEDED = "this index needs faiss: pip install faiss-cpu"
HNSW = {"m": 32, "ef_construction": 200, "ef_search": 512, "threads": 1}


class Engine(Protocol):
    """What an index asks of an engine."""

    name: str
    file: str | None  # what it writes into the folder; None where the vectors are enough
    whole: bool  # without a shortlist it looks at everything
    settings: dict[str, int]

    @staticmethod
    def version() -> str:
        """Of the engine that is installed. Raises InputError where none is."""

    def build(self, vectors: np.ndarray) -> None:
        """Take in `vectors` `[I, D]` float32."""

    def search(self, query: np.ndarray, count: int) -> np.ndarray:
        """Positions of about the `count` best vectors for `query` `[D]`, best first, at most so many."""

    def write(self, path: Path) -> None:
        """Into the file `path`."""

    def read(self, path: Path, vectors: np.ndarray) -> tuple[int, ...]:
        """From the file `path`, or `vectors` where it has none; how many vectors it holds and how wide they
        are. Raises InputError.
        """


class Exact:
    """Every inner product.

    The oracle, and what serves where no package is installed; its file is the vectors' own.
    """

    name: str = "exact"
    file: str | None = None
    whole: bool = True

    def __init__(self, settings: dict[str, int] | None = None) -> None:
        self.settings = merged({}, settings)
        self.vectors = np.zeros((0, 0), dtype=np.float32)

    @staticmethod
    def version() -> str:
        """Of the folder's form, not of numpy: any numpy reads it."""
        return "1"

    def build(self, vectors: np.ndarray) -> None:
        """Keep them."""
        self.vectors = vectors

    def search(self, query: np.ndarray, count: int) -> np.ndarray:
        """The `count` best, best first; equal ones by position."""
        product = self.vectors @ query
        count = min(count, len(product))
        found = np.argpartition(-product, count - 1)[:count] if 0 < count < len(product) else np.arange(count)
        return found[np.lexsort((found, -product[found]))]

    def write(self, path: Path) -> None:
        """Nothing: `vectors.safetensors` is written for every engine."""

    def read(self, path: Path, vectors: np.ndarray) -> tuple[int, ...]:
        """The vectors."""
        self.build(vectors)
        return vectors.shape


class Faiss:
    """HNSW over the whole vectors, for up to some millions of items.

    m: neighbours per vector, twice as many on the lowest layer
    ef_construction: candidates that an insertion looks at
    ef_search: candidates that a search looks at, at least as many as are wanted
    threads: when building; with one, the same vectors give the same file
    """

    name: str = "faiss"
    file: str | None = "index.faiss"
    whole: bool = False

    def __init__(self, settings: dict[str, int] | None = None) -> None:
        self.settings = merged(HNSW, settings)
        self._index: Any = None

    @staticmethod
    def version() -> str:
        """Of faiss."""
        return str(package().__version__)

    def build(self, vectors: np.ndarray) -> None:
        """Put them in one after the other; the same order gives the same graph."""
        faiss, settings = package(), self.settings
        self._index = faiss.IndexHNSWFlat(vectors.shape[1], settings["m"], faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = settings["ef_construction"]
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(settings["threads"])
        try:
            self._index.add(vectors)
        finally:
            faiss.omp_set_num_threads(before)

    def search(self, query: np.ndarray, count: int) -> np.ndarray:
        """About the `count` best; fewer where the walk reaches no more."""
        asked = package().SearchParametersHNSW(efSearch=max(self.settings["ef_search"], count))
        found = self._index.search(query[None], count, params=asked)[1][0]
        return found[found >= 0]

    def write(self, path: Path) -> None:
        """In faiss's own format."""
        package().write_index(self._index, str(path))

    def read(self, path: Path, vectors: np.ndarray) -> tuple[int, ...]:
        """In faiss's own format: no code is run from it, but its numbers are trusted, so verify the file's
        hash first.
        """
        faiss = package()
        try:
            self._index = faiss.read_index(str(path))
        except RuntimeError:
            raise InputError(f"{path}: damaged, faiss cannot read it; build the index again") from None
        return self._index.ntotal, self._index.d


ENGINES: dict[str, type[Exact] | type[Faiss]] = {"faiss": Faiss, "exact": Exact}


def package() -> Any:
    """The module faiss; InputError where it is not installed."""
    try:
        import faiss
    except ImportError:
        raise InputError(NEEDED) from None
    return faiss


def merged(defaults: dict[str, int], settings: dict[str, int] | None) -> dict[str, int]:
    """The defaults with `settings` laid over; InputError for a name that is unknown or a number below 1."""
    for name, value in (settings or {}).items():
        if name not in defaults:
            raise InputError(
                f"unknown setting {name!r} of the engine: expected one of {', '.join(defaults) or 'none'}"
            )
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{name}: expected a whole number of at least 1 (got {value})")
    return defaults | (settings or {})
