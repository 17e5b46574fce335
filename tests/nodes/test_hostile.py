"""Recordings made to break the tool: the digest and the chain are right, and what the header says is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nodes import report as reports
from nodes.flight import load_agreement
from nodes.main import run
from nodes.shipped import CONFIGS
from protocol.codec import encode
from protocol.messages import Frame, Position, stamp
from protocol.units import NS_PER_S
from radio.recording import Writer

AGREEMENT = CONFIGS / "agreements" / "safety-of-flight-2015.toml"
START_NS = 1_445_418_000 * NS_PER_S
Edit = Callable[[dict[str, Any]], object]


def recorded(folder: Path, edit: Edit) -> Path:
    """A recording of a teleporting aircraft whose header was edited."""
    register = [
        {"address": 0x100001 + n * 0x100000, "call_sign": f"T{n}", "party": party, "role": "aircraft"}
        for n, party in enumerate(("coalition", "federation"))
    ]
    header = {
        "agreement": load_agreement(AGREEMENT).digest(),
        "annexes": {"version": "1", "register": register, "slots": {str(0x100001): {"1": [0, 25]}}},
        "monitor": "m1",
        "start_ns": START_NS,
    }
    edit(header)
    path = folder / "monitor.pcapng"
    with path.open("wb") as stream:
        writer = Writer(stream, json.dumps(header))
        for i in range(20):
            at_ns = START_NS + i * NS_PER_S
            position = Position(latitude_deg=35 + i % 2, longitude_deg=36.0, nic=8, age_s=0.0)
            frame = encode(Frame(0x100001, 1, i, 1, 0, 3, stamp(at_ns), position))
            writer.reception(
                arrival_ns=at_ns,
                channel=1,
                latitude_e7=0,
                longitude_e7=0,
                height_cm=0,
                power_tenths_dbm=0,
                clock_bound_ns=1_000_000,
                tuned=(1,),
                frame=frame,
            )
        writer.close(START_NS + 21 * NS_PER_S)
    return path


def sign(text: str) -> Edit:
    return lambda header: header["annexes"]["register"][0].update(call_sign=text)


@pytest.mark.parametrize("text", ["[/red]", "[bold", "\\", "[link=x]", "\x1b[2J", "a\nb"])
@pytest.mark.parametrize("where", ["call sign", "monitor"])
def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, where: str) -> None:
    edit = sign(text) if where == "call sign" else lambda header: header.update(monitor=text)
    assert run(["check", str(recorded(tmp_path, edit)), "--agreement", str(AGREEMENT)]) == reports.FAILED
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b[2J" not in out


@pytest.mark.parametrize(
    "edit",
    [
        lambda header: header.update(start_ns="soon"),
        lambda header: header.update(start_ns=None),
        lambda header: header.update(annexes=[]),
        lambda header: header.pop("monitor"),
        lambda header: header["annexes"].update(register=7),
        lambda header: header["annexes"].update(slots={"x": 1}),
        lambda header: header["annexes"].update(area={"south_deg": 1e308}),
        lambda header: header["annexes"]["register"][0].update(address=10**40),
        lambda header: header["annexes"]["register"][0].update(address="9" * 5000),
    ],
)
def test_a_header_of_wrong_types_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: Edit) -> None:
    assert run(["check", str(recorded(tmp_path, edit)), "--agreement", str(AGREEMENT)]) == reports.USAGE
    assert capsys.readouterr().err.startswith("airaccord: ")
