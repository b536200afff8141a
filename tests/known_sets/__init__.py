"""Folders of the shape of data sets that people use, by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.known_sets import anime, graphs, shops
from tests.known_sets.world import Shape

SHAPES: dict[str, Callable[[], Shape]] = {
    make.__name__: make
    for make in (
        *(anime.anime_2016, anime.anime_2020, anime.anime_2023),
        *(shops.movielens_small, shops.movielens_25m, shops.movielens_1m, shops.goodbooks),
        *(shops.amazon_csv, shops.amazon_2023_csv, shops.amazon_jsonl),
        *(graphs.ripplenet_final, graphs.ripplenet_movie, graphs.mkr_book, graphs.kgcn_music),
        *(graphs.kgat, graphs.kgin, graphs.lightkg, graphs.recbole, graphs.recbole_split),
    )
}
