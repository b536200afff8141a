"""The small pieces: the scoreboard's verdict, and text from elsewhere made safe."""

import pandas as pd
import pytest

from dskreg.ui.common import widgets
from dskreg.ui.model import scoreboard


def board(ours: dict[str, float], **rivals: dict[str, float]) -> pd.DataFrame:
    return scoreboard.comparison({"metrics": ours, "baselines": rivals}, 10)


def test_the_verdict_admits_a_baseline_that_wins() -> None:
    table = board({"recall@10": 0.2, "ndcg@10": 0.2}, EASE={"recall@10": 0.3, "ndcg@10": 0.1})
    assert scoreboard.verdict(table, 10) == (
        "Among the first 10, EASE is ahead of DSKReG in Recall (0.300 against 0.200). In NDCG, DSKReG is at least as good as all."
    )


def test_the_verdict_claims_a_win_only_over_all() -> None:
    table = board(
        {"recall@10": 0.3, "ndcg@10": 0.2},
        EASE={"recall@10": 0.3, "ndcg@10": 0.1},
        popularity={"recall@10": 0.1},
    )
    assert (
        scoreboard.verdict(table, 10)
        == "Among the first 10, DSKReG is at least as good as every baseline in Recall and NDCG."
    )


def test_the_verdict_shows_as_many_digits_as_tell_two_numbers_apart() -> None:
    table = board({"recall@10": 0.30004, "ndcg@10": 0.5}, EASE={"recall@10": 0.30011, "ndcg@10": 0.1})
    assert "Recall (0.3001 against 0.3000)" in scoreboard.verdict(table, 10)


def test_the_verdict_without_baselines_claims_nothing() -> None:
    assert "stand alone" in scoreboard.verdict(board({"recall@10": 0.3}), 10)


def test_the_best_of_a_column_has_the_star_and_popularity_has_none() -> None:
    table = board({"recall@10": 0.3, "popularity@10": 9.0}, EASE={"recall@10": 0.2, "popularity@10": 3.0})
    marked = scoreboard.marked(table)
    assert marked["recall"].tolist() == ["0.300 ★", "0.200"]
    assert "★" not in "".join(marked["popularity"])


# Text from elsewhere


@pytest.mark.parametrize(
    "text",
    [
        "**b**",
        "$x$",
        ":smile:",
        ":+1:",
        ":red[x]",
        ":material/home:",
        "<b>",
        "[a](b)",
        "# a",
        "`a`",
        "a\n\n# b",
    ],
)
def test_text_from_elsewhere_is_shown_as_it_is(text: str) -> None:
    safe = widgets.plain(text)
    assert safe != text
    assert safe.replace("\\", "").replace("\u2060", "") == " ".join(text.split())


def test_csv_cells_cannot_be_formulas() -> None:
    table = pd.DataFrame(
        {"title": ["=1+1", "+a", "-a", "@a", "\ta", "Naruto"], "score": [-1.0, 0, 1, 2, 3, 4]}
    )
    lines = widgets.safe_csv(table).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["'=1+1,-1.0", "'+a,0.0", "'-a,1.0", "'@a,2.0", "'\ta,3.0", "Naruto,4.0"]


# Links that a page's fields cannot follow


@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        ({}, {"seed": 3}, []),
        ({"seed": "3"}, {"seed": 3}, []),
        ({"tau": "0.50"}, {"tau": 0.5}, []),
        ({"side": "Viewer"}, {"side": "viewer"}, []),
        ({"noise": "1"}, {"noise": True}, []),
        ({"noise": "perhaps"}, {"noise": False}, ["noise=perhaps"]),
        ({"k": "many", "tau": "-1"}, {"k": 8, "tau": 0.3}, ["k=many", "tau=-1"]),
        ({"k": "9" * 99}, {"k": 8}, ["k=" + "9" * 40]),
        ({"elsewhere": "x"}, {"k": 8}, []),
    ],
    ids=str,
)
def test_what_the_fields_did_not_take_is_named(
    asked: dict[str, str], shown: dict[str, object], expected: list[str]
) -> None:
    assert widgets.not_followed(asked, shown) == expected
