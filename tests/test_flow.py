"""The flow adds up, in every direction, to numbers that the model gives; the relaxed score is the one that
training sees.
"""

import pytest
import torch

from dskreg.explain.attribution import BIAS, GLOBAL, ITSELF, OWN
from dskreg.explorer import Explorer, Profile
from dskreg.graph.candidates import build
from dskreg.serving.trained import as_batch
from tests.small import DEMO, SMALL, opened, random_world
from tests.worlds import EVERYTHING

CASES = [(preset, seed) for preset in SMALL for seed in (None, 0, 5)]


def small(preset: str) -> Explorer:
    dataset = random_world(1)
    return opened(dataset, build(dataset, EVERYTHING), SMALL[preset])


def people(explorer: Explorer) -> list[Profile]:
    return [explorer.profile(501), explorer.profile_of([100, 104, 107, 110]), explorer.profile_of([101])]


@pytest.mark.parametrize(("preset", "seed"), CASES)
def test_all_pairs_add_up_to_the_score_before_the_activation(preset: str, seed: int | None) -> None:
    explorer = small(preset)
    for profile in people(explorer):
        flow, found = explorer.flow(profile, 105, seed=seed), explorer.explain(profile, 105, seed)
        assert flow["contribution"].sum() == pytest.approx(found.pre_activation_score, abs=1e-5)
        by_target = flow.groupby(["target", "target_id", "relation"], dropna=False)["contribution"].sum()
        for target, expected in ((ITSELF, found.self_contribution), (BIAS, found.bias)):
            mine = flow.loc[flow["target"] == target, "contribution"]
            assert mine.sum() == pytest.approx(expected, abs=1e-5)
        for row in found.item_neighbours[found.item_neighbours["picked"]].itertuples():
            assert by_target[row.title, row.item_id, row.relation] == pytest.approx(
                row.contribution, abs=1e-5
            )


@pytest.mark.parametrize("seed", [None, 3])
def test_where_all_is_linear_the_rows_are_what_each_liked_title_adds(seed: int | None) -> None:
    explorer = small("default")
    for profile in people(explorer):
        by_source = explorer.flow(profile, 105, seed=seed).groupby("source_id")["contribution"].sum()
        person = explorer.explain(profile, 105, seed).user_neighbours.set_index("item_id")
        assert set(by_source.index) == set(profile.history)
        for item_id, added in by_source.items():
            assert added == pytest.approx(person.loc[item_id, "contribution"], abs=1e-5)


def test_a_free_embedding_speaks_for_itself_and_so_do_the_picks_alone() -> None:
    explorer = small("paper")
    profile = explorer.profile(501)
    picked = (
        explorer.explain(profile, 105, 3, user_picks=1).user_neighbours.query("picked")["item_id"].tolist()
    )
    flow = explorer.flow(profile, 105, seed=3, user_picks=1)
    assert flow["source_id"].dropna().unique().tolist() == picked and {OWN, GLOBAL} <= set(flow["source"])


def test_the_demos_flow_adds_up_too() -> None:
    explorer = Explorer.open(DEMO)
    profile = explorer.profile(17)
    flow, found = explorer.flow(profile, 36, seed=2), explorer.explain(profile, 36, seed=2)
    assert flow["contribution"].sum() == pytest.approx(found.score, rel=1e-5)
    parts = flow[["target", "relation"]].drop_duplicates()  # a neighbour may be drawn under two relations
    assert len(flow) == flow["source"].nunique() * len(parts)


@pytest.mark.parametrize("named", [0, 1, 3, 50])
def test_putting_the_weaker_together_loses_nothing(named: int) -> None:
    explorer = small("paper")
    flow = explorer.flow(explorer.profile(501), 105, seed=3)
    fewer = explorer.flow(explorer.profile(501), 105, sources=named, seed=3)
    assert fewer["source_id"].nunique() == min(named, flow["source_id"].nunique())
    assert fewer["contribution"].sum() == pytest.approx(flow["contribution"].sum(), abs=1e-9)
    for target, part in flow.groupby("target")["contribution"].sum().items():
        assert fewer[fewer["target"] == target]["contribution"].sum() == pytest.approx(part, abs=1e-9)


# The relaxed score


@pytest.mark.parametrize("preset", SMALL)
@pytest.mark.parametrize("seed", [None, 4])
def test_towards_temperature_0_the_relaxed_score_is_the_hard_one(preset: str, seed: int | None) -> None:
    explorer = small(preset)
    for profile in people(explorer):
        hard = explorer.explain(profile, 105, seed).score
        assert explorer.relaxed_score(profile, 105, seed=seed, temperature=1e-4) == pytest.approx(
            hard, abs=1e-3
        )
        assert (
            explorer.relaxed_score(profile, 105, seed=seed, temperature=2.0) != pytest.approx(hard, abs=1e-3)
            or len(profile.history) < 2
        )


def test_it_is_the_score_of_a_training_pass_with_soft_weights() -> None:
    """`forward` with gradients on, as training calls it, of the same weights under a soft configuration."""
    dataset = random_world(1)
    graph = build(dataset, EVERYTHING)
    hard, soft = (
        opened(dataset, graph, model)
        for model in (
            SMALL["default"],
            type(SMALL["default"])(width=4, picks=2, user_picks=2, relaxation="soft"),
        )
    )
    profile = hard.profile(501)
    user, history = soft.core.history(profile)
    of_user, of_item = soft.core.noise(user, history, 5, 4)
    soft.model.train()
    with torch.enable_grad():
        trained = soft.model(
            torch.tensor([user]), as_batch(history), torch.tensor([5]), of_user, of_item
        ).score
    assert hard.relaxed_score(profile, 105, seed=4) == pytest.approx(float(trained), abs=1e-6)
    assert hard.model.config.relaxation == "straight-through", "the model that everybody shares is as it was"
