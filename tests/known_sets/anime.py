"""The three sets of anime of Kaggle."""

from __future__ import annotations

from tests.known_sets.world import GENRES, ITEMS, PAIRS, STUDIOS, USERS, Shape, marks, rows

LENGTHS, AGES = ("24 min. per ep.", "1 hr. 30 min."), ("G - All Ages", "R - 17+ (violence & profanity)")


def anime_2016() -> Shape:
    """Names with HTML entities, a number of episodes that is unknown, watched but not rated (-1), and a
    rating of an anime that the catalogue lacks, which is dropped.
    """
    anime = rows(
        "anime_id,name,genre,type,episodes,rating,members",
        [
            (
                *(i + 1, f"Film &quot;{i}&quot;", ", ".join(GENRES[i]), ("TV", "OVA")[i % 2]),
                *("Unknown" if i == 9 else 12 * i + 1, f"7.{i}", 100 + i),
            )
            for i in range(ITEMS)
        ],
    )
    pairs = [(u + 1, i + 1, -1 if i == 9 else marks(i)) for u, i in PAIRS] + [(1, 999, 10)]
    rating = rows("user_id,anime_id,rating", pairs)
    return Shape(
        {"anime.csv": anime, "rating.csv": rating},
        {"genre": 14, "type": 10, "franchise": 10, "length": 9},
        title='Film "0"',
        format="kaggle",
    )


_DOTS = "Watching,Completed,On-Hold,Dropped,Plan to Watch"
_VOTES = ",".join(f"Score-{n}" for n in range(10, 0, -1))


def anime_2020() -> Shape:
    """`Unknown` for what is not known, lists of studios, ratings also of episodes watched; the table with
    synopses and the list of watching beside.
    """

    def row(i: int) -> tuple[object, ...]:
        votes = [f"{10 * n}.0" for n in range(10)]
        return (
            *(i + 1, f"Film {i}", 8.0 - i / 10, ", ".join(GENRES[i]), "Unknown", f"映画 {i}"),
            *(("TV", "Movie")[i % 2], 24 if i else "Unknown", f"Apr {i + 1}, {1990 + i} to ?"),
            *(f"Spring {1990 + i // 2}", "Unknown", "Unknown" if i % 2 else "Crane, Egret", STUDIOS[i % 2]),
            *("Manga", LENGTHS[i % 2], AGES[i % 2], f"{i + 1}.0", i + 1, 1000 + i, i),
            *(10, 20, 30, 40, 50, *votes),
        )

    head = (
        "MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,Producers,"
        f"Licensors,Studios,Source,Duration,Rating,Ranked,Popularity,Members,Favorites,{_DOTS},{_VOTES}"
    )
    synopses = [(i + 1, f"Film {i}", 8.0, ", ".join(GENRES[i]), f"A story, {i}.") for i in range(ITEMS)]
    return Shape(
        {
            "anime.csv": rows(head, [row(i) for i in range(ITEMS)]),
            "rating_complete.csv": rows("user_id,anime_id,rating", [(u, i + 1, marks(i)) for u, i in PAIRS]),
            "animelist.csv": rows(
                "user_id,anime_id,rating,watching_status,watched_episodes",
                [(u, i + 1, 0 if i > 7 else marks(i), 2, 12) for u, i in PAIRS],
            ),
            "anime_with_synopsis.csv": rows("MAL_ID,Name,Score,Genres,sypnopsis", synopses),
            "watching_status.csv": rows("status, description", [(1, "Currently Watching"), (2, "Completed")]),
        },
        {
            **{
                "year": 10,
                "genre": 14,
                "type": 10,
                "franchise": 10,
                "length": 9,
                "premiered": 10,
                "licensor": 10,
            },
            **{"studio": 10, "source": 10, "duration": 10, "rating": 10},
        },
    )


def anime_2023() -> Shape:
    """`UNKNOWN` for what is not known, synopses over several lines, posters; beside them the users, an
    older catalogue and parts of the ratings.
    """
    head = (
        "anime_id,Name,English name,Other name,Score,Genres,Synopsis,Type,Episodes,Aired,Premiered,Status,"
        "Producers,Licensors,Studios,Source,Duration,Rating,Rank,Popularity,Favorites,Scored By,Members,"
        "Image URL"
    )

    def row(i: int) -> tuple[object, ...]:
        return (
            *(i + 1, f"Film {i}", "UNKNOWN", f"映画 {i}", 8.0 - i / 10, ", ".join(GENRES[i])),
            *(f"A story,\nover two lines: {i}.", ("TV", "Movie")[i % 2], f"{24 + i}.0" if i else "UNKNOWN"),
            *(f"Apr {i + 1}, {1990 + i} to ?", "UNKNOWN", "Finished Airing", "UNKNOWN", "UNKNOWN"),
            *(STUDIOS[i % 2], "Original", LENGTHS[i % 2], AGES[i % 2]),
            *(f"{i + 1}.0", i, 10 * i, f"{100 + i}.0", 1000 + i),
            f"https://cdn.example.org/images/anime/{i}.jpg",
        )

    filtered = (
        "anime_id,Name,Score,Genres,English name,Japanese name,sypnopsis,Type,Episodes,Aired,Premiered,"
        "Producers,Licensors,Studios,Source,Duration,Rating,Ranked,Popularity,Members,Favorites,Watching,"
        "Completed,On-Hold,Dropped"
    )
    joint = (
        "username,anime_id,my_score,user_id,gender,title,type,source,score,scored_by,rank,popularity,genre"
    )
    details = (
        "Mal ID,Username,Gender,Birthday,Location,Joined,Days Watched,Mean Score,Watching,Completed,On Hold,"
        "Dropped,Plan to Watch,Total Entries,Rewatched,Episodes Watched"
    )
    joined_at = "2009-01-05T00:00:00+00:00"
    people = [
        (u, f"name {u}", "", "", "Here, there", joined_at, 9.5, 7.1, 1, 2, 3, 4, 5, 15, 0, 90)
        for u in range(USERS)
    ]
    return Shape(
        {
            "anime-dataset-2023.csv": rows(head, [row(i) for i in range(ITEMS)]),
            "users-score-2023.csv": rows(
                "user_id,Username,anime_id,Anime Title,rating",
                [(u, f"name {u}", i + 1, f"Film {i}", marks(i)) for u, i in PAIRS],
            ),
            "users-details-2023.csv": rows(details, people),
            "anime-filtered.csv": rows(filtered, [(1, "Film 0", 8.0, "Drama", *["Unknown"] * 21)]),
            "user-filtered.csv": rows("user_id,anime_id,rating", [(0, 1, 9)]),
            "final_animedataset.csv": rows(
                joint, [("name 0", 1, 9, 0, "", "Film 0", "TV", "Original", 8.0, 9, 1.0, 1, "Drama")]
            ),
        },
        {
            **{"year": 10, "genre": 14, "type": 10, "franchise": 10, "length": 9, "status": 10},
            **{"studio": 10, "source": 10, "duration": 10, "rating": 10},
        },
    )
