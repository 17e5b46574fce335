"""`check` gives from a recording what the run gave, and from a spoilt one nothing that the run did not give."""

from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from random import Random

import pytest

from nodes import report as reports
from nodes.checking import Checked, check
from nodes.flight import load, load_agreement
from nodes.problems import ConfigurationError
from nodes.shipped import CONFIGS, scenario
from nodes.simulation import Simulation
from nodes.testing import FlightTest
from protocol.units import NS_PER_S
from protocol.verdicts import Cause, Verdict
from radio.recording import Reader, Reception, Writer

Flown = Callable[[str], FlightTest]

AGREEMENT = load_agreement(CONFIGS / "agreements" / "safety-of-flight-2015.toml")
NAMES = sorted(
    p.relative_to(CONFIGS / "scenarios").with_suffix("").as_posix() for p in (CONFIGS / "scenarios").rglob("*.toml")
)
SPOILT = ("encounter-2015-breach", "faults/silent")
CUTS, FLIPS = 30, 75
"""For each of the two scenarios."""


def checked(data: bytes, folder: Path) -> Checked:
    path = folder / "monitor.pcapng"
    path.write_bytes(data)
    return check(path, AGREEMENT)


def accused(result: Checked) -> set[tuple[str, str]]:
    return {(t.clause, t.subject) for t in result.tallies if t.verdict is Verdict.FAIL}


def judged(result: Checked) -> dict[str, object]:
    """What a report says of a check."""
    return reports.build(agreement=AGREEMENT, annexes=result.annexes, tallies=result.tallies, heard=result.heard)


def code(result: Checked) -> int:
    return reports.exit_code(result.tallies, [], bool(result.damage))


def spoilt(data: bytes, folder: Path, allowed: set[tuple[str, str]], size: int) -> None:
    """Check a spoilt recording of `size` bytes; nothing may come of it but less."""
    if data[:1000] != (folder / "whole").read_bytes()[:1000]:  # where a file begins it may cease to be a recording
        try:
            result = checked(data, folder)
        except ConfigurationError:
            return
    else:
        result = checked(data, folder)
    assert accused(result) <= allowed
    assert result.damage
    for place in result.damage:
        assert place.startswith("monitor.pcapng at byte ")
        assert int(place.split()[3].strip(":,")) <= size
    assert code(result) == (1 if accused(result) else 4)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_gives_the_verdicts_that_the_run_gave(name: str, flown: Flown, tmp_path: Path) -> None:
    flight = flown(name)
    result = checked(flight.recording(), tmp_path)
    told, run = judged(result), flight.report()
    assert told["verdicts"] == run["verdicts"]
    assert told["coverage"] == run["coverage"]
    assert told["agreement"] == run["agreement"]
    assert told["verdict"] == run["verdict"]
    assert not result.damage
    assert code(result) == (1 if flight.accused() else 0)


def whole(name: str, flown: Flown, folder: Path) -> bytes:
    data = flown(name).recording()
    (folder / "whole").write_bytes(data)
    return data


@pytest.mark.parametrize("name", SPOILT)
def test_a_recording_cut_anywhere_accuses_nobody_else(name: str, flown: Flown, tmp_path: Path) -> None:
    data, random = whole(name, flown, tmp_path), Random(2)
    places = [1, len(data) - 1, *(random.randrange(1, len(data)) for _ in range(CUTS - 2))]
    for place in places:
        spoilt(data[:place], tmp_path, flown(name).accused(), place)


@pytest.mark.parametrize("name", SPOILT)
def test_a_recording_with_a_byte_flipped_accuses_nobody_else(name: str, flown: Flown, tmp_path: Path) -> None:
    data, random = whole(name, flown, tmp_path), Random(3)
    places = [0, 20, 300, len(data) - 1, *(random.randrange(len(data)) for _ in range(FLIPS - 4))]
    for place in places:
        bad = bytearray(data)
        bad[place] ^= random.randrange(1, 256)
        spoilt(bytes(bad), tmp_path, flown(name).accused(), len(data))


def test_a_flipped_byte_is_named_by_its_place(flown: Flown, tmp_path: Path) -> None:
    data = flown("quiet").recording()
    bad = bytearray(data)
    bad[len(data) // 2] ^= 0xFF
    (place, *_) = checked(bytes(bad), tmp_path).damage
    at = int(place.split()[3].strip(":,"))
    assert 0 < len(data) // 2 - at < 300, "the block that the byte stands in"
    assert ", record " in place


def test_a_hole_in_the_recording_is_told_from_frames_that_were_lost(flown: Flown, tmp_path: Path) -> None:
    """What stood in a hole may have been the reports that are missing: the monitor was as good as deaf."""
    flight = flown("quiet")
    data = bytearray(flight.recording())
    for record in Reader(BytesIO(bytes(data))):
        if isinstance(record, Reception) and 20 <= (record.arrival_ns - flight.flight.start_ns) / NS_PER_S < 28:
            data[data.index(record.frame) + 20] ^= 1
    result = checked(bytes(data), tmp_path)
    tallies = [t for t in result.tallies if t.clause == "4.1"]
    assert len(tallies) == 4
    assert all(t.causes == {Cause.MONITOR_DEAF: 1} for t in tallies)
    assert accused(result) == set()


def test_a_run_that_is_killed_leaves_a_recording_that_can_be_checked(tmp_path: Path) -> None:
    flight = load(scenario("faults/silent"))
    stream = BytesIO()
    run = Simulation(flight, 1, lambda name: stream, StringIO())
    run.advance(flight.start_ns + 50 * NS_PER_S)
    result = checked(stream.getvalue(), tmp_path)  # nobody closed it
    assert accused(result) == {("4.1", "ae1001")}
    assert code(result) == 1
    assert result.records > 400
    (place,) = result.damage
    assert f", record {result.records}: There is no closing record" in place


def test_a_run_that_is_killed_before_the_breach_accuses_nobody(tmp_path: Path) -> None:
    flight = load(scenario("faults/silent"))
    stream = BytesIO()
    run = Simulation(flight, 1, lambda name: stream, StringIO())
    run.advance(flight.start_ns + 38 * NS_PER_S)  # silent since 25 s
    result = checked(stream.getvalue(), tmp_path)
    assert accused(result) == set()
    assert code(result) == 4


@pytest.mark.parametrize("header", ["", "hello", "[]", "{}", '{"agreement": 1}', '{"agreement":"DIGEST"}'])
def test_a_recording_with_a_header_that_is_not_ours_is_refused_in_one_line(header: str, tmp_path: Path) -> None:
    """The file format is open to everybody: what its header says may be anything."""
    stream = BytesIO()
    Writer(stream, header.replace("DIGEST", AGREEMENT.digest())).close(0)
    with pytest.raises(ConfigurationError) as error:
        checked(stream.getvalue(), tmp_path)
    (problem,) = error.value.problems
    assert str(problem).startswith(f"{tmp_path / 'monitor.pcapng'}: ")
    assert "\n" not in str(problem)
