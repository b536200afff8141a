"""The installed package opens the app on the bundled demo, in a folder that holds nothing else."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from walk import follow, says, settle

from tests.installed import install

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with install(tmp_path_factory.mktemp("installed")).app() as address:
        yield address


def test_the_installed_app_recommends_and_lists_the_demo(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "Similar to")
    primary = page.evaluate("getComputedStyle(document.querySelector('.stApp')).fontFamily")
    assert primary.startswith("system-ui"), "the theme of the repository"
    says(follow(page, f"{server}/runs?models=demo"), "Open demo")
