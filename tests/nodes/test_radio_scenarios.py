"""What a scenario can do to the radio, flown: events, jammers, clocks that drift, and every rule of access."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nodes.main import run
from nodes.testing import FlightTest

HAWK, HAWK_2, REAPER, SOKOL, MON = "ae1001", "ae1002", "ae2001", "155001", "0a0001"
START_NS = 1_445_418_000_000_000_000
JAMMER = """
[[station]]
address = "0b0001"
call_sign = "JAM 1"
role = "jammer"
at = [35.05, 36.8, 20000]
power_dbm = 50
jam = {{ channels = [1]{} }}
"""


def event(at_s: float, station: str | None, change: str) -> str:
    named = "" if station is None else f'station = "{station}"\n'
    return f"\n[[event]]\nat_s = {at_s}\n{named}{change}\n"


class Flown:
    """The encounter with changes, flown in virtual time to its end."""

    def __init__(self, configs: Path, more: str = "", *, medium: str = "", agreement: dict[str, str] | None = None):
        self.path = configs / "scenarios" / "changed.toml"
        text = (configs / "scenarios" / "encounter-2015.toml").read_text(encoding="utf-8")
        head, required = text.split("[require.", 1)
        head = head.replace("[[station]]", f"{medium}\n[[station]]", 1)
        self.path.write_text(f"{head}{more}\n[require.{required}", encoding="utf-8")
        terms = configs / "agreements" / "safety-of-flight-2015.toml"
        for old, new in (agreement or {}).items():
            assert terms.read_text(encoding="utf-8").count(old) == 1, old
            terms.write_text(terms.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    async def fly(self) -> "Flown":
        self.flight = FlightTest.of(self.path)
        self.report = await self.flight.finish()
        self.truth: list[dict[str, Any]] = [json.loads(line) for line in self.flight.truth().splitlines()]
        return self

    def outcomes(self, from_s: float, until_s: float, sender: str = "", receiver: str = "") -> Counter[str]:
        """Of frames on the common channel that start in between; but for what they miss who call on guard meanwhile."""
        return Counter(
            got[0]
            for line in self.truth
            if from_s <= (line["start_ns"] - START_NS) / 1e9 < until_s and line["frame"].startswith(sender)
            for address, got in line["receivers"].items()
            if line["channel"] == 1 and address.startswith(receiver) and got[0] != "half_duplex"
        )

    def verdicts(self) -> set[str]:
        return {v["verdict"] for v in self.report["verdicts"]}

    def decided(self, clause: str) -> float:
        counts: Counter[str] = Counter()
        for v in self.report["verdicts"]:
            if v["clause"] == clause:
                counts.update(v["counts"])
        return (counts["pass"] + counts["fail"]) / (counts["pass"] + counts["fail"] + counts["inconclusive"])


async def test_power_changes_at_its_instant(configs: Path) -> None:
    flown = await Flown(configs, event(20, "HAWK 11", "power_dbm = -20") + event(30, "HAWK 11", "power_dbm = 40")).fly()
    assert set(flown.outcomes(0, 20, HAWK)) == {"received"}
    assert set(flown.outcomes(20, 30, HAWK, SOKOL)) == {"below_sensitivity"}
    assert set(flown.outcomes(20, 30, REAPER)) == {"received"}
    assert set(flown.outcomes(30, 70, HAWK)) == {"received"}
    assert "fail" not in flown.verdicts()
    assert flown.decided("4.1") > 0.99


async def test_loss_changes_at_its_instant(configs: Path) -> None:
    flown = await Flown(configs, event(20, None, "loss = 0.5") + event(40, None, "loss = 0")).fly()
    assert set(flown.outcomes(0, 20)) == {"received"}
    faded = flown.outcomes(20, 40)
    assert faded["faded"] / faded.total() == pytest.approx(0.5, abs=0.1)
    assert set(flown.outcomes(40, 70)) == {"received"}
    assert "fail" not in flown.verdicts()


async def test_tuning_changes_at_its_instant_and_takes_its_time(configs: Path) -> None:
    more = event(20, "HAWK 11", "channels = [2]") + event(30, "HAWK 11", "channels = [1, 2]")
    flown = await Flown(configs, more, medium="[medium]\nretune_ms = 1500").fly()
    assert set(flown.outcomes(0, 20, "", HAWK)) == {"received"}
    assert set(flown.outcomes(20, 31.5, "", HAWK)) == {"not_tuned"}
    assert set(flown.outcomes(31.5, 70, "", HAWK)) == {"received"}
    assert "fail" not in flown.verdicts()


@pytest.mark.parametrize("pulses", [False, True])
async def test_a_jammer_goes_on_and_off(configs: Path, pulses: bool) -> None:
    """The strongest on the channel: nobody hears anybody, and nobody is accused for it."""
    jammer = JAMMER.format(", from_start = false" + (", on_ms = 10, period_ms = 15" if pulses else ""))
    flown = await Flown(
        configs, jammer + event(20, "JAM 1", "jamming = true") + event(33.3, "JAM 1", "jamming = false")
    ).fly()
    assert set(flown.outcomes(0, 20)) == {"received"}
    assert set(flown.outcomes(20, 33.2)) == {"jammed"}, "a frame of 14 ms meets every pulse"
    assert set(flown.outcomes(33.3, 70)) == {"received"}
    rivals = {tuple(got[4]) for line in flown.truth for got in line["receivers"].values() if got[0] == "jammed"}
    assert rivals == {("0b0001",)}
    assert "0b0001" not in {address for line in flown.truth for address in line["receivers"]}, "it does not listen"
    assert "fail" not in flown.verdicts()
    assert flown.decided("4.1") > 0.95
    assert "JAM 1" not in flown.report["stations"].values(), "it is nobody's"


async def test_a_station_is_switched_off_and_begins_anew(configs: Path) -> None:
    flown = await Flown(configs, event(20, "REAPER 1", "on_air = false") + event(35, "REAPER 1", "on_air = true")).fly()
    sent = {
        (line["start_ns"] - START_NS) / 1e9: line["frame"] for line in flown.truth if line["frame"].startswith(REAPER)
    }
    assert not [at for at in sent if 20 <= at < 35]
    assert min(at for at in sent if at > 35) < 36.5
    sessions = [int(frame.split(":")[1]) for frame in sent.values()]
    assert sorted(set(sessions), key=sessions.index) == [sessions[0], (sessions[0] + 1) % 255]
    assert flown.outcomes(20, 35, "", REAPER) == Counter()
    assert flown.report["host"]["not_on_air"] == 0, "its last frames are not even handed over, or never were"
    assert "fail" not in flown.verdicts()


async def test_a_clock_that_drifts_leaves_its_slot(configs: Path) -> None:
    """By 1000 ppm it is 14 ms wrong after 14 s: in the next slot for half of its frame, as the truth says."""
    station = configs / "scenarios" / "encounter-2015.toml"
    text = station.read_text(encoding="utf-8")
    drifting = text.replace('call_sign = "HAWK 11"', 'call_sign = "HAWK 11"\nerrors = { drift_ppm = -1000 }')
    station.write_text(drifting, encoding="utf-8")
    flown = await Flown(configs).fly()
    missed = [
        (line["start_ns"] - START_NS) / 1e9
        for line in flown.truth
        if line["frame"].startswith(HAWK) and "slot" in line and line["slot"][0] != line["slot"][1]
    ]
    assert 9 < missed[0] < 15
    assert flown.report["medium"]["channels"]["1"]["slots_missed"] == len(missed)
    failed = {(v["clause"], v["subject"]) for v in flown.report["verdicts"] if v["verdict"] == "fail"}
    assert failed <= {("3.1", HAWK)}, "nobody else is accused of what its clock does"


@pytest.mark.parametrize("verb", [["simulate"], ["run", "--pace", "max"]], ids=lambda verb: verb[0])
def test_a_propagation_that_fails_in_flight_ends_the_run_there(configs: Path, tmp_path: Path, verb: list[str]) -> None:
    """It was well when it was tried: so it is told with the rest, and what was recorded until then is whole."""
    folder = configs / "scenarios"
    (folder / "waves.py").write_text(
        "import numpy as np\n"
        "calls = []\n"
        "def loss(distance_m, frequency_hz, here_m, there_m):\n"
        "    calls.append(1)\n"
        "    return np.full(len(distance_m), 135.0 if len(calls) < 75 else np.nan)\n",
        encoding="utf-8",
    )
    medium = '[medium]\npropagation = { model = "python", python = "waves:loss", excess_db = 6 }'
    flown = Flown(configs, medium=medium)
    out = tmp_path / "out"
    assert run([*verb, str(flown.path), "--output", str(out)]) == 5
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    (told,) = report["host"]["broken"]
    assert "medium.propagation: waves:loss" in told
    assert "the run ends there" in told
    agreement = configs / "agreements" / "safety-of-flight-2015.toml"
    assert run(["check", str(out / "monitor.pcapng"), "--agreement", str(agreement)]) in (0, 3)
    assert report["complete"] is True


ACCESS = {
    "slotted_aloha": 'access = "slotted_aloha"\nslot_ms = 20\nslots = 50',
    "aloha": 'access = "aloha"',
    "csma": 'access = "csma"\nbackoff_ms = 5\nbackoff_slots = 16\nattempts = 20',
}
TDMA = """access = "tdma"
slot_ms = 20
slots = 50
shared_slots = [4, 9, 14, 19, 24, 29, 34, 39, 44, 49]
slots_per_station = 2"""


@pytest.mark.parametrize("access", ACCESS)
async def test_every_rule_of_access_flies_and_accuses_nobody(configs: Path, access: str) -> None:
    flown = await Flown(configs, agreement={TDMA: ACCESS[access]}).fly()
    outcomes = flown.outcomes(0, 70)
    assert "fail" not in flown.verdicts()
    assert outcomes["received"] / outcomes.total() > 0.7
    assert flown.decided("4.1") > 0.9
    assert flown.decided("6.1") > 0.9
    channel = flown.report["medium"]["channels"]["1"]
    assert ("slots" in channel) == (access == "slotted_aloha")
    if access == "csma":
        assert outcomes["collision"] + outcomes["half_duplex"] < 0.02 * outcomes.total()
