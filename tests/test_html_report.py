"""The HTML report: well formed, without scripts or addresses, escaped, and with the explanation's numbers."""

import re
from dataclasses import replace

import pytest

from dskreg.explorer import Explanation, Explorer, html_report, signed
from tests.parsed_html import Parsed
from tests.small import DEMO

HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "</table><img src=https://example.org/x onerror=alert(1)>",
    "a\nb & c",
    "</title></style>",
]
MARKUP = set("html head meta title style body main p h1 h2 dl div dt dd span b i".split())
MARKUP |= set("table caption thead tbody tr th td".split())


@pytest.fixture(scope="module")
def found() -> Explanation:
    explorer = Explorer.open(DEMO)
    return explorer.explain(explorer.profile(17), 36, seed=2)


def page_of(explanation: Explanation, who: str = "User 17", notes: tuple[str, ...] = ("A note.",)) -> str:
    return html_report.page(replace(explanation, who=who), notes)


def hostile(found: Explanation) -> Explanation:
    def renamed(frame):
        return frame.assign(
            title=[HOSTILE[n % len(HOSTILE)] for n in range(len(frame))],
            via=[[HOSTILE[2], "<b>"]] * len(frame),
            relation=HOSTILE[0],
        )

    relations = found.relations.assign(relation=HOSTILE[1])
    return replace(
        found,
        title=HOSTILE[4],
        item_neighbours=renamed(found.item_neighbours),
        user_neighbours=renamed(found.user_neighbours),
        relations=relations,
    )


def test_the_report_has_a_language_a_title_and_a_policy(found: Explanation) -> None:
    page = page_of(found)
    parsed = Parsed(page)
    assert (
        page.startswith('<!DOCTYPE html>\n<html lang="en">')
        and f"<title>{found.title}: score explanation</title>" in page
    )
    assert f'content="{html_report.POLICY}"' in page and "default-src 'none'" in html_report.POLICY
    assert set(parsed.tags) <= MARKUP and parsed.tags.count("h1") == 1
    assert "prefers-color-scheme:dark" in page


def test_the_report_runs_nothing_and_fetches_nothing(found: Explanation) -> None:
    for explanation in (found, hostile(found)):
        parsed = Parsed(page_of(explanation))
        assert set(parsed.tags) <= MARKUP
        names = {name for name, _ in parsed.attributes}
        assert names <= {
            "lang",
            "charset",
            "http-equiv",
            "content",
            "name",
            "class",
            "scope",
            "style",
            "tabindex",
            "role",
            "aria-label",
        }
        assert all(
            re.fullmatch(r"width:[\d.]+%", value or "")
            for name, value in parsed.attributes
            if name == "style"
        )
    assert not re.search(r"url\(|@import|https?:", html_report.STYLE)


def test_hostile_texts_are_shown_as_they_are(found: Explanation) -> None:
    texts = "\n".join(Parsed(page_of(hostile(found), who=HOSTILE[0], notes=(HOSTILE[2],))).texts)
    for text in HOSTILE:
        assert " ".join(text.split()) in texts


def test_the_report_has_every_number_of_the_sample(found: Explanation) -> None:
    parsed = Parsed(page_of(found))
    texts = set(parsed.texts)
    assert f"{found.score:.3f}" in texts and f"{found.probability:.1%}" in texts
    for row in found.item_neighbours.itertuples():
        assert {
            row.title,
            f"{row.key:.3f}".replace("-", "−"),
            signed(row.contribution),
            f"{row.inclusion_probability:.1%}",
            f"{row.lift:.1f}",
        } <= texts
    for row in found.liked.itertuples():
        assert {row.title, signed(row.contribution)} <= texts
    tables = (found.terms, found.item_neighbours, found.liked, found.relations)
    assert parsed.tags.count("tr") == sum(1 + len(rows) for rows in tables) + 1  # and the score
    terms = found.terms
    assert {signed(value) for value in terms["contribution"]} <= texts
    assert terms["contribution"].sum() == pytest.approx(found.score, rel=1e-5)
    assert "history items" not in page_of(found)


def test_the_draw_among_the_likes_is_reported_where_there_is_one(found: Explanation) -> None:
    page = html_report.page(replace(found, samples_likes=True))
    assert "Draw among the liked items" in page and "history items sampled" not in page
    more = 1 + len(found.user_neighbours)
    assert Parsed(page).tags.count("tr") == Parsed(page_of(found)).tags.count("tr") + more


def test_a_report_without_candidates_and_with_an_activation_says_so(found: Explanation) -> None:
    bare = replace(
        found,
        item_neighbours=found.item_neighbours.iloc[:0],
        relations=found.relations.iloc[:0],
        activation="tanh",
        seed=None,
    )
    page = page_of(bare)
    Parsed(page)
    assert "No data." in page and "sum before tanh" in page and "no Gumbel noise" in page
