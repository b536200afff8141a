"""What describes items where the data have no genres: one relation, by a rule that a person can check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.data.dataset import TRAIN, Dataset
from dskreg.serving import describing
from dskreg.serving.describing import descriptive
from dskreg.serving.directory import Directory
from dskreg.ui.common import cache
from tests.small import whole
from tests.visits import ROOT, fine, said, table_with, visit
from tests.worlds import A, B, C, D, E, hand_drawn, world

LABELS = {
    "kitchen": ["Thai", "Thai", "Greek", "Greek", "Mexican", ""],
    "spice, hot": ["mild, sweet", "hot", "hot", "", "", "mild, sweet"],
    "served": ["warm", "warm", "warm", "warm", "cold", "cold"],  # warm: more than half of the items
    "rare": ["x", "", "", "", "y", ""],  # less than half of the items
    "minutes": ["10 to 20", "20 to 30", "10 to 20", "20 to 30", "30", "30"],
}


def dishes(*names: str, **called: str) -> Dataset:
    """Six items under these relations of LABELS, some of them called otherwise."""
    entities = list(dict.fromkeys(label for name in names for label in LABELS[name] if label))
    triples = [
        (item, r, entities.index(label))
        for r, name in enumerate(names)
        for item, label in enumerate(LABELS[name])
        if label
    ]
    relations = tuple(called.get(name, name) for name in names)
    return world([(0, 0, TRAIN)], 6, 1, triples, relations, entities, [-1] * len(entities))


def rows(name: str) -> list[list[str]]:
    return [[label.replace(",", "")] if label else [] for label in LABELS[name]]


@pytest.mark.parametrize(
    ("data", "name", "chosen"),
    [
        (dishes("served", "rare", "minutes", "spice, hot", "kitchen"), "kitchen", "kitchen"),
        (dishes("minutes", "spice, hot", "rare"), "spice, hot", "spice, hot"),  # 4 of 6 items
        (dishes("kitchen", "rare", rare="film.film.genres"), "genre", "rare"),
        (dishes("kitchen", "served", "rare", served="theme", rare="has_category"), "has_category", "rare"),
        (dishes("kitchen", "minutes", minutes="genre"), "kitchen", "kitchen"),
        (dishes("kitchen", "rare", rare="film.categories"), "film.categories", "rare"),
        (dishes("served", "rare", "minutes"), "genre", None),
        (dishes(), "genre", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_relation_is_chosen_by_name_or_by_what_most_items_have(
    data: Dataset, name: str, chosen: str | None
) -> None:
    assert descriptive(data) == (name, rows(chosen) if chosen else [[]] * 6)


def test_genres_of_the_items_come_first_and_marks_of_adult_items_stay() -> None:
    data = dishes("kitchen")
    given = replace(data, items=data.items.assign(genres=["Soup, Hot", "", "Adult", "", "", "Pie"]))
    own = [["Soup", "Hot"], [], ["Adult"], [], [], ["Pie"]]
    assert descriptive(given) == ("genre", own)
    flagged = replace(data, items=data.items.assign(genres=["", "", "Adult", "", "", ""]))
    name, found = descriptive(flagged)
    assert name == "kitchen" and found[:3] == [["Thai"], ["Thai"], ["Greek", "Adult"]]
    directory = Directory(flagged)
    assert directory.adult.tolist() == [False, False, True, False, False, False]
    assert directory.genre_names[:2] == ["Thai", "Greek"] and directory.described_by == "kitchen"
    assert directory.veiled().genres[2] == ["Greek"]


def test_items_and_types_that_are_shown_already_describe_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sequel = replace(hand_drawn(), relations=("kin", "genre"))  # of an item, and Space is on 3 of 5
    assert descriptive(sequel) == ("genre", [[]] * 5)
    typed = dishes("kitchen", kitchen="type")
    assert descriptive(typed)[0] == "type"
    assert descriptive(replace(typed, items=typed.items.assign(type="x")))[1] == [[]] * 6
    monkeypatch.setattr(describing, "MOST_NAMED", 2)
    topics = dishes("kitchen", "rare", kitchen="topic")  # 3 labels, as many as the other rule allows
    assert descriptive(topics)[0] == "topic"
    monkeypatch.setattr(describing, "MOST", 2)
    assert descriptive(topics)[1] == [[]] * 6
    assert descriptive(dishes("rare", rare="topic"))[0] == "topic"
    assert descriptive(dishes("kitchen"))[1] == [[]] * 6


def test_of_several_relations_the_first_and_each_label_once() -> None:
    of_a = [(0, 0, 0), (0, 0, 1), (1, 0, 1), (2, 0, 2), (3, 0, 2)]
    of_b = [(item, 1, 3 + item % 2) for item in range(4)]
    names = ["x, y", "x y", "z", "v", "w"]  # without commas two are one
    data = world([(0, 0, TRAIN)], 4, 1, [*of_a, *of_b], ("a", "b"), names, [-1] * 5)
    assert descriptive(data) == ("a", [["x y"], ["x y"], ["z"], ["z"]])


def test_pages_call_it_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [(A, 0), (B, 0), (C, 1), (D, 2), (E, 1)]  # Mecha, Space and Cooking
    head, tail = np.array(labels, dtype=np.int32).T
    relation = np.zeros(5, dtype=np.int16)
    data = replace(hand_drawn(), relations=("cuisine", "x"), head=head, tail=tail, relation=relation)
    explorer = whole(data)
    monkeypatch.setattr(cache, "open_explorer", lambda path: explorer)
    assert explorer.items["genres"].tolist() == ["Mecha", "Mecha", "Space", "Cooking", "Space"]
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["user"] = str(explorer.user_ids[1])  # likes A, B and D
    app.session_state["likes"] = True  # the strip is opened
    app = fine(app.run())
    assert app.multiselect(key="genres").label == "Cuisine" and "Taste profile by cuisine" in said(app)
    taste = table_with(app, "genre", "share").set_index("genre")["share"]
    assert taste.to_dict() == pytest.approx({"Mecha": 200 / 3, "Cooking": 100 / 3})
    assert "Share of the liked items by cuisine" in said(visit("compare", what="users"))
    embeddings = visit("embeddings", colour="rarest cuisine")
    assert embeddings.selectbox(key="colour").value == "rarest genre" and not embeddings.warning
    assert "cuisine" in visit("model", slices="genres").button_group(key="slices").options
