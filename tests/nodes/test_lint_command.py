"""`airaccord lint` as a command: where errors, warnings and notes go, and the exit code."""

import json
from pathlib import Path

import pytest

from nodes.flight import load, load_agreement
from nodes.main import run
from nodes.plan_lint import agreement_warnings, warnings_of
from tests.nodes.test_plan_lint import AGREEMENT, QUIET, spoil


@pytest.fixture
def unwise(configs: Path) -> Path:
    """A scenario with one warning: too little is transmitted."""
    spoil(configs, QUIET, 'call_sign = "HAWK 11"\n', 'call_sign = "HAWK 11"\npower_dbm = -20\n')
    return configs.joinpath(*QUIET)


def test_a_warning_is_told_and_is_no_error(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(unwise)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{unwise}: scenario «A quiet morning», 5 stations; no errors")
    (warning,) = (line for line in err.splitlines() if line.startswith("warning: "))
    assert warning.startswith(f"warning: {unwise}: station HAWK 11: power_dbm = -20: below the sensitivity")


def test_strict_makes_warnings_count(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(unwise), "--strict"]) == 2
    assert "warning: " in capsys.readouterr().err
    assert run(["lint", str(unwise), "--strict", "--json"]) == 2
    assert len(json.loads(capsys.readouterr().out)) == 1
    spoil(unwise.parents[1], QUIET, "power_dbm = -20\n", "")
    assert run(["lint", str(unwise), "--strict"]) == 0
    assert "warning: " not in capsys.readouterr().err


def test_a_warning_as_json(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(unwise), "--json"]) == 0
    out, err = capsys.readouterr()
    (warning,) = json.loads(out)
    assert warning.keys() == {"severity", "file", "key", "found", "expected"}
    assert (warning["severity"], warning["file"]) == ("warning", str(unwise))
    assert (warning["key"], warning["found"]) == ("station HAWK 11: power_dbm", "-20")
    assert err == ""
    spoil(unwise.parents[1], QUIET, "power_dbm = -20\n", "")
    assert run(["lint", str(unwise), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_error_is_told_as_before(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(unwise.parents[1], QUIET, "duration_s = 60", "duration_s = -1")
    assert run(["lint", str(unwise)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"airaccord: {unwise}: duration_s = -1")
    assert run(["lint", str(unwise), "--json"]) == 2
    assert [p["severity"] for p in json.loads(capsys.readouterr().out)] == ["error"]


def test_a_speed_that_nobody_flies_is_only_a_note(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The greatest speed of 4.4 is a bound of what is possible: the ring need not be made for it."""
    for path in (unwise, unwise.parents[1].joinpath(*AGREEMENT)):
        assert run(["lint", str(path)]) == 0
        (note,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("note: "))
        assert "two at speed_kt of 4.4 need 13.5 s from the ring to 5 NM (6.1), and talking may take 40 s" in note
        assert "time up to 1350 kt" in note
    spoil(unwise.parents[1], AGREEMENT, "speed_kt = 2000", "speed_kt = 675")
    assert run(["lint", str(unwise)]) == 0
    assert "note: " not in capsys.readouterr().err


def test_simulate_does_not_print_warnings(unwise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", str(unwise)]) == 0
    out, err = capsys.readouterr()
    assert "warning" not in out + err


def test_an_agreement_that_switches_all_clauses_off_has_nothing_unwise_in_it(unwise: Path) -> None:
    path = unwise.parents[1].joinpath(*AGREEMENT)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.split('[clause."0.1"]')[0] + "[clause]\n", encoding="utf-8")
    assert agreement_warnings(load_agreement(path), path) == []
    assert [w.key for w in warnings_of(load(unwise), unwise)] == ["station HAWK 11: power_dbm"]


def test_a_station_that_does_not_say_where_it_flies_is_taken_to_be_there(
    unwise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of its way can be judged, but its slots are."""
    flown = "waypoints = [[0, 35.00, 37.20, 24000], [60, 35.00, 37.35, 24000]]"
    spoil(unwise.parents[1], QUIET, flown, "external = true")
    spoil(unwise.parents[1], QUIET, 'call_sign = "HAWK 12"\n', 'call_sign = "HAWK 12"\nerrors = { clock_us = 900 }\n')
    assert run(["lint", str(unwise), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)
    assert warning["key"] == "station HAWK 12: errors.clock_us"
    assert "collide with those of HAWK 11 in slot 2" in warning["expected"]
