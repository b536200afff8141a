"""Visits to the recommendations page whose list is a table, which tests can read and compare."""

from __future__ import annotations

import pandas as pd
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from tests import visits


def visit(page: str = "", **parameters: object) -> AppTest:
    """As `visits.visit`; the first page shows its list as a table unless `view` says otherwise."""
    return visits.visit(page, **(({} if page else {"view": "table"}) | parameters))


def recommended(app: AppTest) -> pd.DataFrame:
    """The recommendations of a page that shows them as a table."""
    return visits.table_with(app, "rank")


def popular(explorer: Explorer, count: int) -> list[str]:
    """The ids of the titles with the most likes."""
    return [str(item) for item in explorer.items.sort_values("likes", ascending=False)["item_id"].head(count)]
