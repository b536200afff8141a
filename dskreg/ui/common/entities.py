"""The entities of the knowledge graph as choosers offer them and as links name them: `relation:name`."""

from urllib.parse import unquote

from dskreg.explorer import Explorer
from dskreg.ui.common import cache

OFFERED = 300  # entities in a chooser; any other is found by typing


def known_entities(explorer: Explorer) -> dict[str, tuple[str, str, int]]:
    """{relation:name: (relation, name, titles)}, those that most titles carry first."""
    frame = cache.ask(explorer, "entities")
    rows = zip(frame["relation"].tolist(), frame["entity"].tolist(), frame["titles"].tolist(), strict=True)
    return {f"{relation}:{name}": (relation, name, titles) for relation, name, titles in rows}


def label(code: str, known: dict[str, tuple[str, str, int]]) -> str:
    """The entity for a chooser, with its relation and number of titles."""
    if code not in known:
        return code
    relation, name, titles = known[code]
    return f"{name} · {relation} · {titles:,} items"


def found_by(explorer: Explorer, text: str) -> str:
    """The entity of this code, or the largest one whose name contains the text; else the text itself."""
    known, wanted = known_entities(explorer), text.strip().casefold()
    if text in known:
        return text
    names = {code: name.casefold() for code, (_, name, _) in known.items()}
    exact = [code for code, name in names.items() if name == wanted]
    return next(iter([*exact, *(code for code, name in names.items() if wanted in name)]), text)


def joined(codes: list[str]) -> str:
    """The codes as one parameter of a link: separated by commas, with their own commas percent-encoded."""
    return ",".join(code.replace("%", "%25").replace(",", "%2C") for code in codes)


def parted(text: str | None) -> list[str]:
    """The codes that `joined` joined, each once."""
    return list(dict.fromkeys(unquote(code.strip()) for code in (text or "").split(",") if code.strip()))
