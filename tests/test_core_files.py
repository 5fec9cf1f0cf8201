"""Files and folders that readers always see whole."""

import pytest

from analysis.core import files


def test_a_failed_block_leaves_the_old_folder_and_no_rest(tmp_path):
    place = tmp_path / "result"
    with files.new_directory(place) as work:
        (work / "a").write_text("old")
    with pytest.raises(RuntimeError, match="power"), files.new_directory(place) as work:
        (work / "a").write_text("half")
        raise RuntimeError("power")
    assert (place / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_a_new_folder_takes_the_place_of_the_old(tmp_path):
    place = tmp_path / "result"
    for text in ("old", "new"):
        with files.new_directory(place) as work:
            (work / text).write_text(text)
    assert [p.name for p in place.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_without_an_atomic_exchange_the_folder_is_still_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda first, second: False)
    place = tmp_path / "result"
    for text in ("old", "new"):
        with files.new_directory(place) as work:
            (work / text).write_text(text)
    assert [p.name for p in place.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_a_folder_that_stepped_aside_comes_back(tmp_path):
    aside = tmp_path / f"{files.UNFINISHED}old-2011Q3"
    aside.mkdir()
    (aside / "index.html").write_text("good")
    (tmp_path / f"{files.UNFINISHED}2011Q3-x").mkdir()
    files.remove_stale(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["2011Q3"]
    assert (tmp_path / "2011Q3" / "index.html").read_text() == "good"


def test_text_is_replaced_whole(tmp_path):
    path = tmp_path / "index.html"
    files.write_text(path, "old")
    files.write_text(path, "new")
    assert path.read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1
