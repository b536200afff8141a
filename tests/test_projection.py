"""The maps: repeatable, honest about their quality, and safe on awkward input."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import ProjectionConfig
from dskreg.embedding.neighbours import all_nearest, kept, nearest, neighbours_for, quality
from dskreg.embedding.projection import Projection, place, principal, project, turned
from dskreg.errors import InputError
from tests.worlds import blobs

QUICK = ProjectionConfig(iterations=50)


def elsewhere(program: str) -> bytes:
    """What the program prints in a process of its own, which can import the package and this folder."""
    here = Path(__file__).parent
    start = f"import sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]\n"
    return subprocess.run([sys.executable, "-c", start + program], capture_output=True, check=True).stdout


def test_the_same_seed_gives_the_same_bits_also_in_another_process() -> None:
    vectors, _ = blobs()
    first, second = project(vectors, QUICK, seed=3), project(vectors, QUICK, seed=3)
    assert first.xy.dtype == np.float32 and first.xy.shape == (90, 2)
    assert first.xy.tobytes() == second.xy.tobytes() and replace(first, xy=second.xy) == replace(
        second, xy=second.xy
    )
    program = (
        "import sys; from test_projection import *; sys.stdout.buffer.write(project(blobs()[0], "
        "QUICK, seed=3).xy.tobytes())"
    )
    assert elsewhere(program) == first.xy.tobytes()
    assert project(vectors, QUICK, seed=4).xy.tobytes() != first.xy.tobytes()


def test_groups_that_are_apart_stay_together_on_the_map() -> None:
    vectors, group = blobs()
    made = project(vectors, ProjectionConfig(), seed=0)
    apart = np.linalg.norm(made.xy[:, None] - made.xy[None], axis=2) + np.where(np.eye(90), np.inf, 0)
    assert (group[apart.argmin(axis=1)] == group).all()
    assert made.parameters["perplexity"] == pytest.approx(89 / 3)
    assert (made.neighbours, made.sample) == (15, 90)


@pytest.mark.parametrize("k", [1, 5, 15])
def test_trustworthiness_equals_scikit_learn_when_every_point_is_an_anchor(k: int) -> None:
    manifold = pytest.importorskip("sklearn.manifold")
    vectors, _ = blobs()
    for xy in (vectors[:, :2], np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)):
        expected = manifold.trustworthiness(
            vectors.astype(np.float64), xy.astype(np.float64), n_neighbors=k, metric="cosine"
        )
        assert quality(vectors, xy, k, 90, 0)[0] == pytest.approx(expected, abs=1e-12)


def test_preservation_equals_the_overlap_of_neighbour_sets_over_the_sampled_anchors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors, _ = blobs()
    xy = np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)
    anchors = np.random.default_rng(7).permutation(90)[:40]

    def overlap(anchor: int) -> float:
        distance = np.linalg.norm(xy - xy[anchor], axis=1)
        mapped = [j for j in np.argsort(distance) if j != anchor][:5]
        return len(set(mapped) & set(nearest(vectors, anchor, 5)[0])) / 5

    whole = quality(vectors, xy, 5, 40, seed=7)
    assert whole[1] == pytest.approx(np.mean([overlap(a) for a in anchors]))
    monkeypatch.setattr("dskreg.embedding.neighbours.CELLS", 300)  # three anchors at a time
    assert quality(vectors, xy, 5, 40, seed=7) == whole


def test_a_faithful_map_has_quality_1_and_a_random_one_about_chance() -> None:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 200)
    # On the unit circle the map's order of distances is cosine's
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert quality(circle, circle, 10, 200, 0) == (1.0, 1.0)
    scattered = np.random.default_rng(1).normal(size=(200, 2))
    trust, kept = quality(circle, scattered, 10, 200, 0)
    assert 0.3 < trust < 0.7 and kept < 0.15  # chance: about one half, and 10 of 199


def test_duplicates_are_each_others_neighbours_whichever_is_drawn_nearer() -> None:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(10, 6)), 4, axis=0)
    xy = np.repeat(np.random.default_rng(1).normal(size=(10, 2)) * 100, 4, axis=0) + np.random.default_rng(
        2
    ).normal(size=(40, 2))
    assert quality(vectors, xy, 3, 40, 0) == (1.0, 1.0)


def test_points_without_length_do_not_flatter_the_map() -> None:
    vectors, _ = blobs()
    xy = np.random.default_rng(1).normal(size=(90, 2))
    vectors[30:] = 0
    trust, kept = quality(vectors, xy, 5, 90, 0)
    assert (trust, kept) == quality(vectors, xy, 5, 30, 0)  # the thirty others are all the anchors there are
    assert trust < 0.8 and kept < 0.3
    assert project(vectors, QUICK, 0).sample == 30


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 11, 40])
def test_any_number_of_points_gets_a_place(count: int) -> None:
    made = project(np.random.default_rng(0).normal(size=(count, 8)), QUICK, seed=0)
    assert made.xy.shape == (count, 2) and np.isfinite(made.xy).all()
    assert len(np.unique(made.xy, axis=0)) == count
    assert made.neighbours == neighbours_for(count) and measured(made) == (count > 2)


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((50, 8)),
        np.ones((50, 8)),
        np.repeat(np.eye(2, 8), 40, axis=0),
        np.repeat(np.random.default_rng(0).normal(size=(3, 8)), 50, axis=0),
        np.concatenate([np.zeros((30, 8)), np.random.default_rng(0).normal(size=(30, 8))]),
        np.random.default_rng(0).normal(size=(30, 1)),
        np.zeros((5, 0)),
    ],
    ids=[
        "zeros",
        "one point",
        "two directions",
        "many duplicates",
        "half zeros",
        "one dimension",
        "no dimension",
    ],
)
def test_awkward_vectors_get_finite_places(vectors: np.ndarray) -> None:
    made = project(vectors, QUICK, seed=0)
    assert np.isfinite(made.xy).all() and len(np.unique(made.xy, axis=0)) > len(vectors) / 2
    assert measured(made) == bool(vectors.any())


def measured(made: Projection) -> bool:
    """Both figures are shares, or neither is there: no anchor or no neighbour, nothing to measure."""
    figures = (made.trustworthiness, made.neighbour_preservation)
    if figures == (None, None):
        return False
    return all(value is not None and 0 <= value <= 1 for value in figures)


@pytest.mark.parametrize("perplexity", [0.5, 1.0, 1000.0])
def test_the_perplexity_is_cut_to_what_the_points_allow(perplexity: float) -> None:
    made = project(blobs(31)[0], replace(QUICK, perplexity=perplexity), seed=0)
    assert made.parameters["perplexity"] == min(perplexity, 10.0) and np.isfinite(made.xy).all()


def test_the_long_part_is_announced_once_and_short_ones_not_at_all() -> None:
    said: list[str] = []
    project(blobs(30)[0], QUICK, 0, said.append)
    project(blobs(3)[0], QUICK, 0, said.append)
    assert said == ["t-SNE map of 30 points"]
    project(blobs(30)[0], QUICK, 0, said.append, "titles after the graph")
    assert said[-1] == "t-SNE map of 30 titles after the graph"


def test_broken_vectors_are_refused_with_their_place() -> None:
    vectors = blobs()[0]
    vectors[7, 2] = np.nan
    for call in (
        lambda: project(vectors, QUICK, 0),
        lambda: quality(vectors, vectors[:, :2], 5, 9, 0),
        lambda: nearest(vectors, 0, 3),
    ):
        with pytest.raises(InputError, match="row 7"):
            call()
    with pytest.raises(InputError, match="matrix"):
        project(np.zeros(4), QUICK, 0)
    with pytest.raises(InputError, match="less than half"):
        quality(np.eye(4), np.eye(4, 2), 2, 4, 0)


def test_nearest_by_hand() -> None:
    vectors = np.array([[1, 0], [2, 0], [1, 1], [0, 3], [-1, 0], [0, 0], [5, 0]])
    positions, similarity = nearest(vectors, 0, 4)
    assert positions.tolist() == [1, 6, 2, 3]  # 1 and 6 tie: by position; so do 3 and 5
    assert similarity == pytest.approx([1, 1, np.sqrt(0.5), 0])
    positions, distance = nearest(vectors, 0, 3, "euclidean")
    assert positions.tolist() == [1, 2, 5] and distance.tolist() == [-1, -1, -1]
    assert nearest(vectors, 4, 99)[0].tolist()[-2:] == [1, 6]
    assert len(nearest(vectors, 0, 99)[0]) == 6 and len(nearest(vectors[:1], 0, 5)[0]) == 0
    for index in (-1, 7):
        with pytest.raises(InputError, match="expected a position from 0 to 6"):
            nearest(vectors, index, 3)


def test_looking_up_neighbours_needs_no_slow_import() -> None:
    calls = (
        "n.nearest(numpy.eye(9), 0, 3); n.quality(numpy.eye(9), numpy.eye(9, 2), 3, 9, 0); "
        "p.principal(numpy.eye(9))"
    )
    slow = "{'sklearn', 'openTSNE', 'torch'} & set(sys.modules)"
    assert (
        elsewhere(
            "import sys, numpy, dskreg.embedding.neighbours as n, dskreg.embedding.projection as p; "
            f"{calls}; print({slow})"
        ).strip()
        == b"set()"
    )


def test_every_points_neighbours_are_those_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = blobs()
    monkeypatch.setattr("dskreg.embedding.neighbours.CELLS", 300)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found, distance = all_nearest(unit, 6)
    for i in range(90):
        assert set(found[i]) == set(nearest(vectors, i, 6)[0])
        assert distance[i] == pytest.approx(np.linalg.norm(unit[found[i]] - unit[i], axis=1), abs=1e-3)
    assert np.array_equal(project(vectors, QUICK, 0).near[:, :6], found)


def test_the_share_kept_is_the_overlap_of_two_rows() -> None:
    before, after = np.array([[1, 2, 3, 4], [0, 2, 3, 4]]), np.array([[4, 9, 1, 8], [4, 3, 2, 0]])
    assert kept(before, after).tolist() == [0.5, 1.0]
    assert kept(before[:, :0], after[:, :0]).tolist() == [1.0, 1.0]


def test_a_map_begun_from_another_lies_as_that_one_does() -> None:
    vectors, _ = blobs(150)
    first = project(vectors, ProjectionConfig(), 0)
    nearly = vectors + np.random.default_rng(1).normal(size=vectors.shape) * 0.05
    again = project(nearly, ProjectionConfig(), 0, start=first.xy)
    assert again.parameters["start"] == "another map"
    best = ((again.xy - again.xy.mean(0)) ** 2).sum()
    here = ((again.xy - first.xy) ** 2).sum()
    for angle in np.linspace(0, 2 * np.pi, 60):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for mirror in (np.eye(2), np.diag([1.0, -1.0])):
            moved = (again.xy - again.xy.mean(0)) @ mirror @ turn + first.xy.mean(0)
            assert here <= ((moved - first.xy) ** 2).sum() + 1e-3 * best


def test_turning_undoes_a_rotation_and_a_mirror() -> None:
    xy = np.random.default_rng(0).normal(size=(40, 2))
    turn = np.array([[np.cos(1.1), -np.sin(1.1)], [np.sin(1.1), np.cos(1.1)]]) @ np.diag([1, -1])
    assert turned(xy @ turn + 7, xy) == pytest.approx(xy, abs=1e-5)


def test_pca_is_scikit_learns_up_to_the_sign_and_places_its_own_points() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    vectors, _ = blobs()
    plane, unit = principal(vectors), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    model = decomposition.PCA(2, svd_solver="full").fit(unit.astype(np.float64))
    assert np.abs(plane.xy) == pytest.approx(np.abs(model.transform(unit)), abs=1e-5)
    assert plane.shares == pytest.approx(model.explained_variance_ratio_, abs=1e-6)
    assert all(plane.axes[np.abs(plane.axes[:, a]).argmax(), a] > 0 for a in (0, 1))
    for i in (0, 31, 89):
        assert plane.place(vectors[i]) == pytest.approx(plane.xy[i])
        assert plane.place(vectors[i] * 5) == pytest.approx(plane.xy[i])  # length plays no part


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (3, 1), (5, 0)])
def test_pca_of_next_to_nothing(shape: tuple[int, int]) -> None:
    plane = principal(np.ones(shape))
    assert (
        plane.xy.shape == (shape[0], 2)
        and np.isfinite(plane.xy).all()
        and sum(plane.shares) in (0, pytest.approx(1))
    )


def test_a_point_left_out_is_placed_nearer_to_its_own_place_than_nearly_all_others() -> None:
    vectors, group = blobs(150)
    made = project(vectors, ProjectionConfig(), 0)
    for i in (0, 1, 2, 70, 149):
        others = np.arange(150) != i
        at = place(vectors[i], vectors[others], made.xy[others])
        distance = np.linalg.norm(made.xy - at, axis=1)
        assert group[distance.argmin()] == group[i]
        # The user's place is nearer than that of any user of another group
        assert (distance[group != group[i]] > distance[i]).all()
        assert place(vectors[i], vectors[others], made.xy[others]) == at


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 20])
def test_a_point_is_placed_among_any_number_of_others(count: int) -> None:
    vectors, _ = blobs(count)
    xy = project(vectors, QUICK, 0).xy
    for vector in (np.ones(12, dtype=np.float32), np.zeros(12, dtype=np.float32)):
        assert np.isfinite(place(vector, vectors, xy)).all()
