"""The bump chart: points at the ranks, and lines between the points of the same item."""

import json

import pandas as pd

from dskreg.ui.common import bump_chart
from dskreg.ui.what_if import moves
from tests.plots import drawn

ONE, OTHER = (
    [(letter, letter) for letter in "abcd"],
    [(letter, letter) for letter in "bade"],
)


def lines(figure) -> dict[str, list[tuple[int, int]]]:  # type: ignore[no-untyped-def]
    """{direction: the two ends of each line, one after the other}."""
    return {
        trace.name: [(x, y) for x, y in zip(trace.x, trace.y, strict=True) if x is not None]
        for trace in figure.data
        if trace.mode == "lines"
    }


def points(figure, style: str) -> list[tuple[int, int]]:  # type: ignore[no-untyped-def]
    return [
        (x, y)
        for trace in figure.data
        if trace.mode == "markers" and trace.name == style
        for x, y in zip(trace.x, trace.y, strict=True)
    ]


def test_lines_join_the_items_of_both_lists_and_no_others() -> None:
    figure = drawn(bump_chart.of_lists([("one", ONE), ("other", OTHER)], found={"d"}))
    assert lines(figure) == {"rises": [(0, 2), (1, 1), (0, 4), (1, 3)], "falls": [(0, 1), (1, 2)]}
    assert points(figure, bump_chart.FOUND) == [(0, 4), (1, 3)]
    assert points(figure, bump_chart.ALONE) == [(0, 3), (1, 4)]
    assert points(figure, bump_chart.SHARED) == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_a_change_draws_each_item_from_its_old_rank_to_its_new_one() -> None:
    """Items outside the list stand below it in order, one row each, and one without a rank stands last."""
    table = pd.DataFrame(
        {
            "title": list("abcde"),
            "rank_before": pd.array([2, 9, 1, 3, 3], dtype="Int64"),
            "rank_after": pd.array([1, 2, 7, 5, pd.NA], dtype="Int64"),
        }
    )
    figure = drawn(bump_chart.of_moves(moves.with_words(table, 3), 3))
    before, after = points(figure, bump_chart.SHARED)[:5], points(figure, bump_chart.SHARED)[5:]
    assert [y for _, y in before] == [2, 4, 1, 3, 3] and [y for _, y in after] == [1, 2, 5, 4, 6]
    assert lines(figure)["rises"] == [(0, 2), (1, 1), (0, 4), (1, 2)]
    assert list(figure.layout.yaxis2.ticktext)[-1] == "– e"


def test_titles_and_headings_are_never_markup() -> None:
    entries = [("<a href=x>", "<a href=x>"), ("b", "b")]
    figure = bump_chart.of_lists([("<b>one</b>", entries), ("<b>one</b>", entries)])
    document = json.dumps(figure.spec())
    assert "<a href" not in document and "<b>" not in document
