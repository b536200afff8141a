"""Small valid folders of the four formats, and what becomes of a folder: what every test of malformed data
starts from and asks.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dskreg.config import PRESETS
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.errors import InputError
from dskreg.graph.candidates import build
from tests.known_sets import SHAPES
from tests.known_sets.invented import SHOPS

KNOWN = (*SHAPES.values(), *SHOPS.values())  # the folders of the format "known"
USERS, ITEMS, LONGEST = 8, 10, 600  # LONGEST: characters of a refusal
PAIRS = [(u, i) for u in range(USERS) for i in range(ITEMS) if (u + i) % 2 == 0 or i < 2]
_LIKES = {u: [i for v, i in PAIRS if v == u] for u in range(USERS)}

VALID: dict[str, dict[str, str]] = {
    "kaggle": {
        "rating.csv": "user_id,anime_id,rating\n"
        + "".join(f"{u + 1},{i + 1},{8 + i % 3}\n" for u, i in PAIRS),
        "anime.csv": "anime_id,name,genre,type,episodes,rating,members\n"
        + "".join(f'{i + 1},Title {i},"Action, G{i % 3}",TV,12,7.5,100\n' for i in range(ITEMS)),
    },
    "text": {
        "train.txt": "".join(f"{u} {' '.join(map(str, likes[:-1]))}\n" for u, likes in _LIKES.items()),
        "test.txt": "".join(f"{u} {likes[-1]}\n" for u, likes in _LIKES.items()),
        "kg_final.txt": "".join(f"{i} 0 {ITEMS + i % 3}\n" for i in range(ITEMS)),
    },
    "recbole": {
        "x.inter": "user_id:token\titem_id:token\trating:float\n"
        + "".join(f"u{u}\ti{i}\t8\n" for u, i in PAIRS),
        "x.kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        + "".join(f"m{i}\tr\tg{i % 3}\n" for i in range(ITEMS)),
        "x.link": "item_id:token\tentity_id:token\n" + "".join(f"i{i}\tm{i}\n" for i in range(ITEMS)),
        "x.item": "item_id:token\ttitle:token_seq\n" + "".join(f"i{i}\tTitle {i}\n" for i in range(ITEMS)),
    },
    "tables": {
        "ratings.csv": "userId,movieId,rating\n" + "".join(f"{u},{i},{3 + i % 3}\n" for u, i in PAIRS),
        "movies.csv": "movieId,title,genres\n"
        + "".join(f"{i},Title {i} ({1990 + i}),A|G{i % 3}\n" for i in range(ITEMS)),
    },
}

RICHER: dict[str, dict[str, str]] = {
    "kaggle": {
        "anime.csv": "anime_id,name,genre,type,episodes,rating,members\n"
        + "".join(
            (
                f'{i + 1},"Gintama: Part &quot;{i}&quot;","Action, '
                f'G{i % 3}",{("TV", "OVA", "")[i % 3]},{i or "Unknown"},,\n'
            )
            for i in range(ITEMS)
        )
    },
    "text": {
        "item_list.txt": "org_id remap_id\n" + "".join(f"m.{i} {i}\n" for i in range(ITEMS)),
        "user_list.txt": "org_id\tremap_id\n" + "".join(f"viewer {u}\t{u}\n" for u in range(USERS)),
        "relation_list.txt": "org_id remap_id\nfilm.genre 0\n",
        "entity_list.txt": "org_id remap_id\n" + "".join(f"m.{i} {i}\n" for i in range(ITEMS + 3)),
    },
    "recbole": {
        "x.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        + "".join(f"{u}\t{i}\t{7 + i % 4}\t{100 * i}\n" for u, i in PAIRS),
        "x.item": "item_id:token\tmovie_title:token_seq\tyear:token\tclass:token_seq\n"
        + "".join(f"{i}\tTitle {i}\t1999\tA G{i % 3}\n" for i in range(ITEMS)),
        "x.link": "item_id:token\tentity_id:token\n" + "".join(f"{i}\tm{i}\n" for i in range(ITEMS)),
    },
    "tables": {
        "train.csv": "uid,Item Id,stars,time\n"
        + "".join(f"u {u},b{i},{1 + i % 10},{100 * i}\n" for u, i in PAIRS if i % 4),
        "test.jsonl": "".join(
            f'{{"uid": "u {u}", "Item Id": "b{i}", "stars": {1 + i % 10}, "time": {100 * i}}}\n'
            for u, i in PAIRS
            if i % 4 == 0
        ),
        "kg.tsv": "".join(f"b{i}\tmaker\tm{i % 3}\nb{i}\tsequel\tb{i // 2}\n" for i in range(ITEMS)),
        "movies.csv": "item_id,name,year,price,tags\n"
        + "".join(f"b{i},B {i},{1900 + 9 * i}.0,{i * 1.5},\"['a', 'g{i % 3}']\"\n" for i in range(ITEMS)),
        "dataset.toml": "threshold = 5\nrelations = ['year', 'tags', 'price']\n",
    },
}
"""What takes the place of files in `VALID`, or stands beside them: the optional files and columns."""


def files_of(format: str, richer: bool = False) -> dict[str, bytes]:
    """The content of each file of a valid folder."""
    return {
        name: text.encode() for name, text in (VALID[format] | (RICHER[format] if richer else {})).items()
    }


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    """Make the folder with these files."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def outcome(format: str, source: Path) -> str:
    """The line by which the data at `source` are refused; "" where they are read, split and made into a
    graph. Nothing else may happen: it escapes.
    """
    config = PRESETS["default"]
    settings = replace(config.data, core=1)
    folder = source if source.is_dir() else source.parent
    try:
        data = split(load(source, settings), settings)
        graph = build(data, config.graph)
    except InputError as error:
        said = str(error)
        assert said.isprintable() and len(said) < LONGEST, f"one short line was expected, got {said[:2000]!r}"
        valid = (
            VALID[format]
            if format in VALID
            else [n.removesuffix(".gz") for make in KNOWN for n in make().files]
        )
        places = (*(path.name for path in folder.iterdir()), *valid, str(folder))
        sets = {f"{name.partition('.')[0]}:" for name in (source.name, *valid)}  # RecBole's are called so
        names = (*places, *sets)
        assert any(name in said for name in names), f"no file is named: {said!r}"
        return said
    assert (
        (data.user < len(data.user_ids)).all()
        and (data.item < len(data.items)).all()
        and (data.head < len(data.items)).all()
    )
    assert len(graph.neighbour) == len(data.items) and (graph.neighbour < len(data.items)).all()
    return ""
