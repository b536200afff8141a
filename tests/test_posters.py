"""Posters: addresses from the data to the cards, only those of the web, and only where a visitor asks."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.data.readers import kaggle
from dskreg.data.readers.atomic import recbole
from dskreg.data.readers.tables import image_column
from dskreg.explorer import Explorer
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from dskreg.text import image_address
from dskreg.ui.recommendations import cards
from tests.parsed_html import Parsed
from tests.reliability.hostile import PAYLOADS, RAN
from tests.small import random_world, whole
from tests.visits import DEMO, fine, tiles, visit

GOOD = (
    "https://cdn.example.org/images/1.jpg?s=1&v=(2)",
    "http://example.org:8080/a",
    "HTTP://EXAMPLE.ORG/%20",
)
EVIL = (
    f"javascript:{RAN}",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "//example.org/a.png",
    "file:///etc/passwd",
    "ftp://example.org/a.png",
    "https://",
    "https:///a.png",
    "http://[::1/a.png",
    "http://example.org:99999/",
    "http://user:word@example.org/a.png",
    'https://example.org/a.png" onerror="alert(1)',
    "https://example.org/a.png') ; background: url(x",
    "https://example.org/\\22 );x:url(",
    "https://example.org/a b.png",
    "https://example.org/\u202egnp.exe",
    f"https://example.org/{'a' * 2000}",
    "",
)


def test_only_addresses_on_the_web_are_images() -> None:
    assert [image_address(f" {text} ") for text in GOOD] == list(GOOD)
    assert [text for text in (*EVIL, *PAYLOADS.values()) if image_address(text)] == []


@pytest.mark.parametrize(
    "name", ["image", "Image URL", "image_url", "poster", "cover-url", "imgUrl", "Picture"]
)
def test_columns_of_images_are_known_by_their_names(name: str) -> None:
    assert image_column(["title", name, "year"]) == name
    assert image_column(["title", "covers", "imagination", "url"]) is None


def test_readers_carry_the_column_and_count_what_is_no_address(tmp_path: Path) -> None:
    rows = [f"{n},Title {n},Drama,TV,1,7,5,{text}" for n, text in enumerate((GOOD[0], "javascript:x", ""))]
    (tmp_path / "anime.csv").write_text(
        "\n".join(["anime_id,name,genre,type,episodes,rating,members,Image URL", *rows])
    )
    (tmp_path / "rating.csv").write_text("user_id,anime_id,rating\n1,0,9\n")
    data = kaggle.read(tmp_path, 7)
    assert data.items["image"].tolist() == [GOOD[0], "", ""]
    assert next(note for note in data.notes if "image address" in note).startswith("1 ")

    folder = tmp_path / "atomic"
    folder.mkdir()
    (folder / "x.inter").write_text("user_id:token\titem_id:token\n1\t1\n1\t2\n1\t3\n")
    (folder / "x.item").write_text(
        f"item_id:token\tposter_url:token_seq\tname:token_seq\n1\t{GOOD[1]}\tOne\n2\tnone\tTwo\n"
    )
    data = recbole.read(folder, 7)
    assert data.items["title"].tolist() == ["One", "Two", "item 3"]
    assert data.items["image"].tolist() == [GOOD[1], "", ""]


def with_images(explorer: Explorer, images: list[str | None], **columns: list[str]) -> Explorer:
    artifact = explorer.core.artifact
    items = artifact.dataset.items.assign(image=images, **columns)
    return Explorer(
        TrainedModel(explorer.path, replace(artifact, dataset=replace(artifact.dataset, items=items)))
    )


def test_posters_are_those_of_items_that_are_shown() -> None:
    world = whole(random_world(1))
    assert world.posters == {}
    count = len(world.items)
    images = [GOOD[0], None, EVIL[0], *[GOOD[1]] * (count - 3)]
    genres = ["Hentai" if n == 4 else "Action" for n in range(count)]
    found = with_images(world, images, genres=genres)
    assert found.posters == {100: GOOD[0]} | {100 + n: GOOD[1] for n in range(3, count)}
    assert set(found.posters) - set(found.without_adult.posters) == {104}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo without and with a column of addresses, every second of which is none."""
    folder = tmp_path_factory.mktemp("artifacts")
    shutil.copytree(DEMO, folder / "demo")
    whole = artifacts.load(folder / "demo")
    items = whole.dataset.items
    addresses = [f"https://example.org/{n}.png" if n % 2 else EVIL[n % len(EVIL)] for n in range(len(items))]
    dataset = replace(whole.dataset, items=items.assign(image=addresses))
    artifacts.save(replace(whole, dataset=dataset), folder / "posters")
    return folder


def drawn(app: AppTest) -> str:
    return "".join(tiles(app))


def test_the_switch_is_off_at_first_and_no_link_turns_it_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(folder))
    assert not [toggle for toggle in visit(user=34).toggle if toggle.key == "posters"]  # nothing to show
    app = visit(user=34, artifact="posters", posters="true")
    assert "example.org" not in drawn(app) and not app.toggle(key="posters").value
    app.toggle(key="posters").set_value(True)
    shown = re.findall(r"background-image: url\(&quot;(.*?)&quot;\)", drawn(fine(app.run())))
    assert len(shown) > 5 and all(re.fullmatch(r"https://example\.org/\d*[13579]\.png", url) for url in shown)
    bodies = tiles(app, "cards")
    assert sum("background-image" in body for body in bodies) < len(bodies)  # the others keep their covers
    assert all(body.count("data:image/svg+xml;base64,") == 1 for body in bodies)
    app.toggle(key="posters").set_value(False)
    assert "example.org" not in drawn(fine(app.run()))


def test_an_address_stays_inside_its_attribute() -> None:
    body = cards.image("<svg/>", '"><b>x', 'https://example.org/"><script>x</script>')
    parsed = Parsed(body)
    assert parsed.tags == ["span", "img", "span"] and parsed.texts == []
    assert ("alt", 'Poster of "><b>x') in parsed.attributes
