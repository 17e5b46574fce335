"""Classes of the user's: found in the scenario's folder first, and each folder's its own."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.own_class import load_class

STATION = """
class Station:
    where = {where!r}

    def start(self, now_ns): return []
    def hear(self, now_ns, hearing): return []
    def wake(self, now_ns): return []
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def folder_with(tmp_path: Path, name: str, module: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / f"{module}.py").write_text(STATION.format(where=name), encoding="utf-8")
    return folder


def test_folders_with_modules_of_one_name_have_a_class_each(tmp_path: Path) -> None:
    """Or a test of one who is guilty would fly the honest one of the test before."""
    for _ in range(2):
        for name in ("honest", "guilty"):
            folder = tmp_path / name if (tmp_path / name).exists() else folder_with(tmp_path, name, "mine")
            assert load_class("mine:Station", folder).where == name  # type: ignore[attr-defined]


def test_the_folder_comes_before_what_is_installed(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "here", "json")
    assert load_class("json:Station", folder).where == "here"  # type: ignore[attr-defined]
    import json

    assert json.loads("1") == 1, "for everybody else it is what it was"


def test_a_module_may_import_its_neighbour(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "here", "neighbour_of_mine")
    (folder / "mine.py").write_text("from neighbour_of_mine import Station\n", encoding="utf-8")
    assert load_class("mine:Station", folder).where == "here"  # type: ignore[attr-defined]


def test_a_module_that_fails_is_not_half_there_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("1 / 0\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be imported: ZeroDivisionError"):
            load_class("mine:Station", tmp_path)


def test_what_the_test_has_imported_is_what_flies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have changed something in it."""
    folder = folder_with(tmp_path, "here", "imported_of_mine")
    monkeypatch.syspath_prepend(str(folder))
    module = importlib.import_module("imported_of_mine")
    assert load_class("imported_of_mine:Station", folder) is module.Station
