"""What the shipped scenarios must show, each flown as shipped: who is accused, of what, on what evidence."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from itertools import combinations, pairwise
from math import cos, hypot, radians

import pytest

from nodes.closeness import close_spans, longest_s
from nodes.fault_table import guilty_of
from nodes.motion import Kinematics
from nodes.seat import motion_of
from nodes.shipped import CONFIGS
from nodes.terminal import to_text
from nodes.testing import FlightTest
from protocol import codec
from protocol.agreement import utc_text
from protocol.line.documents import Document
from protocol.line.intake import Intake
from protocol.messages import Position
from protocol.units import FT_M, NM_M, NS_PER_S
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Verdict
from radio.recording import LineDocument, Reception, read

Flown = Callable[[str], FlightTest]

HAWK_11, HAWK_12, SOKOL_1, SOKOL_2 = "ae1001", "ae1002", "155001", "155002"
REAPER_1, TOWER = "ae2001", "ac0001"
PARIS_PAIR = "3944e7/400804"
ACCUSED = {
    "quiet": set(),
    "encounter-2015": set(),
    "noisy-2015": set(),
    "procedures-2015": set(),
    "encounter-2015-breach": {("4.1", SOKOL_2), ("6.1", f"{SOKOL_2}/{HAWK_11}"), ("6.1", f"{SOKOL_2}/{HAWK_12}")},
    "paris-2021": {("6.1", PARIS_PAIR)},
    "ground-line-2015": set(),
    "faults/stranger": {("1.1", UNATTRIBUTED)},
    "faults/impersonation": {("1.2", UNATTRIBUTED)},
    "faults/stale_agreement": {("1.3", HAWK_12)},
    "faults/anonymous": {("1.4", HAWK_12)},
    "faults/wrong_channel": {("2.1", SOKOL_1)},
    "faults/deaf_on_guard": {("2.2", HAWK_12)},
    "faults/guard_chatter": {("2.3", HAWK_12)},
    "faults/early_move": {("2.4", HAWK_12)},
    "faults/wrong_fallback": {("2.5", HAWK_11)},
    "faults/slot_thief": {("3.1", SOKOL_2)},
    "faults/babbler": {("3.2", HAWK_12)},
    "faults/malformed": {("3.3", HAWK_12)},
    "faults/loud": {("3.4", HAWK_12)},
    "faults/silent": {("4.1", HAWK_11)},
    "faults/replay": {("4.2", UNATTRIBUTED)},
    "faults/bad_clock": {("4.3", HAWK_12)},
    "faults/teleport": {("4.4", SOKOL_1), ("5.3", SOKOL_1)},
    "faults/spoofed_position": {("4.5", HAWK_12), ("3.4", HAWK_12)},
    "faults/vague": {("4.6", HAWK_12)},
    "faults/overlong_emcon": {("4.7", HAWK_12)},
    "faults/no_intent": {("5.1", HAWK_12)},
    "faults/surprise_turn": {("5.2", HAWK_12)},
    "faults/broken_promise": {("5.3", HAWK_12)},
    "faults/too_close": {("6.1", f"{SOKOL_2}/{HAWK_12}")},
    "faults/no_contact": {("6.2", HAWK_11)},
    "faults/ignores_hail": {("6.3", SOKOL_1)},
    "faults/says_not_does": {("6.4", SOKOL_1)},
    "faults/plays_chicken": {("6.5", SOKOL_1)},
    "faults/simulated_attack": {("6.6", SOKOL_1)},
    "faults/lost_link_stray": {("6.7", REAPER_1)},
    "faults/vague_mayday": {("7.1", HAWK_12)},
    "faults/ignored_mayday": {("7.2", TOWER)},
    "faults/talks_over": {("7.3", SOKOL_1)},
    "faults/uncoordinated_drone": {("8.1", REAPER_1)},  # its plan was only advised
    "faults/area_intruder": {("8.2", HAWK_11)},
    "faults/dead_line": {("8.3", "federation")},
    "faults/cover_up": {("8.4", "coalition")},
    "faults/forgery": {("9.1", UNATTRIBUTED)},
    "faults/false_manifest": {("9.1", "coalition")},
}
FAULTS = [name for name in ACCUSED if name.startswith("faults/")]
EVERY_SCENARIO = sorted(p.relative_to(CONFIGS / "scenarios") for p in (CONFIGS / "scenarios").rglob("*.toml"))
ALONE = [
    *("1.1", "1.3", "1.4", "2.1", "2.2", "3.1", "3.3", "3.4"),
    *("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "5.1", "5.3", "6.1"),
]
"""Clauses that are exercised without anybody near."""
NEAR = ["2.3", "2.5", "3.2", "5.2", "6.2", "6.3", "6.4", "6.6"]
"""And those that are when the two parties meet, call each other on guard, and turn away."""
LINE = ["8.1", "8.2", "8.3", "8.4", "9.1"]
"""And those of the ground line."""
IDLE = ["0.1", "1.2", "2.4", "4.7", "6.5", "7.1", "7.3"]
"""Those that nothing exercises where nobody changes channels or falls silent, comes too close or is in distress."""


def fails(flight: FlightTest, clause: str) -> list[Finding]:
    return [f for f in flight.findings if f.outcome is Outcome.FAIL and f.clause == clause]


def there(flight: FlightTest, station: str, at_ns: int) -> Kinematics:
    """Where a station truly is, whatever it says."""
    entry = next(s for s in flight.flight.stations if station in (s.call_sign, f"{s.address:06x}"))
    place = motion_of(entry, flight.flight).at(at_ns)
    assert place is not None
    return place


def apart(x: Kinematics, y: Kinematics) -> tuple[float, float]:
    """Level distance in NM over a sphere, and height in feet."""
    north_nm = (x.latitude_deg - y.latitude_deg) * 60
    east_nm = (x.longitude_deg - y.longitude_deg) * 60 * cos(radians(x.latitude_deg))
    return hypot(north_nm, east_nm), abs(x.altitude_ft - y.altitude_ft)


def really_too_close(flight: FlightTest) -> set[str]:
    """The pairs of opposed aircraft within 5 NM and 1,000 ft for 10 s on end, by their true motions."""
    begin, end = flight.flight.start_ns, flight.flight.end_ns
    sides = [(s, motion_of(s, flight.flight)) for s in flight.flight.stations if s.party]
    return {
        f"{a.address:06x}/{b.address:06x}"
        for (a, x), (b, y) in combinations(sides, 2)
        if a.party != b.party and longest_s(close_spans(x, y, begin, end, 5 * NM_M, 1000 * FT_M)) >= 10
    }


def test_every_shipped_scenario_is_in_the_table() -> None:
    assert {p.with_suffix("").as_posix() for p in EVERY_SCENARIO} == set(ACCUSED)


@pytest.mark.parametrize("name", ACCUSED)
def test_exactly_these_are_accused(name: str, flown: Flown) -> None:
    assert flown(name).accused() == ACCUSED[name]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_trips_what_the_table_of_faults_says(name: str, flown: Flown) -> None:
    flight = flown(name).flight
    assert ACCUSED[name] <= guilty_of(flight.scenario.fault, flight.stations)


@pytest.mark.parametrize("name", ACCUSED)
def test_the_verdicts_say_what_the_findings_say(name: str, flown: Flown) -> None:
    report = flown(name).report()
    failed = {(v["clause"], v["subject"]) for v in report["verdicts"] if v["verdict"] == "fail"}
    assert failed == ACCUSED[name]
    open_ = "inconclusive" if name == "noisy-2015" else "pass"
    assert report["verdict"] == ("fail" if failed else open_)


@pytest.mark.parametrize(
    ("name", "exercised", "idle", "nobodys"),
    [
        ("quiet", ALONE, [*NEAR, *IDLE], ["6.7", "7.2", *LINE]),
        ("encounter-2015", [*ALONE, *NEAR], [*IDLE, "6.7"], ["7.2", *LINE]),
        ("procedures-2015", [*ALONE, *NEAR, "2.4", "4.7", "6.5", "6.7", "7.1", "7.2"], ["0.1", "1.2", "7.3"], LINE),
        ("ground-line-2015", [*ALONE, *NEAR, "8.1", "8.2", "8.3", "9.1"], [*IDLE, "6.7", "7.2", "8.4"], []),
    ],
)
def test_the_kept_agreement_passes_in_every_clause_that_it_exercises(
    name: str, exercised: list[str], idle: list[str], nobodys: list[str], flown: Flown
) -> None:
    report = flown(name).report()
    assert report["verdict"] == "pass"
    coverage = {"exercised": sorted(exercised), "not_exercised": sorted(idle), "not_applicable": nobodys}
    assert report["coverage"] == coverage
    # of clauses about some alone, and no address has a verdict of its own by 1.2
    told = {v["verdict"] for v in report["verdicts"]}
    assert told <= {"pass", "not_exercised", "not_applicable"}
    assert all(v["decided"] == 1.0 for v in report["verdicts"] if v["verdict"] == "pass")


def test_the_encounter_closes_from_over_20_nm_and_keeps_its_distance(flown: Flown) -> None:
    flight = flown("encounter-2015")
    begin, end = flight.flight.start_ns, flight.flight.end_ns
    patrol, others = (HAWK_11, HAWK_12), (SOKOL_1, SOKOL_2)
    before = [apart(there(flight, a, begin), there(flight, b, begin))[0] for a in patrol for b in others]
    after = [apart(there(flight, a, end), there(flight, b, end))[0] for a in patrol for b in others]
    assert min(before) > 20
    assert max(after) < 20
    assert really_too_close(flight) == set()
    assert flight.verdict("6.2", "HAWK 11") is flight.verdict("6.3", "SOKOL 1") is Verdict.PASS


def test_the_breach_names_the_pairs_that_really_came_too_close(flown: Flown) -> None:
    flight = flown("encounter-2015-breach")
    assert {f.subject for f in fails(flight, "6.1")} == really_too_close(flight)


def test_the_breach_returns_inside_the_safe_distance_with_its_next_sequence_number(flown: Flown) -> None:
    flight = flown("encounter-2015-breach")
    heard = [(r, codec.decode(r.frame)) for r in received(flight)]
    mine = [(r, frame) for r, frame in heard if frame.source == int(SOKOL_2, 16)]
    reports = [i for i, (_, frame) in enumerate(mine) if isinstance(frame.message, Position)]
    begin, end = max(pairwise(reports), key=lambda ij: mine[ij[1]][0].arrival_ns - mine[ij[0]][0].arrival_ns)
    (last, _), (first, _) = mine[begin], mine[end]
    assert 39 * NS_PER_S < first.arrival_ns - last.arrival_ns < 42 * NS_PER_S
    for (_, before), (_, after) in pairwise(mine[begin : end + 1]):  # in between it has answered a call perhaps
        assert (after.session, after.sequence) == (before.session, before.sequence + 1)
    nm, ft = apart(there(flight, SOKOL_2, first.arrival_ns), there(flight, HAWK_11, first.arrival_ns))
    assert nm < 5
    assert ft < 1000
    (silence,) = fails(flight, "4.1")
    between = [r.number for r, _ in mine[begin:end]]
    assert silence.evidence == tuple(f"mon_1#{number}" for number in (*between, first.number))


def test_paris_is_proved_inside_the_known_42_seconds(flown: Flown) -> None:
    found = fails(flown("paris-2021"), "6.1")
    assert found
    for finding in found:
        assert finding.unit == "s"
        assert finding.measured is not None
        assert finding.measured >= 10
        begin_ns = finding.at_ns - round(finding.measured * NS_PER_S)
        assert utc_text(begin_ns) >= "2021-10-07T12:45:57"
        assert utc_text(finding.at_ns) <= "2021-10-07T12:46:39"


def test_paris_flies_all_eleven_tracks_and_lists_the_row_it_left_out(flown: Flown) -> None:
    flight = flown("paris-2021")
    assert flight.flight.start_ns == int(datetime(2021, 10, 7, 12, 44, tzinfo=UTC).timestamp()) * NS_PER_S
    assert {s.track.icao24 for s in flight.flight.stations if s.track} == {
        f"{s.address:06x}" for s in flight.flight.stations if s.party
    }
    assert {codec.decode(r.frame).source for r in received(flight)} >= {0x3944E7, 0x400804}
    (note,) = flight.report()["notes"]
    assert "29375 ft" in note


@pytest.mark.parametrize("name", ACCUSED)
def test_every_failure_names_frames_that_the_recording_holds(name: str, flown: Flown) -> None:
    flight = flown(name)
    numbers = {f"mon_1#{r.number}" for r in received(flight)} | documents(flight)
    for finding in flight.findings:
        if finding.outcome is Outcome.FAIL:
            assert finding.evidence
            assert set(finding.evidence) <= numbers
            assert finding.summary
            assert finding.assumptions or finding.subject == UNATTRIBUTED  # nobody is taken at his word


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_innocents_of_both_parties_inside_the_contact_ring(name: str, flown: Flown) -> None:
    flight = flown(name)
    (fault,) = flight.flight.scenario.fault
    assert f"faults/{fault.name}" == name
    innocent = [s for s in flight.flight.stations if s.party and s.call_sign not in (fault.station, fault.target)]
    for party in ("coalition", "federation"):
        assert sum(s.party == party for s in innocent) >= 2
    for at_ns in (flight.flight.start_ns, flight.flight.end_ns):
        for a, b in combinations([s for s in innocent if s.flies or not flight.flight.line], 2):
            assert apart(there(flight, a.call_sign, at_ns), there(flight, b.call_sign, at_ns))[0] < 20


def documents(flight: FlightTest) -> set[str]:
    """The documents of the ground line that the recording holds, as evidence calls them."""
    line = flight.flight.line
    if line is None:
        return set()
    intake = Intake(flight.flight.agreement.digest(), line.public)
    held = [r for r in read(BytesIO(flight.recording())).records if isinstance(r, LineDocument)]
    taken = [intake.take(r.topic, r.payload, r.at_ns) for r in held]
    return {document.id for document in taken if isinstance(document, Document)}


def received(flight: FlightTest) -> list[Reception]:
    recording = read(BytesIO(flight.recording()))
    assert recording.closed
    assert not recording.damage
    return [r for r in recording.records if isinstance(r, Reception)]


def test_what_stays_open_for_lost_frames_says_how_improbable_that_is(flown: Flown) -> None:
    report = flown("noisy-2015").report()
    found = [(f, v) for v in report["verdicts"] for f in v["findings"]]
    assert {f["cause"] for f, _ in found if f["losses"]} == {"frame_lost"}
    assert all(f["losses"] for f, _ in found if f["cause"] == "frame_lost")
    for finding, verdict in found:
        for losses in finding["losses"]:
            heard = report["heard"][losses["station"]]
            assert losses["station"] in verdict["subject"]
            assert losses["share_lost"] == round((heard["unheard"] + 1) / (heard["first"] + heard["unheard"] + 2), 4)
            assert losses["unheard"] <= losses["passed"]
            assert 0 < losses["probability"] < 1
    told = " ".join(to_text(report, {}, []).split())
    assert "SOKOL 1 (155001): 10 of 20 frames missing there, 13.8% in all; so many or more by chance: 0.00012" in told


def test_a_noisy_radio_accuses_nobody_and_most_is_decided_all_the_same(flown: Flown) -> None:
    """Each trouble is in the truth while it lasts; what is left open names frames that were lost, or that the monitor
    knows it could not hear."""
    flight = flown("noisy-2015")
    report = flight.report()
    outcomes = report["medium"]["outcomes"]
    assert min(outcomes[o] for o in ("jammed", "below_sensitivity", "not_tuned", "faded", "received")) > 10
    counts, causes = Counter[str](), set[str]()
    for verdict in report["verdicts"]:
        counts.update(verdict["counts"])
        causes |= set(verdict["causes"])
    assert {"frame_lost", "monitor_deaf"} <= causes
    assert causes <= {"frame_lost", "monitor_deaf", "state_unheard", "not_heard_again", "not_proved_heard"}
    assert counts["fail"] == 0
    assert counts["pass"] / (counts["pass"] + counts["inconclusive"]) > 0.95
