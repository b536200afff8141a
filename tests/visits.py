"""Visits to the app's pages with AppTest: by link and by widget, as in a browser."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path

import pandas as pd
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from tests.plots import check

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "artifacts" / "demo"
# Each AppTest reads the metadata of all installed packages, 0.3 s: once per process is enough
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def fine(app: AppTest) -> AppTest:
    """The app, which has shown no exception and no chart that plotly could not draw."""
    assert not app.exception, app.exception[0].message
    for chart in app.get("plotly_chart"):
        check(chart.proto.spec)
    return app


def visit(page: str = "", **parameters: object) -> AppTest:
    """A page, by default the first, in a new session with these parameters in its link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value if isinstance(value, list) else str(value)
    if page not in ("", "recommendations"):
        app.switch_page(f"pages/{page}.py")
    return fine(app.run())


def said(app: AppTest) -> str:
    """All alerts, headings and running text of the page, without Markdown's escapes."""
    headings, alerts = (app.title, app.header, app.subheader), (app.warning, app.error, app.info)
    kinds = (*headings, *alerts, app.caption, app.markdown, app.text)
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


def table_with(app: AppTest, *columns: str) -> pd.DataFrame:
    """The first table with these columns."""
    return next(table.value for table in app.dataframe if set(columns) <= set(table.value.columns))


def button(app: AppTest, label: str) -> Button:
    """The button with this label."""
    return next(found for found in app.button if found.label == label)


def tiles(app: AppTest, key: str = "") -> list[str]:
    """The HTML of each item of the element with this key, or of all, with its buttons."""
    found = [element for element in app.get("bidi_component") if element.proto.component_name == "tiles"]
    shown = "".join(json.loads(element.proto.json)["html"] for element in found if key in ("", element.key))
    return shown.split("</div></div>")[:-1]


def decomposed(app: AppTest) -> list[tuple[str, str, float]]:
    """Each term of the score on the sampling page: the label, the text beside the bar, and the bar's length,
    which is negative where it goes to the left.
    """
    page = next(part.proto.body for part in app.get("html") if 'class="terms"' in part.proto.body)
    zero = float(re.search(r"--zero:([\d.]+)%", page)[1])
    rows = re.findall(r'<th .*?title="(.*?)">.*?left:([\d.]+)%;width:([\d.]+)%.*?">([^<]+)</span>', page)
    return [
        (html.unescape(label), text, float(width) if float(left) >= zero else -float(width))
        for label, left, width, text in rows
    ]


def press(app: AppTest, key: str, act: str, item: object) -> AppTest:
    """The app after the press of an item's button in the element with this key."""
    element = next(element for element in app.get("bidi_component") if element.key == key)
    states = app._tree.get_widget_states()
    asked = [{"event": "act", "value": {"act": act, "item": json.dumps(item)}}]
    trigger = _make_trigger_id(element.proto.id, "events")
    states.widgets.append(WidgetState(id=trigger, json_trigger_value=json.dumps(asked)))
    return fine(app._run(states))
