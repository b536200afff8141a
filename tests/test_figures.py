"""The numbers that the pages show, against numbers computed here from interactions, triples and weights."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.data.dataset import OUTSIDE, TRAIN, VALIDATION
from dskreg.explorer import Explorer
from dskreg.text import percent
from tests.lists import recommended, visit
from tests.small import DEMO
from tests.visits import decomposed, fine, said

USER = 17


class Oracle:
    """The default preset by its equations (docs/model.md), one title at a time, in float64."""

    def __init__(self) -> None:
        self.explorer = Explorer.open(DEMO)
        made = self.explorer.core.artifact
        self.data, self.graph, self.config = made.dataset, made.graph, made.config.model
        self.w = {name: value.astype(np.float64) for name, value in made.weights.items()}
        self.ids = self.data.items["item_id"].tolist()
        folds = (TRAIN, VALIDATION, OUTSIDE)
        known = self.data.liked & np.isin(self.data.fold, folds)
        assert made.config.train.refit and self.config.form == "evidence"
        self.likes = {u: set() for u in range(len(self.data.user_ids))}
        for u, i in zip(self.data.user[known], self.data.item[known], strict=True):
            self.likes[int(u)].add(int(i))
        mine = list(self.data.user_ids).index(USER)
        self.history = sorted(self.likes[mine])
        self.seen = set(self.data.item[self.data.user == mine].tolist())

        # The model was made from these likes, and counts them for itself
        count = np.bincount([i for likes in self.likes.values() for i in likes], minlength=len(self.ids))
        np.testing.assert_array_equal(self.w["likes"], count)

    def person(self, history: list[int]) -> np.ndarray:
        """e_hat_u."""
        total = sum(self.w["history_weight"][i] * self.w["item_embedding"][i] for i in history)
        return (total + self.w["prior"]) / len(history) ** 0.5

    def candidates(self, item: int) -> pd.DataFrame:
        """position, relation, share of the probability mass, picked?"""
        there = self.graph.neighbour[item] >= 0
        j, r = self.graph.neighbour[item][there], self.graph.relation[item][there]
        shared = self.graph.strengths[item][there].astype(np.float64)
        evidence = np.log(1 + self.w["likes"][j]) / 5
        features = np.column_stack([np.sqrt(shared), evidence])
        own = np.sqrt(shared[np.arange(len(j)), r])
        preference = features @ self.w["pair_relevance"] + self.w["pair_relevance"][r] * own
        logit = 8 * preference
        frame = pd.DataFrame({"position": j, "relation": r, "share": softmax(logit), "picked": False})
        frame.loc[np.argsort(-logit, kind="stable")[: self.config.picks], "picked"] = True
        return frame.assign(preference=preference)

    def neighbours_weight(self, item: int) -> float:
        """k_i."""
        kappa, scale, boost = self.w["evidence"]
        likes = self.w["likes"][item]
        return scale * (kappa / (likes + kappa) if likes else boost)

    def parts(self, person: np.ndarray, item: int) -> tuple[float, float, pd.DataFrame]:
        """(own part, bias, the picks with attention and contribution)."""
        drawn = self.candidates(item).query("picked")
        alpha = softmax(drawn["preference"].to_numpy())
        weight = self.neighbours_weight(item) * alpha
        gain = weight * (self.w["item_embedding"][drawn["position"]] @ person)
        own = float(self.w["item_embedding"][item] @ person)
        return own, 0.0, drawn.assign(attention=alpha, weight=weight, contribution=gain)

    def score(self, person: np.ndarray, item: int) -> float:
        own, bias, drawn = self.parts(person, item)
        return own + bias + float(drawn["contribution"].sum())

    def ranked(self, history: list[int]) -> list[int]:
        """Unseen titles, the best first."""
        person = self.person(history)
        score = {item: self.score(person, item) for item in range(len(self.ids)) if item not in self.seen}
        return sorted(score, key=lambda item: -score[item])

    def after_the_graph(self, item: int) -> np.ndarray:
        """e_hat_i."""
        drawn = self.parts(np.zeros(self.config.width), item)[2]
        return (
            self.w["item_embedding"][item]
            + drawn["weight"].to_numpy() @ (self.w["item_embedding"][drawn["position"]])
        )


def softmax(x: np.ndarray) -> np.ndarray:
    weight = np.exp(x - x.max()) if len(x) else x
    return weight / weight.sum()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="module")
def ranked(oracle: Oracle) -> list[int]:
    return oracle.ranked(oracle.history)


def metrics(app: AppTest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in app.metric:
        found.setdefault(element.label, []).append(element.value.replace("−", "-"))
    return found


def near(text: str, value: float) -> bool:
    """Does the text show the value, to its own number of digits?"""
    text = text.replace("−", "-")
    digits = len(text.strip("%").partition(".")[2])
    shown = float(text.replace(",", "").strip("%")) / (100 if text.endswith("%") else 1)
    return abs(shown - value) <= 0.51 * 10.0 ** (-digits - 2 * text.endswith("%"))


def table(app: AppTest, *columns: str) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if set(columns) <= set(frame.value.columns))


def test_the_sampling_page_counts_and_adds_right(oracle: Oracle, ranked: list[int]) -> None:
    item = ranked[1]
    app = fine(visit("sampling", user=str(USER), item=str(oracle.ids[item]), show="Relations"))
    person = oracle.person(oracle.history)
    own, bias, drawn = oracle.parts(person, item)
    every, score = oracle.candidates(item), own + bias + drawn["contribution"].sum()
    assert f"samples **{len(drawn)}** of **{len(every)}** candidates" in said(app)
    shown = re.search(r"Score \*\*(.+?)\*\*: own .+? \((.+?)\), sampled neighbours .+? \((.+?)\)", said(app))
    assert shown
    for text, value in zip(shown.groups(), (score, own, drawn["contribution"].sum()), strict=True):
        assert near(text, value)
    rows = table(app, "expected_picks", "share").set_index("relation")
    for number, name in enumerate(oracle.graph.relations):
        mine, picked = every[every["relation"] == number], drawn[drawn["relation"] == number]
        assert (name in rows.index) == bool(len(mine))
        if len(mine):
            row = rows.loc[name]
            assert (row["candidates"], row["drawn"]) == (len(mine), len(picked)) and row[
                "share"
            ] == pytest.approx(100 * mine["share"].sum(), abs=1e-3)
            assert row["weight"] == pytest.approx(oracle.w["pair_relevance"][number], rel=1e-5)
            assert row["attention"] == pytest.approx(picked["attention"].sum(), abs=1e-5)
            assert row["contribution"] == pytest.approx(picked["contribution"].sum(), abs=1e-5)
    first = rows["share"].idxmax()
    portion = (every["relation"] == oracle.graph.relations.index(first)).mean()
    mass = f"holds **{percent(rows['share'].max() / 100)}** of the probability mass"
    assert f"{mass} with **{percent(portion)}** of the candidates" in said(app)
    expected = rows["expected_picks"]
    assert expected.sum() == pytest.approx(oracle.config.picks, abs=1e-3)
    most = f"takes most from *{expected.idxmax()}*: on average **{expected.max():.1f}** of **{len(drawn)}**"
    assert most in said(app)
    assert "leans" not in said(app) and "learn" not in said(app).replace("training learns", "")


def inclusion(share: np.ndarray, picks: int) -> np.ndarray:
    """pi_j = integral of w_j exp(-w_j t) P(fewer than K others by t) dt, by the trapezoidal rule in log t."""
    log_t = np.linspace(-12, 40, 3000)
    there = -np.expm1(-share[:, None] * np.exp(log_t))
    found = []
    for j, weight in enumerate(share):
        number = np.zeros((picks, len(log_t)))  # P(so many others have arrived)
        number[0] = 1
        for other in np.delete(there, j, axis=0):
            number[1:] = number[1:] * (1 - other) + number[:-1] * other
            number[0] *= 1 - other
        density = weight * np.exp(log_t - weight * np.exp(log_t))
        found.append(np.trapezoid(density * number.sum(0), log_t))
    return np.array(found)


def test_the_sampling_page_says_how_sharp_the_sampler_is(oracle: Oracle, ranked: list[int]) -> None:
    item, picks = ranked[1], oracle.config.picks
    share = oracle.candidates(item)["share"].to_numpy()
    probability, chance = inclusion(share, picks), picks**2 / len(share)
    assert probability.sum() == pytest.approx(picks, abs=1e-4)
    app = fine(visit("sampling", user=str(USER), item=str(oracle.ids[item]), show="Candidates"))
    line = re.search(
        r"candidates \*\*(.+?)\*\* of.+\*\*(.+?)\*\* of.+ \(uniform (.+?)\).+κ = (.+?)\)", said(app)
    )
    assert line and "**tells candidates from uniform**" in said(app)
    overlap = (probability**2).sum()
    kappa = (overlap - chance) / (picks - chance)
    expected = (np.prod(share**-share), overlap, chance, kappa)
    for text, value in zip(line.groups(), expected, strict=True):
        assert near(text, value), (text, value)
    rows = table(app, "margin", "lift")
    order = np.argsort(-share, kind="stable")
    assert rows["inclusion_probability"].to_numpy() == pytest.approx(100 * probability[order], abs=1e-3)
    assert rows["lift"].to_numpy() == pytest.approx(probability[order] * len(share) / picks, abs=1e-4)
    logit = np.log(share[order])  # up to a constant
    assert rows["margin"].to_numpy() == pytest.approx(logit - logit[picks - 1], abs=1e-4)


def test_the_decomposition_follows_the_equations(oracle: Oracle, ranked: list[int]) -> None:
    item = ranked[1]
    embedding, title = oracle.w["item_embedding"], oracle.data.items["title"].to_numpy()
    own = {
        title[h]: oracle.w["history_weight"][h] * embedding[h] @ embedding[item] / len(oracle.history) ** 0.5
        for h in oracle.history
    }
    person = oracle.person(oracle.history)
    drawn, score = oracle.parts(person, item)[2], oracle.score(person, item)
    app = fine(visit("sampling", user=str(USER), item=str(oracle.ids[item]), show="Attribution"))
    terms = table(app, "group", "term", "share")
    mine = terms[terms["group"] == "Own embedding"].set_index("term")["contribution"]
    mine = mine.drop("global term (the same for every user)", errors="ignore")
    assert mine.to_dict() == pytest.approx({name: own[name] for name in mine.index}, abs=1e-5)
    assert len(mine) == len(own)
    around = terms[terms["group"] == "Sampled neighbours"]
    key = list(zip(around["term"], around["relation"], strict=True))
    expected = {
        (title[row.position], oracle.graph.relations[row.relation]): row.contribution
        for row in drawn.itertuples()
    }
    assert dict(zip(key, around["contribution"], strict=True)) == pytest.approx(expected, abs=1e-5)
    assert terms["contribution"].to_numpy() / score * 100 == pytest.approx(
        terms["share"].to_numpy(), abs=1e-3
    )
    bars = decomposed(app)
    whole = sum(own.values()) / bars[0][2]  # one per cent of the axis
    labels, values = [label for label, *_ in bars], [whole * length for *_, length in bars]
    assert values[labels.index("Sampled neighbours")] == pytest.approx(drawn["contribution"].sum(), abs=1e-3)
    heads = ("Own embedding", "Sampled neighbours", "Bias")
    parts = [x for label, x in zip(labels, values, strict=True) if label not in heads]
    assert sum(parts) == pytest.approx(score, abs=1e-2), "the bars below the heads add up to the score"
    for (label, text, _), value in zip(bars, values, strict=True):
        share, said = re.fullmatch(r"(.+%) \((.+)\)", text).groups()
        assert float(said.replace("−", "-")) == pytest.approx(value, abs=2e-3)
        terms = {**own, heads[0]: sum(own.values()), heads[1]: drawn["contribution"].sum()}
        if label in terms and labels.count(label) == 1:
            assert near(share, terms[label] / score) and near(said, terms[label])


def test_the_recommendations_are_ranked_and_counted_right(oracle: Oracle, ranked: list[int]) -> None:
    anchor = oracle.history[0]
    app = fine(visit(user=str(USER), view="table", near=str(oracle.ids[anchor])))
    listed, person = recommended(app), oracle.person(oracle.history)
    assert listed["item_id"].tolist() == [oracle.ids[item] for item in ranked[:10]]
    assert listed["score"].to_numpy() == pytest.approx(
        [oracle.score(person, item) for item in ranked[:10]], abs=1e-4
    )
    app.session_state["likes"] = True  # the strip is opened
    assert f"**Liked items ({len(oracle.history)})**" in said(fine(app.run()))
    fans = [sum(item in likes for likes in oracle.likes.values()) for item in ranked[:10]]
    assert listed["likes"].tolist() == fans
    taste = table(app, "genre", "lift").set_index("genre")
    genres = oracle.data.items["genres"].str.split(", ")
    for genre, row in taste.iterrows():
        carrying = [genre in names for names in genres]
        mine = sum(carrying[item] for item in oracle.history)
        everybody = sum(carrying[item] for likes in oracle.likes.values() for item in likes) / sum(
            map(len, oracle.likes.values())
        )
        assert row["liked"] == mine and row["share"] == pytest.approx(100 * mine / len(oracle.history))
        assert row["lift"] == pytest.approx(mine / len(oracle.history) / everybody)
    alike = table(app, "similarity", "seen")
    vectors = {item: oracle.after_the_graph(item) for item in range(len(oracle.ids))}
    close = {item: cosine(vectors[anchor], vector) for item, vector in vectors.items() if item != anchor}
    assert alike["similarity"].to_numpy() == pytest.approx(
        sorted(close.values(), reverse=True)[: len(alike)], abs=1e-4
    )
    assert alike["score"].to_numpy() == pytest.approx(
        [oracle.score(person, oracle.ids.index(key)) for key in alike["item_id"]], abs=1e-4
    )
    varied = fine(visit(user=str(USER), view="table", diversity="60"))
    other, shown = recommended(varied), metrics(varied)
    places = [oracle.ids.index(key) for key in other["item_id"]]
    assert near(shown["Mean score"][0], float(np.mean([oracle.score(person, item) for item in places])))
    assert shown["Items replaced"] == [f"{len(set(other['item_id']) - set(listed['item_id']))} of 10"]
    pairs = [cosine(vectors[a], vectors[b]) for n, a in enumerate(places) for b in places[:n]]
    assert near(shown["Intra-list similarity"][0], float(np.mean(pairs)))


def test_the_neighbours_share_and_the_liked_titles_parts_are_as_computed(
    oracle: Oracle, ranked: list[int]
) -> None:
    explorer, person = oracle.explorer, oracle.person(oracle.history)
    profile = explorer.profile(USER)
    shares = explorer.recommend(profile, 10)["neighbour_share"]
    rare = explorer.recommend(profile, 10, most_likes=10)
    for key, share in [
        *zip([oracle.ids[item] for item in ranked], shares, strict=False),
        *zip(rare["item_id"], rare["neighbour_share"], strict=True),
    ]:
        own, _, drawn = oracle.parts(person, oracle.ids.index(key))
        around = drawn["contribution"].sum()
        assert share == pytest.approx(around / (own + around), abs=1e-4)
    vector, found = oracle.after_the_graph(ranked[0]), explorer.explain(profile, oracle.ids[ranked[0]])
    for row in found.user_neighbours.itertuples():
        i = oracle.ids.index(row.item_id)
        weight = oracle.w["history_weight"][i]
        added = weight * (oracle.w["item_embedding"][i] @ vector) / len(oracle.history) ** 0.5
        assert row.contribution == pytest.approx(added, abs=1e-4)
        assert row.attention == pytest.approx(weight / oracle.w["history_weight"][oracle.history].sum())


def test_the_what_if_page_shows_scores_and_ranks_as_computed(oracle: Oracle, ranked: list[int]) -> None:
    gone, item = oracle.history[0], ranked[2]
    left = [title for title in oracle.history if title != gone]
    app = fine(visit("what_if", user=str(USER), item=str(oracle.ids[item]), without=str(oracle.ids[gone])))
    before, after = oracle.score(oracle.person(oracle.history), item), oracle.score(oracle.person(left), item)
    now, shown = oracle.ranked(left), metrics(app)
    assert near(shown["Score"][0], after) and shown["Rank"] == [str(now.index(item) + 1)]
    told = re.search(r"from \*\*([\d.-]+)\*\* to \*\*([\d.-]+)\*\*", said(app).replace("−", "-"))
    assert told and near(told[1], before) and near(told[2], after)
    assert f"rank **{ranked.index(item) + 1}**" in said(app) and f"of {len(ranked):,}" in said(app)
    assert shown["Sampled neighbours"] == [str(int(oracle.candidates(item)["picked"].sum()))]
    listed = table(app, "rank_after", "score_before")
    assert listed["item_id"].tolist()[:10] == [oracle.ids[title] for title in now[:10]]
    person = oracle.person(oracle.history), oracle.person(left)
    for row in listed.itertuples():
        place = oracle.ids.index(row.item_id)
        assert (row.rank_before, row.rank_after) == (ranked.index(place) + 1, now.index(place) + 1)
        assert (row.score_before, row.score_after) == pytest.approx(
            [oracle.score(who, place) for who in person], abs=1e-4
        )


def test_the_comparison_of_two_items_shows_numbers_as_computed(oracle: Oracle, ranked: list[int]) -> None:
    pair = ranked[:2]
    app = fine(
        visit(
            "compare",
            user=str(USER),
            what="items",
            item=str(oracle.ids[pair[0]]),
            other_title=str(oracle.ids[pair[1]]),
        )
    )
    shown, person = metrics(app), oracle.person(oracle.history)
    parts = [oracle.parts(person, item) for item in pair]
    assert shown["Rank"] == ["1", "2"]
    for n, (own, bias, drawn) in enumerate(parts):
        assert near(shown["Own embedding"][n], own) and near(
            shown["Neighbour contribution"][n], drawn["contribution"].sum()
        )
        assert near(shown["Score"][n], own + bias + drawn["contribution"].sum())
    assert near(shown["Raw similarity"][0], cosine(*oracle.w["item_embedding"][pair]))
    assert near(shown["Aggregated similarity"][0], cosine(*(oracle.after_the_graph(item) for item in pair)))
    assert shown["Co-likes"] == [f"{sum(set(pair) <= likes for likes in oracle.likes.values()):,}"]
    data, most = oracle.data, oracle.explorer.core.artifact.config.graph.max_share * len(oracle.ids)
    shared = 0
    for number, name in enumerate(data.relations):
        if name in oracle.graph.relations:
            mine = data.relation == number
            carried = [{int(tail) for tail in data.tail[mine & (data.head == item)]} for item in pair]
            shared += sum(
                len(set(data.head[mine & (data.tail == tail)])) <= most for tail in carried[0] & carried[1]
            )
            shared += sum(
                int(data.entity_item[tail]) == other
                for tails, other in zip(carried, pair[::-1], strict=True)
                for tail in tails
            )
    assert shown["Shared entities"] == [str(shared)]
    sets = [{int(j) for j in drawn["position"]} for _, _, drawn in parts]
    assert (
        f"**{len(parts[0][2])}** and **{len(parts[1][2])}**, **{len(sets[0] & sets[1])}** of them in common"
        in said(app)
    )


def test_the_comparison_of_two_users_shows_the_overlap_as_computed(oracle: Oracle, ranked: list[int]) -> None:
    users, history = oracle.data.user_ids, set(oracle.history)
    others = np.flatnonzero(users != USER).tolist()
    other = max(others, key=lambda user: len(history & oracle.likes[user]))
    app = fine(visit("compare", user=str(USER), what="users", other=str(users[other])))
    liked, seen = oracle.likes[other], set(oracle.data.item[oracle.data.user == other].tolist())
    person = oracle.person(sorted(liked))
    theirs = sorted(
        (item for item in range(len(oracle.ids)) if item not in seen),
        key=lambda item: -oracle.score(person, item),
    )[:10]
    mine, shown = ranked[:10], metrics(app)
    common = set(mine) & set(theirs)
    assert shown["Overlap"] == [f"{len(common)} of 10"] and near(
        shown["Jaccard"][0], len(common) / len(set(mine) | set(theirs))
    )
    agree = [len(set(mine[:d]) & set(theirs[:d])) / d * 0.9**d for d in range(1, 11)]
    assert near(shown["RBO (p = 0.9)"][0], len(common) / 10 * 0.9**10 + 0.1 / 0.9 * sum(agree))
    order = [theirs.index(item) for item in mine if item in common]
    signs = [np.sign(b - a) for n, b in enumerate(order) for a in order[:n]]
    assert len(signs) > 0 and near(shown["Kendall's tau"][0], float(np.mean(signs)))
    both = len(set(oracle.history) & liked)
    either = len(set(oracle.history) | liked)
    assert f"likes **{len(oracle.history)}** items" in said(app)
    assert f"**{len(liked)}**; both like **{both}** of these {either}." in said(app)


def test_the_map_counts_neighbours_and_likes(oracle: Oracle, ranked: list[int]) -> None:
    item = ranked[0]
    app = fine(visit("embeddings", user=str(USER), item=str(oracle.ids[item]), near_k="6"))
    fans = sum(item in likes for likes in oracle.likes.values())
    assert f"{fans:,} likes" in said(app) and f"{len(oracle.candidates(item)):,} candidates" in said(app)
    vectors = {title: oracle.after_the_graph(title) for title in range(len(oracle.ids))}
    close = sorted(
        (cosine(vectors[item], vector) for title, vector in vectors.items() if title != item), reverse=True
    )
    assert table(app, "closeness", "map_rank")["closeness"].to_numpy() == pytest.approx(close[:6], abs=1e-4)
