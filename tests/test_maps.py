"""Maps of an artifact: nearest neighbours in the space and on the map, positions of users, hidden titles."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from dskreg.explore.maps import Maps
from dskreg.explorer import Explorer, InputError
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module")
def maps(explorer: Explorer) -> Maps:
    return explorer.maps


def without(maps: Maps, *items: int) -> Maps:
    """The maps with the titles at these positions kept out."""
    core = copy.copy(maps.core)
    core.kept_out = np.isin(np.arange(len(core.items)), items)
    return Maps(core)


@pytest.mark.parametrize("space", ["aggregated", "raw"])
@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_every_title_and_every_user_of_the_map_has_a_finite_position(
    maps: Maps, explorer: Explorer, space: str, method: str
) -> None:
    titles, users = maps.titles(space, method), maps.users(method)
    assert titles["item_id"].tolist() == explorer.items["item_id"].tolist() and np.isfinite(
        titles[["x", "y"]]
    ).all(axis=None)
    assert set(users["user_id"]) <= set(explorer.user_ids) and np.isfinite(users[["x", "y"]]).all(axis=None)
    assert titles["cluster"].between(-1, 19).all() and users["cluster"].between(-1, 19).all()
    assert (maps.titles("raw")["x"] != maps.titles("aggregated")["x"]).any()
    for row in users.head(3).itertuples():
        assert row.liked == len(explorer.profile(row.user_id).history)


def test_nearest_neighbours_and_ranks_agree_with_a_plain_loop(maps: Maps) -> None:
    vectors, xy, item = maps.vectors("titles", "raw"), maps.xy("titles", "raw"), 35
    others = [j for j in range(len(vectors)) if j != item]
    ids = maps.core.directory.item_ids
    far = {j: float(np.linalg.norm(vectors[j] - vectors[item])) for j in others}
    on_map = {j: float(np.linalg.norm(xy[j] - xy[item])) for j in others}
    true, mapped = sorted(others, key=far.__getitem__), sorted(others, key=on_map.__getitem__)
    near = maps.near("titles", ids[item], 12, "euclidean", "raw")
    shown = maps.near("titles", ids[item], 12, "euclidean", "raw", on_map=True)
    assert near["item_id"].tolist() == [ids[j] for j in true[:12]] and shown["item_id"].tolist() == [
        ids[j] for j in mapped[:12]
    ]
    assert near["closeness"].tolist() == pytest.approx([far[j] for j in true[:12]], rel=1e-4)
    assert near["rank"].tolist() == shown["map_rank"].tolist() == list(range(1, 13))
    assert near["map_rank"].tolist() == [1 + mapped.index(j) for j in true[:12]]
    # Titles without likes have no vector: they are equally far, and share a rank
    assert shown["rank"].tolist() == [1 + sum(far[k] < far[j] for k in others) for j in mapped[:12]]


def test_similar_titles_are_the_nearest_by_cosine_after_aggregation(maps: Maps) -> None:
    similar, near = maps.similar(36, 7), maps.near("titles", 36, 7)
    assert (
        similar["item_id"].tolist() == near["item_id"].tolist()
        and similar["similarity"].tolist() == near["closeness"].tolist()
    )
    assert similar["similarity"].is_monotonic_decreasing and 36 not in similar["item_id"].tolist()


def test_a_title_that_is_kept_out_appears_in_no_map_and_no_neighbour_list(maps: Maps) -> None:
    first = maps.similar(36, 1)["item_id"].iloc[0]
    hidden = without(maps, maps.core.directory.item(first))
    assert (
        first not in hidden.titles()["item_id"].tolist() and first not in hidden.moved()["item_id"].tolist()
    )
    for table in (
        hidden.similar(36, 900),
        hidden.near("titles", 36, 900),
        hidden.near("titles", 36, 900, on_map=True),
    ):
        assert first not in table["item_id"].tolist() and len(table) == len(maps.core.items) - 2
    assert (
        hidden.near("titles", 36, 5)["item_id"].tolist() == maps.near("titles", 36, 6)["item_id"].tolist()[1:]
    )
    assert hidden.regions()["titles"].sum() == maps.regions()["titles"].sum() - 1


def test_a_user_keeps_the_stored_position_and_a_custom_profile_of_the_same_likes_is_placed_next_to_it(
    maps: Maps, explorer: Explorer
) -> None:
    users = maps.users()
    xy = users[["x", "y"]].to_numpy()
    for row in (3, 400, 1200):
        profile = explorer.profile(users["user_id"].iloc[row])
        assert maps.place(profile) == pytest.approx(tuple(xy[row]))
        assert maps.place(profile, "pca") == pytest.approx(
            tuple(maps.users("pca")[["x", "y"]].to_numpy()[row])
        )
        same_taste = explorer.profile_of(profile.history)
        at = maps.place(same_taste)
        # Of all users it is the nearest to its copy
        assert at is not None and int(np.linalg.norm(xy - at, axis=1).argmin()) == row
        assert maps.place(same_taste, "pca") == pytest.approx(maps.place(profile, "pca"), abs=1e-5)


def test_editing_a_profile_moves_its_position(maps: Maps, explorer: Explorer) -> None:
    profile = explorer.profile(17)
    edited = explorer.edited(profile, disliked=profile.history[: len(profile.history) // 2])
    assert maps.place(edited) != maps.place(profile) and maps.place(edited, "pca") != maps.place(
        profile, "pca"
    )
    assert maps.place(explorer.edited(profile, disliked=profile.history)) is None  # no like is left


def test_a_user_is_no_neighbour_of_itself_but_of_a_profile_with_the_same_likes(
    maps: Maps, explorer: Explorer
) -> None:
    near = maps.near("users", 17, 8)
    assert 17 not in near["user_id"].tolist() and near["closeness"].is_monotonic_decreasing
    same = maps.near("users", explorer.profile_of(explorer.profile(17).history), 8)
    assert same["user_id"].iloc[0] == 17 and same["closeness"].iloc[0] == pytest.approx(1)
    assert same["user_id"].tolist()[1:] == near["user_id"].tolist()[:-1]


def test_the_shift_of_a_title_is_the_overlap_and_cosine_of_the_raw_and_aggregated_spaces(maps: Maps) -> None:
    table = maps.moved().set_index("item_id")
    for item in (36, 1, 700):
        before, after = (
            set(maps.near("titles", item, 15, space=space)["item_id"]) for space in ("raw", "aggregated")
        )
        assert table.loc[item, "kept"] == pytest.approx(len(before & after) / 15)
        one, other = (
            maps.vectors("titles", space)[maps.core.directory.item(item)] for space in ("raw", "aggregated")
        )
        assert table.loc[item, "cosine"] == pytest.approx(
            one @ other / np.linalg.norm(one) / np.linalg.norm(other), abs=1e-5
        )


def test_a_region_is_labelled_with_its_over_represented_genres(maps: Maps) -> None:
    regions, titles = maps.regions(), maps.titles()
    assert (
        regions["titles"].sum() == (titles["cluster"] >= 0).sum()
        and regions["titles"].is_monotonic_decreasing
    )
    best = regions.sort_values("lift").iloc[-1]
    genre = best["label"].split(", ")[0]
    has = titles["genres"].str.split(", ").map(lambda row: genre in row)
    assert best["lift"] == pytest.approx(
        has[titles["cluster"] == best["cluster"]].mean() / has[titles["cluster"] >= 0].mean()
    )
    # a region's label is on one of its titles
    assert not (titles[["x", "y"]] == best[["x", "y"]].tolist()).all(axis=1).sum() == 0
    assert {"users", "label", "lift"} <= set(maps.regions("users"))


def test_the_quality_of_tsne_is_stored_and_that_of_pca_is_measured(maps: Maps) -> None:
    stored = maps.core.artifact.metrics["maps"]
    assert (
        maps.quality() == stored["titles"]
        and maps.quality(space="raw") == stored["raw"]
        and maps.quality("users") == stored["users"]
    )
    assert maps.quality(method="pca")["trustworthiness"] < maps.quality()["trustworthiness"]


def test_unknown_spaces_methods_metrics_and_ids_are_refused(maps: Maps, explorer: Explorer) -> None:
    for call in (
        lambda: maps.titles(space="elsewhere"),
        lambda: maps.users(method="umap"),
        lambda: maps.near("titles", 36, metric="dot"),
        lambda: maps.near("titles", 10**9),
        lambda: maps.near(
            "users", explorer.edited(explorer.profile(17), disliked=explorer.profile(17).history)
        ),
    ):
        with pytest.raises(InputError):
            call()


def test_the_rarest_genre_of_a_title_is_the_one_that_fewest_titles_carry(explorer: Explorer) -> None:
    titles = explorer.maps.titles()
    genres = titles["genres"].str.split(", ")
    carried = genres.explode().value_counts()
    for rarest, own in zip(titles["rarest"], genres, strict=True):
        assert rarest in own and carried[rarest] == carried[own].min()


def test_carriers_of_an_entity_are_those_of_the_data_and_never_kept_out(maps: Maps) -> None:
    data = maps.core.artifact.dataset
    relation, entity = (
        data.relations.index("studio"),
        int(data.tail[data.relation == data.relations.index("studio")][0]),
    )
    heads = np.unique(data.head[(data.relation == relation) & (data.tail == entity)])
    ids, name = maps.core.directory.item_ids, str(data.entities[entity])
    assert maps.carriers("studio", name) == [ids[head] for head in heads]
    assert maps.carriers("studio", name)[1:] == without(maps, int(heads[0])).carriers("studio", name)
    for unknown in (("studio", "no such"), ("no such", name)):
        with pytest.raises(InputError, match="no title carries it"):
            maps.carriers(*unknown)


def test_a_map_of_titles_or_users_is_wider_than_tall(maps: Maps) -> None:
    for kind, space in (("titles", "aggregated"), ("users", "aggregated")):
        across, down = np.ptp(maps.xy(kind, space), axis=0)
        assert across >= down
    stored = maps.core.artifact.user_map[["x", "y"]].to_numpy()
    assert np.ptp(stored[:, 1]) > np.ptp(stored[:, 0]), "the demo's map of users is turned"
    assert maps.xy("users").tolist() == stored[:, ::-1].tolist()
