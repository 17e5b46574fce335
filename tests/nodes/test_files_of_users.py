"""How files come in that are not quite what was expected: a byte order mark, the wrong kind of file, several errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.main import run
from nodes.shipped import CONFIGS
from protocol.terms import Clauses

AGREEMENT = CONFIGS / "agreements" / "safety-of-flight-2015.toml"
QUIET = CONFIGS / "scenarios" / "quiet.toml"


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a refusal."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_files_with_a_byte_order_mark_are_read(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (configs / "agreements" / AGREEMENT.name, configs / "scenarios" / QUIET.name):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert run(["lint", str(path)]) == 0
        assert "no errors" in capsys.readouterr().out


def test_an_agreement_for_a_scenario_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    expected = [f"airaccord: {AGREEMENT}: this is an agreement; give a scenario"]
    assert told(["simulate", str(AGREEMENT)], capsys) == expected


def test_a_scenario_for_an_agreement_is_told_in_one_line(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = [f"airaccord: {QUIET}: this is a scenario; give an agreement"]
    assert told(["check", "any.pcapng", "--agreement", str(QUIET)], capsys) == expected
    path = configs / "scenarios" / "quiet.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("../agreements/safety-of-flight-2015", "quiet"))
    assert told(["lint", str(path)], capsys) == [f"airaccord: {path}: this is a scenario; give an agreement"]


def test_half_an_agreement_is_linted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "half.toml"
    path.write_text('agreement = "x.toml"\n[clause."1.1"]\n', encoding="utf-8")
    lines = told(["lint", str(path)], capsys)
    assert f"airaccord: {path}: agreement: no such key here; remove it or look for a misspelling" in lines
    assert f"airaccord: {path}: party: this key is missing" in lines


def test_a_scenario_with_a_clause_is_told_that_it_has_no_such_key(
    configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "scenarios" / "quiet.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[clause."1.1"]\n', encoding="utf-8")
    assert told(["lint", str(path)], capsys) == [
        f"airaccord: {path}: clause: no such key here; remove it or look for a misspelling"
    ]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('party = "coalition"', 'paarty = "coalition"', "station.1 (HAWK 11).paarty: no such key"),
        ('role = "aircraft"\n', "", "station.1 (HAWK 11).role: this key is missing"),
        ('call_sign = "HAWK 11"', 'call_sign = "hawk"', "station.1.call_sign = 'hawk': a call sign is"),
        ('call_sign = "HAWK 11"', "call_sign = 11", "station.1.call_sign = 11: a call sign is"),
        ('call_sign = "HAWK 11"\n', "", "station.1.call_sign: this key is missing"),
    ],
)
def test_a_malformed_station_goes_by_its_call_sign_if_that_can_be_read(
    old: str, new: str, key: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "scenarios" / "quiet.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = told(["lint", str(path)], capsys)
    assert lines[0].startswith(f"airaccord: {path}: {key}")


def test_what_is_no_table_has_no_call_sign(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    text = path.read_text(encoding="utf-8").split("[[station]]")[0]
    path.write_text(text + "station = [5]\n", encoding="utf-8")
    (line,) = told(["lint", str(path)], capsys)
    assert line.startswith(f"airaccord: {path}: station.0 = 5: ")


def test_a_malformed_party_is_not_also_one_too_few(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "agreements" / AGREEMENT.name
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "federation"', "name = 5"), encoding="utf-8")
    (line,) = told(["lint", str(path)], capsys)
    assert line.startswith(f"airaccord: {path}: party.1.name = 5: ")
    path.write_text(text.replace('[[party]]\nname = "federation"\nmembers = ["RUS"]', ""), encoding="utf-8")
    (line,) = told(["lint", str(path)], capsys)
    assert line.startswith(f"airaccord: {path}: party: Tuple should have at least 2 items")


FAULTS = """
[[fault]]
name = "sulky"
station = "HAWK 11"

[[fault]]
name = "silent"
station = "EAGLE 1"

[[fault]]
name = "silent"
station = "HAWK 11"
at_s = 99
"""


def test_faults_keep_their_numbers_beside_a_malformed_one(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    path.write_text(path.read_text(encoding="utf-8") + FAULTS, encoding="utf-8")
    lines = told(["lint", str(path)], capsys)
    assert [line.split(": ")[2] for line in lines] == [
        "fault.0.name = 'sulky'",
        "fault.1.station = 'EAGLE 1'",
        "fault.2.at_s = 99",
    ]


def test_no_fault_is_late_for_an_end_that_nobody_knows(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    text = path.read_text(encoding="utf-8").replace("duration_s = 60\n", "")
    late = '\n[[fault]]\nname = "silent"\nstation = "HAWK 11"\nat_s = 99\n'
    path.write_text(text + late, encoding="utf-8")
    assert told(["lint", str(path)], capsys) == [f"airaccord: {path}: duration_s: this key is missing"]


def test_lint_says_which_clauses_are_switched_off(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "agreements" / AGREEMENT.name
    assert run(["lint", str(path)]) == 0
    assert capsys.readouterr().out.endswith("no errors\nevery clause is in force\n")
    text = path.read_text(encoding="utf-8").replace('[clause."1.1"]', "", 1)
    path.write_text(text.replace('[clause."6.3"]', "", 1).replace("limit_s = 10\ncalls = 3", ""), encoding="utf-8")
    assert run(["lint", str(path)]) == 0
    assert capsys.readouterr().out.endswith("no errors\nswitched off: 1.1, 6.3\n")
    path.write_text(text.split("[clause.")[0] + "[clause]\n", encoding="utf-8")
    assert run(["lint", str(path)]) == 0
    every = ", ".join(str(field.alias) for field in Clauses.model_fields.values())
    assert capsys.readouterr().out.endswith(f"switched off: {every}\n")


def test_scipy_is_imported_only_for_tracks() -> None:
    """It takes half a second, which `--help` need not wait for."""
    code = (
        "import sys; from pathlib import Path; import nodes.main; from nodes.flight import load;"
        f"load(Path({str(QUIET)!r})); assert 'scipy' not in sys.modules;"
        f"load(Path({str(QUIET.with_name('paris-2021.toml'))!r})); assert 'scipy' in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
