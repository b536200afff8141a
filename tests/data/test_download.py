"""The download, with a stand-in for kagglehub: no test reaches the network."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dskreg.data.readers.download import download
from dskreg.errors import InputError


def complaint(name: str, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        download(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_name_is_refused(tmp_path):
    assert complaint("books", tmp_path) == "unknown data set 'books': expected one of anime"


def test_without_kagglehub_it_says_how_to_install_or_fetch_by_hand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    said = complaint("anime", tmp_path)
    assert 'pip install "kagglehub<1.0.3", or' in said and str(tmp_path) in said
    assert "https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database" in said


def test_without_network_it_says_how_to_fetch_by_hand(tmp_path, monkeypatch):
    def fail(handle: str) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=fail))
    said = complaint("anime", tmp_path / "new")
    assert "ConnectionError: no route" in said and "unzip it into" in said and not (tmp_path / "new").exists()


def test_the_two_files_are_copied(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "anime.csv").write_text("a")
    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=lambda handle: str(cache)))
    assert "expected rating.csv in what was downloaded" in complaint("anime", tmp_path / "to")
    (cache / "rating.csv").write_text("b")
    assert download("anime", tmp_path / "to") == tmp_path / "to"
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["anime.csv", "rating.csv"]
