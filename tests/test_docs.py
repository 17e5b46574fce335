"""The reference of the configuration files, held against the models that read them, and its example."""

import re
import shutil
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nodes.main import run
from nodes.scenario import KEYS_OF_MODEL, FaultName, Scenario
from nodes.shipped import CONFIGS
from nodes.track_files import COLUMNS
from protocol.agreement import KEYS_OF_ACCESS, Agreement
from radio.medium import Outcome

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
TEXT = PAGE.read_text(encoding="utf-8")
ANY_CLAUSE = '"4.1"'


class Row(NamedTuple):
    """A key's line in the page."""

    value: str
    default: str
    meaning: str


def keys(model: type[BaseModel], before: str, seen: set[type]) -> Iterator[tuple[str, FieldInfo | None]]:
    """Every key of a model as a dotted path; a model that stands in two places is opened at the first of them."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        path = before + (f'"{key}"' if "." in key else key)
        yield path, field
        inner = [t for t in parts(field.annotation) if t not in seen]
        seen.update(inner)
        if typing.get_origin(field.annotation) is dict:
            path += "." + ANY_CLAUSE
        for part in inner:
            yield from keys(part, path + ".", seen)


def parts(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type, such as `tuple[Party, ...]` or `Area | None`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in parts(part)]


def section(title: str) -> str:
    (found,) = re.findall(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", TEXT)
    return str(found)


def rows(text: str) -> dict[str, Row | None]:
    """The keys that a section describes, by path; a table's own heading describes the table."""
    told: dict[str, Row | None] = {}
    for heading, body in re.findall(r"(?ms)^### (.*?)\n(.*?)(?=^### |\Z)", text):
        table = heading.strip("`[]").split(".")[0] if heading != "Top level" else ""
        prefix = f"{table}.{ANY_CLAUSE}." if table == "require" else f"{table}." if table else ""
        if table:
            assert table not in told
            told[table] = None
        first, *_ = (*re.findall(r"(?ms)^\| key \|.*?\n\n", body + "\n\n"), "")
        for key, value, default, meaning in re.findall(r"(?m)^\| `(.+?)` \| (.*?) \| (.*?) \| (.*?) \|$", first):
            assert prefix + key not in told
            told[prefix + key] = Row(value, default, meaning)
    return told


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, FieldInfo | None]]:
    seen: set[type] = set()
    return {
        "The agreement": dict(keys(Agreement, "", seen)),
        "The scenario": dict(keys(Scenario, "", seen)),
    }


TITLES = ["The agreement", "The scenario"]


@pytest.mark.parametrize("title", TITLES)
def test_the_page_has_every_key_and_no_other(title: str, known: dict[str, dict[str, FieldInfo]]) -> None:
    told = rows(section(title))
    assert sorted(known[title].keys() - told.keys()) == [], "not on the page"
    assert sorted(told.keys() - known[title].keys()) == [], "no such key"


@pytest.mark.parametrize("title", TITLES)
def test_the_page_says_what_is_mandatory_and_the_defaults(title: str, known: dict[str, dict[str, FieldInfo]]) -> None:
    for path, row in rows(section(title)).items():
        if row is None:
            continue
        field = known[title][path]
        assert (row.default == "mandatory") == field.is_required(), path
        if isinstance(field.default, bool):
            assert row.default == f"`{str(field.default).lower()}`", path
        elif isinstance(field.default, int | float):
            assert row.default == f"`{field.default:g}`", path
        elif isinstance(field.default, str):
            assert row.default == f'`"{field.default}"`', path
        else:
            assert "`" not in row.default, path


def test_the_models_are_walked_to_the_leaves(known: dict[str, dict[str, FieldInfo]]) -> None:
    """Or the two tests above would hold of nothing."""
    assert {'clause."6.2".ring_nm', "party.members", 'require."4.1".decided'} <= known["The agreement"].keys()
    assert {"station.errors.clock_us", "medium.loss", "area.west_deg", "fault.at_s"} <= known["The scenario"].keys()
    assert "unagreed_channel.slot_ms" not in known["The scenario"]


CHOICES = {
    *typing.get_args(FaultName),
    *KEYS_OF_ACCESS,
    *KEYS_OF_MODEL,
    *(o.value for o in Outcome),
    "sinr_db",
    "vhf_25khz",
    "wide_1mbps",
}
"""What may stand in backticks beside keys: what some of them may be set to."""


def test_every_word_in_backticks_that_looks_like_a_key_is_one(known: dict[str, dict[str, FieldInfo]]) -> None:
    words = {w.strip('"') for table in known.values() for path in table for w in re.findall(r'"[^"]+"|\w+', path)}
    units = {"_s", "_ms", "_us", "_nm", "_ft", "_m", "_kt", "_fpm", "_deg"}
    for word in re.findall(r"`([a-z0-9]*_[a-z0-9_]+)`", TEXT):
        assert word in words | units | CHOICES, word


def test_the_page_has_every_fault_and_every_column_of_a_track() -> None:
    (table,) = re.findall(r"(?ms)^\| name \| breaks .*?\n\n", TEXT)
    assert re.findall(r"(?m)^\| `(\w+)` \| \d", table) == list(typing.get_args(FaultName))
    columns = re.findall(r"(?m)^\| `(\w+)` \|", section("Tracks"))
    assert columns == [*COLUMNS, "callsign"]


def test_the_example_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"(?ms)^```toml\n(.*?)^```", TEXT)
    path = Path(shutil.copytree(CONFIGS, tmp_path / "configs")) / "scenarios" / "mine.toml"
    path.write_text(example, encoding="utf-8")
    assert run(["lint", str(path)]) == 0, capsys.readouterr().err
    assert run(["simulate", str(path)]) == 0, capsys.readouterr().out
