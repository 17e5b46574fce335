"""`lint`, `decode` and `spec`: the verbs that say what a file or a frame means."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from nodes.main import run
from nodes.shipped import CONFIGS
from nodes.testing import FlightTest
from protocol import codec
from protocol.messages import Hail
from radio.recording import Reader, Reception

Flown = Callable[[str], FlightTest]
SHIPPED = sorted(CONFIGS.rglob("*.toml"))


@pytest.fixture
def recording(flown: Flown, tmp_path: Path) -> Path:
    path = tmp_path / "monitor.pcapng"
    path.write_bytes(flown("encounter-2015").recording())
    return path


@pytest.fixture
def records(recording: Path) -> list[Reception]:
    return [r for r in Reader(BytesIO(recording.read_bytes())) if isinstance(r, Reception)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.relative_to(CONFIGS).as_posix())
def test_lint_finds_nothing_wrong_with_what_is_shipped(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(path)]) == 0
    told = capsys.readouterr().out
    kind = {"agreements": "agreement «", "keys": "public keys of "}.get(path.parent.name, "scenario «")
    assert told.startswith(f"{path}: {kind}")
    assert "no errors" in told
    assert ("29375 ft" in told) == (path.stem == "paris-2021")


def test_lint_as_json(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    assert run(["lint", str(path), "--json"]) == 0
    assert [p for p in json.loads(capsys.readouterr().out) if p["severity"] == "error"] == []
    path.write_text(path.read_text(encoding="utf-8").replace("09:00:00Z", "09:00:00"), encoding="utf-8")
    assert run(["lint", str(path), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)
    assert problem == {
        "file": str(path),
        "key": "start",
        "found": "2015-10-21 09:00:00",
        "expected": "needs a time zone, such as 2015-10-21T09:00:00Z",
        "severity": "error",
    }


def test_a_frame_in_hex_is_told(records: list[Reception], capsys: pytest.CaptureFixture[str]) -> None:
    record = next(r for r in records if isinstance(codec.decode(r.frame).message, Hail))
    hail = codec.decode(record.frame)
    assert run(["decode", record.frame.hex()]) == 0
    text = capsys.readouterr().out
    assert f"HAIL {hail.source:06x}:{hail.session}:{hail.sequence}" in text
    assert run(["decode", record.frame.hex().upper(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["type"] == "HAIL"
    assert told["source"] == f"{hail.source:06x}"
    assert isinstance(hail.message, Hail)
    assert told["message"]["addressee"] == f"{hail.message.addressee:06x}"


def test_several_frames_are_told_in_order(records: list[Reception], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["decode", *(r.frame.hex() for r in records[:3]), "--json"]) == 0
    told = [json.loads(line)["sequence"] for line in capsys.readouterr().out.splitlines()]
    assert told == [codec.decode(r.frame).sequence for r in records[:3]]


def test_a_frame_with_a_wrong_bit_is_named_and_the_others_are_told(
    records: list[Reception], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = records[0].frame, bytearray(records[1].frame)
    bad[20] ^= 1
    assert run(["decode", bytes(bad).hex(), good.hex()]) == 4
    text = capsys.readouterr().out
    assert text.startswith(f"{bad.hex()[:16]}…: not a frame: ")
    assert "checksum" in text.splitlines()[0]
    assert f":{codec.decode(good).sequence}\n" in text
    assert run(["decode", bytes(bad).hex(), "--json"]) == 4
    assert "checksum" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize("text", ["00", "ff" * 500, "01050030"])
def test_bytes_that_are_no_frame(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["decode", text]) == 4
    assert ": not a frame: " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["zz", "abc", "gone.pcapng", "x" * 500, str(CONFIGS)])
def test_what_is_neither_hex_nor_a_recording(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["decode", text]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"airaccord: {text[:80]}: is no hex, and as a recording it cannot be read: ")


def test_a_file_that_is_no_recording(capsys: pytest.CaptureFixture[str]) -> None:
    path = CONFIGS / "scenarios" / "quiet.toml"
    assert run(["decode", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"airaccord: {path}: is not a recording of airaccord: ")


def test_every_frame_of_a_recording_is_told(
    recording: Path, records: list[Reception], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["decode", str(recording), "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [t["record"] for t in told] == [r.number for r in records]
    assert [t["power_dbm"] for t in told] == [r.power_tenths_dbm / 10 for r in records]
    assert {t["type"] for t in told} == {"POSITION", "IDENT", "INTENT", "HAIL", "ACK", "WATCH"}
    assert run(["decode", str(recording)]) == 0
    assert capsys.readouterr().out.count("POSITION ") == sum(t["type"] == "POSITION" for t in told)


def test_a_damaged_recording_is_told_as_far_as_it_goes(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_bytes(recording.read_bytes()[:20_000])
    assert run(["decode", str(recording), "--json"]) == 4
    captured = capsys.readouterr()
    assert "monitor.pcapng at byte " in captured.err
    assert len([json.loads(line) for line in captured.out.splitlines()]) > 50


def test_spec_prints_every_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("POSITION", "IDENT", "INTENT", "HAIL", "ACK", "WATCH"))
