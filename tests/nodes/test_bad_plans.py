"""Plans that are well formed and cannot work: told before they fly, since in the air they would look like breaches."""

from pathlib import Path

import pytest

from nodes.main import run
from nodes.testing import FlightTest
from protocol.messages import EmergencyState, Position
from protocol.verdicts import Verdict

AGREEMENT = ("agreements", "safety-of-flight-2015.toml")
QUIET = ("scenarios", "quiet.toml")
OWN_CHANNEL = (
    '\n[[unagreed_channel]]\nnumber = 9\nname = "stray"\nfrequency_mhz = 130.1\n'
    "bandwidth_khz = 25\nbit_rate_bps = 31500\n"
)
STRAY = f'{OWN_CHANNEL}access = "tdma"\nslot_ms = 20\nslots = 50\nshared_slots = [4]\nslots_per_station = 2\n'
SLOTTED = f'{OWN_CHANNEL}access = "slotted_aloha"\nslot_ms = 20\nslots = 50\n'
CSMA = f'{OWN_CHANNEL}access = "csma"\nbackoff_ms = 10\nbackoff_slots = 8\nattempts = 5\n'
JAMMER = (
    '\n[[station]]\naddress = "0b0001"\ncall_sign = "JAM 1"\nrole = "jammer"\nat = [35.4, 36.6, 200]\n'
    "jam = { channels = [1] }\n"
)

SLOW = 'bit_rate_bps = 3000\naccess = "tdma"'
IDLE_TARGET = '[[fault]]\nname = "silent"\nstation = "HAWK 11"\ntarget = "HAWK 12"\n'


def event(line: str, station: str | None = "HAWK 11", at_s: float = 5) -> str:
    whose = "" if station is None else f'station = "{station}"\n'
    return f"seed = 1\n{JAMMER}\n[[event]]\nat_s = {at_s}\n{whose}{line}\n"


def spoil(configs: Path, where: tuple[str, str], old: str, new: str) -> None:
    file = configs.joinpath(*where)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("where", "old", "new", "told"),
    [
        (AGREEMENT, "every_s = 20", "every_s = 0.5", "2 reserved slots a second for 3.6 periodic frames"),
        (AGREEMENT, "shared_slots = [4, 9,", "shared_slots = [9, 4,", "each once and in rising order"),
        (AGREEMENT, "shared_slots = [4, 9,", "shared_slots = [4, 4,", "each once and in rising order"),
        (AGREEMENT, "bit_rate_bps = 31500\naccess = \"tdma\"", SLOW, "slot_ms is shorter"),
        (QUIET, 'at = [', "slots = [3]\nat = [", "a monitor only listens: remove slots"),
        (QUIET, "seed = 1\n", "seed = 1\n" + STRAY, "unagreed_channel.access = 'tdma': nobody has slots there"),
        (QUIET, "seed = 1\n", "seed = 1\n" + SLOTTED, "unagreed_channel.access = 'slotted_aloha': nobody has slots"),
        (QUIET, "seed = 1\n", "seed = 1\n" + CSMA, "access = 'csma': nobody has slots there, nor waits"),
        (QUIET, "seed = 1\n", event("on_air = false", at_s=60), "event.0.at_s = 60: the scenario is over after 60 s"),
        (QUIET, "seed = 1\n", event("loss = 0.1", None, 61), "61: the scenario is over after 60 s: the event would"),
        (QUIET, "seed = 1\n", event("on_air = false", "EAGLE 1"), "event.0.station = 'EAGLE 1': no station has this"),
        (QUIET, "seed = 1\n", event("power_dbm = 3", "MON 1"), "event.0.station = 'MON 1': is a monitor, which does"),
        (QUIET, "seed = 1\n", event("channels = [1]", "MON 1"), "is a monitor: channels are for those that"),
        (QUIET, "seed = 1\n", event("channels = [1]", "JAM 1"), "is a jammer: channels are for those that"),
        (QUIET, "seed = 1\n", event("channels = [1, 7]"), "event.0.channels = 7: no such channel; there are [1, 2,"),
        (QUIET, "seed = 1\n", event("jamming = true"), "event.0.station = 'HAWK 11': is no jammer"),
        (QUIET, 'waypoints = [[0, 35.00, 37.20, 24000], [60, 35.00, 37.35, 24000]]',
            "external = true\n[[event]]\nat_s = 5\nstation = \"HAWK 11\"\non_air = false", "'HAWK 11': flies itself"),
        (QUIET, "seed = 1\n", "seed = 1\n" + JAMMER.replace("[1]", "[1, 7]"), "JAM 1: jam.channels = 7: no such"),
        (QUIET, "seed = 1\n", f'seed = 1\n{JAMMER}[[fault]]\nname = "silent"\nstation = "JAM 1"\n', "is a jammer"),
        (QUIET, "seed = 1\n", "seed = 1\n" + IDLE_TARGET, "remove it"),
    ],
)  # fmt: skip
def test_it_is_told(
    where: tuple[str, str], old: str, new: str, told: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(configs, where, old, new)
    assert run(["lint", str(configs.joinpath(*QUIET))]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "station"),
    [
        ("loss = 0.1", None),
        ("power_dbm = 3", "HAWK 11"),
        ("power_dbm = 3", "JAM 1"),
        ("channels = []", "HAWK 11"),
        ("channels = [2]", "HAWK 11"),
        ("jamming = false", "JAM 1"),
        ("on_air = false", "JAM 1"),
        ("on_air = false", "HAWK 11"),
        ("on_air = false", "MON 1"),
    ],
)
def test_events_that_suit_their_station_are_fine(
    line: str, station: str | None, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(configs, QUIET, "seed = 1\n", event(line, station, 59.9))
    assert run(["lint", str(configs.joinpath(*QUIET))]) == 0, capsys.readouterr().err


def test_an_event_goes_by_its_number_in_the_file_beside_a_malformed_one(
    configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = '[[event]]\nat_s = 99\nstation = "HAWK 11"\non_air = false\n'
    spoil(configs, QUIET, "seed = 1\n", f"seed = 1\n[[event]]\nat_s = -1\nloss = 0.1\n{late}")
    assert run(["lint", str(configs.joinpath(*QUIET))]) == 2
    told = capsys.readouterr().err
    assert "event.0.at_s = -1" in told
    assert "event.1.at_s = 99: the scenario is over after 60 s" in told


def test_a_missing_agreement_does_not_hide_two_stations_with_one_address(
    configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(configs, QUIET, "ae1002", "ae1001")
    spoil(configs, QUIET, "safety-of-flight-2015.toml", "gone.toml")
    assert run(["lint", str(configs.joinpath(*QUIET))]) == 2
    told = capsys.readouterr().err
    assert "gone.toml: no such file" in told
    assert "station.address = 'ae1001': 2 stations have it" in told


@pytest.mark.parametrize("seed", range(5))
def test_a_run_may_end_right_behind_a_frame(seed: int, configs: Path) -> None:
    """On a fast channel the last frame is over before the monitor's clock, a little ahead, would have it begin."""
    spoil(configs, AGREEMENT, "bit_rate_bps = 31500", "bit_rate_bps = 10000000")
    spoil(configs, QUIET, "duration_s = 60", "duration_s = 20.0203")
    flight = FlightTest.of(configs.joinpath(*QUIET), seed=seed)
    flight._run.advance(flight.flight.end_ns)
    flight.close()
    assert flight.accused() == set()
    with pytest.raises(ValueError, match="the flight is over"):
        flight.send("HAWK 11", Position())


async def test_an_emergency_that_is_flagged_shows_as_an_excuse(configs: Path) -> None:
    flight = FlightTest.of(configs.joinpath(*QUIET))
    await flight.advance(10)
    flight.send("HAWK 11", Position(emergency=EmergencyState.GENERAL))
    await flight.finish()
    report = flight.report()
    (entry,) = [v for v in report["verdicts"] if (v["clause"], v["subject"]) == ("0.1", "ae1001")]
    assert entry["causes"] == {"distress": 1}
    assert flight.verdict("0.1", "HAWK 11") is Verdict.NOT_APPLICABLE


def test_a_clause_of_stations_has_no_verdict_for_a_pair(configs: Path) -> None:
    flight = FlightTest.of(configs.joinpath(*QUIET))
    with pytest.raises(ValueError, match="judges stations, not pairs"):
        flight.verdict("4.1", "HAWK 11/SOKOL 1")
    flight.close()
