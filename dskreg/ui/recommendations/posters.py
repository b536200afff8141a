"""Posters: images at the addresses that the data give, laid over the drawn covers.

Off until a visitor switches them on, and no link does: the browser fetches them from the hosts that the data
name.
"""

import streamlit as st

from dskreg.explorer import Explorer

ON, SHOWN = "posters_on", "posters_shown"


def switch(explorer: Explorer) -> None:
    """The switch of this session; none where the data have no address."""
    on = bool(explorer.posters) and st.toggle(
        "Show posters",
        value=st.session_state.get(ON, False),
        key="posters",
        help="Loads images from the web addresses in the data. Their hosts see your network address.",
    )
    if explorer.posters:
        st.session_state[ON] = on
    st.session_state[SHOWN] = explorer.posters if on else {}


def address(item_id: object) -> str:
    """The address of the item's poster; "" for none, or where posters are off."""
    return str(st.session_state.get(SHOWN, {}).get(item_id, ""))
