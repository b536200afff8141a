"""The maps: what the model holds to be alike lies close together. Click a point for its details and its neighbours in the original space."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import InputError
from dskreg.ui import charts, panels, resources, scatter, sidebar
from dskreg.ui.panels import Notice, plain

NEIGHBOURS = 10
NAMED = ("nearest to the chosen", "chosen")  # marks that carry their names when zoomed in


def take_point() -> None:
    """Callback: remember the clicked point. plotly's selection is gone as soon as the figure changes, and marking the point changes it."""
    points = st.session_state["map_chart"]["selection"]["points"]
    data = points[0].get("customdata") if points else None
    if data is None:
        return
    clicked = data[0] if isinstance(data, list) else data.get("0") if isinstance(data, dict) else data
    if shown == "titles":
        sidebar.inspect(clicked)
    else:
        st.session_state["map_viewer"] = clicked


def take_found() -> None:
    """Callback: a search result was chosen."""
    if st.session_state["map_found"] is not None:
        sidebar.inspect(st.session_state["map_found"])
        st.session_state["map_search"] = ""


def take_neighbour() -> None:
    """Callback: walk on to a neighbour."""
    rows = st.session_state["map_neighbours"]["selection"]["rows"]
    if rows:
        sidebar.inspect(neighbours["item_id"].iloc[rows[0]])


def take_viewer(user_id: object) -> None:
    """Callback: go on as this viewer."""
    st.session_state["profile"], st.session_state["user"] = "viewer", str(user_id)


def groups_of(frame: pd.DataFrame, by: str) -> pd.Series:
    """The category by which each point is coloured."""
    if by == "genre":
        return scatter.leading(frame["genres"].fillna("").str.split(",").str[0].str.strip())
    if by in ("popularity", "activity"):
        return scatter.bands(frame["likes" if by == "popularity" else "liked"], "likes")
    return scatter.leading(frame[by])


selection = sidebar.current(needs_profile=False)
explorer, profile = selection.explorer, selection.profile
neighbours = pd.DataFrame()

st.title("Embeddings", anchor=False)
st.caption("Every title and viewer is a point in a space that the model has learnt. t-SNE flattens that space so that near points stay near.")

viewers = explorer.maps.user_map()
kinds = ("titles", "viewers") if len(viewers) else ("titles",)
asked = st.query_params.get("colour")
offers = {
    "titles": [*["genre"] * bool(explorer.genres), *["type"] * bool(explorer.types), "popularity"],
    "viewers": [*["favourite"] * bool(explorer.genres), "activity"],
}
with st.container(horizontal=True, vertical_alignment="bottom"):
    shown = st.segmented_control("Map of the", kinds, default="titles", required=True, key="map", bind="query-params")
    by = st.segmented_control("Colour by", offers[shown], default=offers[shown][0], required=True, key="colour", bind="query-params")
    frame = (explorer.maps.item_map() if shown == "titles" else viewers).dropna(subset=["x", "y"]).reset_index(drop=True)
    groups = groups_of(frame, by)
    colours = (charts.ramp if by in ("popularity", "activity") else charts.palette)(groups.cat.categories)
    present = [str(name) for name in groups.cat.categories if (groups == name).any()]
    lit = st.multiselect("Highlight", present, key=f"map_lit_{by}", placeholder="all in colour", help="The others stay on the map in grey.", width=320)
    close = st.toggle("Zoom to the chosen", key="zoom", bind="query-params", help="Shows its surroundings, with names.")
if asked and asked not in offers["titles"] + offers["viewers"]:
    panels.show_notice(Notice(f"The link asks for the colour “{asked[:40]}”, which is not known. You see {by}."))
if not len(viewers):
    st.caption("This model holds no map of viewers.")
if not len(frame):
    st.info("This model holds no map.", icon=":material/scatter_plot:")
    st.stop()

outline = "#ffffff" if st.context.theme.type == "dark" else "#0f1718"
left, right = st.columns([7, 4], gap="medium")
if shown == "titles":
    with right:
        text = st.text_input("Find a title", key="map_search", type="search", live="300ms", placeholder="type a part of its name") or ""
        if text.strip():
            found = explorer.find_items(text.strip(), limit=12)
            names = dict(zip(found["item_id"].tolist(), found["title"], strict=True))
            st.selectbox(
                f"{len(found)} found",
                list(names),
                index=None,
                format_func=lambda key: str(names[key]),
                key="map_found",
                on_change=take_found,
                placeholder="choose one",
            )
    recommended = resources.recommendations(explorer, profile, selection.top)["item_id"].tolist() if profile.history else []
    item_id = selection.item_id if selection.item_id is not None else next(iter(recommended), None)
    neighbours = explorer.maps.similar(item_id, NEIGHBOURS) if item_id is not None else neighbours
    marks = {
        "liked": (list(profile.history), charts.LIKED, "circle"),
        "recommended": (recommended, charts.RECOMMENDED, "diamond"),
        "nearest to the chosen": (neighbours["item_id"].tolist() if len(neighbours) else [], charts.CHOSEN, "circle-open"),
        "chosen": ([item_id], charts.CHOSEN, "star"),
    }
    figure = scatter.scatter_map(frame, "item_id", "title", groups, colours, marks, set(lit) or None, item_id if close else None, NAMED, outline)
else:
    chosen_viewer = st.session_state.get("map_viewer")
    marks = {"this viewer": ([profile.user_id], charts.LIKED, "diamond"), "chosen": ([chosen_viewer], charts.CHOSEN, "star")}
    figure = scatter.scatter_map(
        frame.assign(label="viewer " + frame["user_id"].astype(str)),
        "user_id",
        "label",
        groups,
        colours,
        marks,
        set(lit) or None,
        chosen_viewer if close else None,
        NAMED,
        outline,
    )

with left:
    alt = f"Map of {len(frame):,} {shown} coloured by {by}; {', '.join(present[:4])} are the largest groups. The table below the map lists the points."
    st.plotly_chart(figure, key="map_chart", on_select=take_point, selection_mode="points", config={"scrollZoom": True, "displaylogo": False}, alt=alt)
    quality = explorer.maps.quality().get("items" if shown == "titles" else "users") or {}
    if quality:
        st.caption(
            f"How far to trust it: trustworthiness {quality['trustworthiness']:.2f} of 1 (are map neighbours true neighbours?), and "
            f"{quality['neighbour_preservation']:.0%} of the {quality['k']} nearest neighbours of the original space are also among the nearest here. "
            "Sizes of clusters and distances between clusters mean little."
        )
    if explorer.simulated and shown == "viewers":
        st.caption(panels.SIMULATED)

with right:
    if shown == "titles" and item_id is None:
        st.info("Click a point, or search a title, to see its details and its true neighbours.", icon=":material/ads_click:")
    elif shown == "titles":
        row = explorer.item(item_id)
        st.header(plain(row["title"]), anchor=False)
        facts = [row["type"], row["genres"], f"{row['likes']:,} likes", f"{row['candidates']:,} neighbours in the knowledge graph"]
        st.caption(plain(" · ".join(str(fact) for fact in facts if fact)))
        st.button("See its sampled neighbours", icon=":material/hub:", on_click=sidebar.inspect, args=(item_id, "pages/sampling.py"))
        st.markdown("**Nearest in the original space** (not on the flattened map)")
        config: dict[str, Any] = {
            "title": st.column_config.TextColumn("Title", pinned=True, width=190),
            "similarity": st.column_config.NumberColumn("Similarity", help="Cosine of the two embeddings", format="%.2f", width=85),
            "genres": "Genres",
        }
        alt = f"The {len(neighbours)} titles most alike {row['title']}"
        st.dataframe(
            neighbours[[name for name in config if name != "genres" or explorer.genres]],
            hide_index=True,
            key="map_neighbours",
            on_select=take_neighbour,
            selection_mode="single-row",
            column_config=config,
            alt=alt,
        )
        st.caption("Tick a row to walk on to that title.")
    elif chosen_viewer is None:
        st.info("Click a point to see who that viewer is.", icon=":material/ads_click:")
    else:
        try:
            person = explorer.profile(chosen_viewer)
        except InputError:
            st.session_state["map_viewer"] = None
            st.rerun()
        st.header(plain(person.label[:1].upper() + person.label[1:]), anchor=False)
        st.button("Continue as this viewer", icon=":material/person:", on_click=take_viewer, args=(chosen_viewer,), disabled=person == profile)
        likes = explorer.liked(person).sort_values("likes", ascending=False)
        st.dataframe(likes[["title", "genres", "type"]], hide_index=True, key="map_likes", alt=f"What {person.label} likes",
                     column_config={"title": st.column_config.TextColumn(f"Likes {len(likes)}", pinned=True), "genres": "Genres", "type": "Type"})  # fmt: skip

points = st.expander("The points as a table", icon=":material/table:", on_change="rerun")
if points.open:
    with points:
        columns = ["title", "type", "genres", "likes", "x", "y"] if shown == "titles" else ["user_id", "favourite", "liked", "x", "y"]
        st.dataframe(frame[columns].assign(group=groups.astype(str)), hide_index=True, key="map_points", alt=f"All {len(frame):,} points of the map")
