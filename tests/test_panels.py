"""The scoreboard's verdict, safe text from files and links, and invalid links."""

import pandas as pd
import pytest

from dskreg.evaluation.cold import LOSS
from dskreg.evaluation.evidence import HARM
from dskreg.evaluation.slices import COLD
from dskreg.ui.common import widgets
from dskreg.ui.model import evidence, scoreboard, worth

# The scoreboard


def board(ours: dict[str, float], **rivals: dict[str, float]) -> pd.DataFrame:
    return scoreboard.comparison({"metrics": ours, "baselines": rivals}, 10)


def test_the_verdict_names_a_baseline_that_is_better() -> None:
    table = board({"recall@10": 0.2, "ndcg@10": 0.2}, EASE={"recall@10": 0.3, "ndcg@10": 0.1})
    behind, ahead = scoreboard.verdict(table, 10).split(". ")
    assert {"EASE", "Recall", "(0.300", "0.200)"} <= set(behind.split()) and "NDCG" not in behind
    assert "DSKReG" in ahead and "NDCG" in ahead


def test_the_verdict_reports_a_lead_only_over_all_baselines() -> None:
    table = board(
        {"recall@10": 0.3, "ndcg@10": 0.2},
        EASE={"recall@10": 0.3, "ndcg@10": 0.1},
        popularity={"recall@10": 0.1},
    )
    verdict = scoreboard.verdict(table, 10)
    assert "every baseline in Recall and NDCG" in verdict and "EASE" not in verdict


def test_the_verdict_shows_enough_digits_to_distinguish_two_numbers() -> None:
    table = board({"recall@10": 0.30004, "ndcg@10": 0.5}, EASE={"recall@10": 0.30011, "ndcg@10": 0.1})
    verdict = scoreboard.verdict(table, 10)
    assert "0.3001" in verdict and "0.3000" in verdict


def test_the_verdict_without_baselines_compares_nothing() -> None:
    verdict = scoreboard.verdict(board({"recall@10": 0.3}), 10)
    assert "as good as" not in verdict and "ahead" not in verdict


def test_the_best_value_of_a_metric_is_starred_but_not_that_of_popularity() -> None:
    table = board({"recall@10": 0.3, "popularity@10": 9.0}, EASE={"recall@10": 0.2, "popularity@10": 3.0})
    marked = scoreboard.marked(table)
    assert marked["recall"].tolist() == ["0.300 ★", "0.200"]
    assert "★" not in "".join(marked["popularity"])


# What each part is worth


def reset(part: str, **groups: tuple[float, float]) -> dict[str, object]:
    asked = {"ndcg": 0.1, "users": 100}
    return {"part": part} | {
        group: asked | {"change": change, "within": within} for group, (change, within) in groups.items()
    }


def test_a_part_whose_intervals_include_0_makes_no_measured_difference() -> None:
    resets = [
        reset(worth.WHOLE, all=(0.0, 0.0), rare=(0.0, 0.0), cold=(0.0, 0.0)),
        reset("idle", all=(0.001, 0.002), rare=(-0.01, 0.05), cold=(0.0, 0.0)),
        reset("draws", all=(-0.02, 0.01), rare=(-0.1, 0.2), cold=(-0.3, 0.02)),
        reset("gates", all=(0.01, 0.005), rare=(0.0, 0.1), cold=(-0.05, 0.01)),
    ]
    table = worth.table(resets)
    assert table["part"].tolist() == ["idle", "draws", "gates"] and worth.inert(table) == ["idle"]
    losses, gains, idle = worth.in_words(table)
    assert "**−30.0%** (*draws*)" in losses and "rare" not in losses
    assert "*gates* (all items +1.0%)" in gains and idle.endswith("*idle*.")
    assert worth.cells(table, "cold") == ["0% ± 0.0%", "−30.0% ± 2.0% ★", "−5.0% ± 1.0% ★"]
    assert worth.sure_change(resets, "idle") == "" == worth.sure_change(resets, "nothing such")
    assert worth.sure_change(resets, "draws") == "NDCG@20 of cold items changes by −30.0% ± 2.0%"


def test_a_model_without_cold_figures_has_a_table() -> None:
    table = worth.table([reset("relations", all=(-0.1, 0.02), rare=(0.0, 0.1))])
    assert worth.inert(table) == [] and worth.cells(table, "cold") == ["–"]
    assert worth.cells(table, "all") == ["−10.0% ± 2.0% ★"]


# Text from files and links


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
def test_markdown_in_a_text_is_escaped(text: str) -> None:
    safe = widgets.plain(text)
    assert safe != text
    assert safe.replace("\\", "").replace("\u2060", "") == " ".join(text.split())


def test_csv_cells_are_not_spreadsheet_formulas() -> None:
    table = pd.DataFrame(
        {"title": ["=1+1", "+a", "-a", "@a", "\ta", "Naruto"], "score": [-1.0, 0, 1, 2, 3, 4]}
    )
    lines = widgets.safe_csv(table).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["'=1+1,-1.0", "'+a,0.0", "'-a,1.0", "'@a,2.0", "'\ta,3.0", "Naruto,4.0"]


# Invalid links


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
def test_invalid_settings_of_a_link_are_named(
    asked: dict[str, str], shown: dict[str, object], expected: list[str]
) -> None:
    assert widgets.not_followed(asked, shown) == expected


def test_the_sentences_on_validation_name_the_limits_that_it_uses() -> None:
    curve = [
        {"boost": 0.0, "warm": 0.4, "all": 0.3, "cold": 0.0},
        {"boost": 2.0, "warm": 0.4, "all": 0.3, "cold": 0.1},
    ]
    chosen = {"kappa": 3.0, "scale": 0.5, "boost": 2.0, "curve": curve}
    words = evidence.weights_in_words(chosen)
    assert f"within {100 * HARM:g}% of the best NDCG" in words
    assert f"lose at most {100 * LOSS:g}%." in evidence.boost_in_words(chosen)


def test_the_shares_in_words_leave_out_what_is_neighbours_alone() -> None:
    rows = {COLD: (3, 1.0), "1-2": (4, 0.4), "21-50": (0, float("nan")), "over 100": (5, 0.05)}
    shares = pd.DataFrame(
        [{"pairs": "recommended", "likes": name, "count": n, "median": m} for name, (n, m) in rows.items()]
    )
    said = "Of recommended items with 1-2 likes, neighbours make **40%** of the score in the median; "
    assert evidence.shares_in_words(shares) == f"{said}with over 100 likes, **5.0%**."
    assert evidence.shares_in_words(shares[shares["likes"] == COLD]) == ""
