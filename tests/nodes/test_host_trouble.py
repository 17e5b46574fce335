"""Host trouble in a recording: the run and a later `check` judge it alike, and `decode` says it."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nodes.checking import check
from nodes.flight import load_agreement
from nodes.main import app
from nodes.monitor import observe
from nodes.shipped import CONFIGS
from nodes.testing import FlightTest
from protocol.agreement import Annexes
from protocol.judge import Judge, Tally
from protocol.units import NS_PER_S
from protocol.verdicts import Cause, Outcome, Verdict
from radio.recording import HearingGap, HostTrouble, Reader, Reception, Writer

AGREEMENT = load_agreement(CONFIGS / "agreements" / "safety-of-flight-2015.toml")
SILENT = 0xAE1001
"""Who is silent in the scenario `faults/silent`."""


def with_trouble(data: bytes, address: int, from_ns: int, until_ns: int) -> tuple[bytes, Judge]:
    """The same recording with trouble told when it began and when it was over; and a judge that heard it live."""
    reader, stream = Reader(BytesIO(data)), BytesIO()
    assert reader.header is not None
    writer = Writer(stream, reader.header)
    header = json.loads(reader.header)
    judge = Judge(AGREEMENT, Annexes.model_validate(header["annexes"]))
    left = [(from_ns, None), (until_ns, until_ns)]
    for record in reader:
        assert isinstance(record, Reception)
        while left and left[0][0] <= record.arrival_ns:
            at_ns, over_ns = left.pop(0)
            told = writer.host_trouble(at_ns=at_ns, address=address, from_ns=from_ns, until_ns=over_ns)
            observe(judge, header["monitor"], told)
        heard = writer.reception(**{name: value for name, value in record._asdict().items() if name != "number"})
        observe(judge, header["monitor"], heard)
    assert reader.end_ns is not None
    writer.close(reader.end_ns)
    judge.close(reader.end_ns)
    return stream.getvalue(), judge


def silence(tallies: list[Tally]) -> Tally:
    (tally,) = [t for t in tallies if (t.clause, t.subject) == ("4.1", f"{SILENT:06x}")]
    return tally


@pytest.mark.parametrize("address", [SILENT, 0])
def test_a_check_judges_trouble_as_the_run_did(
    address: int, flown: Callable[[str], FlightTest], tmp_path: Path
) -> None:
    flight = flown("faults/silent")
    (breach,) = [f for f in flight.findings if f.clause == "4.1" and f.outcome is Outcome.FAIL]
    assert breach.measured is not None
    begin_ns = breach.at_ns - round(breach.measured * NS_PER_S)
    data, judge = with_trouble(flight.recording(), address, begin_ns + NS_PER_S, breach.at_ns - NS_PER_S)
    (tmp_path / "monitor.pcapng").write_bytes(data)
    checked = check(tmp_path / "monitor.pcapng", AGREEMENT)
    assert not checked.damage
    assert checked.tallies == judge.so_far()
    assert silence(checked.tallies).verdict is Verdict.INCONCLUSIVE
    assert silence(checked.tallies).causes == {Cause.HOST_TROUBLE: 1}


def test_trouble_before_the_silence_changes_no_verdict(flown: Callable[[str], FlightTest], tmp_path: Path) -> None:
    flight = flown("faults/silent")
    start_ns = flight.flight.start_ns
    data, _ = with_trouble(flight.recording(), SILENT, start_ns + NS_PER_S, start_ns + 2 * NS_PER_S)
    (tmp_path / "monitor.pcapng").write_bytes(data)
    assert silence(check(tmp_path / "monitor.pcapng", AGREEMENT).tallies).verdict is Verdict.FAIL


def test_decode_says_what_is_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "monitor.pcapng"
    begin_ns = 1_445_418_000 * NS_PER_S
    with path.open("wb") as stream:
        writer = Writer(stream, "{}")
        records: list[HearingGap | HostTrouble] = [
            writer.hearing_gap(begin_ns, begin_ns + NS_PER_S),
            writer.host_trouble(at_ns=begin_ns, address=SILENT, from_ns=begin_ns, until_ns=None),
            writer.host_trouble(at_ns=begin_ns, address=0, from_ns=begin_ns, until_ns=begin_ns + NS_PER_S),
        ]
        writer.close(begin_ns)
    result = CliRunner().invoke(app, ["decode", str(path)])
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if line] == [
        "#0 2015-10-21T09:00:00.000000Z",
        "nothing could be heard until 2015-10-21T09:00:01.000000Z",
        "#1 2015-10-21T09:00:00.000000Z",
        "the emulator had trouble with ae1001 from 2015-10-21T09:00:00.000000Z; not over yet",
        "#2 2015-10-21T09:00:00.000000Z",
        "the emulator had trouble with every station "
        "from 2015-10-21T09:00:00.000000Z until 2015-10-21T09:00:01.000000Z",
    ]
    lines = CliRunner().invoke(app, ["decode", str(path), "--json"]).stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [t["record"] for t in told] == [record.number for record in records]
    assert told[1]["host_trouble"] == {"station": "ae1001", "from": "2015-10-21T09:00:00.000000Z", "until": None}
    assert told[2]["host_trouble"]["station"] is None
    assert set(told[0]) == {"record", "hearing_gap"}
