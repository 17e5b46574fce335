"""The judge adds findings up: verdicts, counts, what is not applicable; and how time is cut does not matter."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.agreement import Agreement
from protocol.judge import Judge, Tally
from protocol.messages import Emitter, Ident, Intent, IntentKind, Message, PeerReport, Position, Watch
from protocol.units import seconds_ns
from protocol.verdicts import Cause, Finding, Outcome, Verdict

A, B = 0x100001, 0x200001
START_S = 1_445_418_000


def position(north_deg: float = 0.0, **fields: Any) -> Position:
    values: dict[str, Any] = {
        "latitude_deg": 35.0 + north_deg,
        "longitude_deg": 36.0,
        "baro_altitude_ft": 20_000,
        "velocity_north_mps": 0.0,
        "velocity_east_mps": 0.0,
        "velocity_up_mps": 0.0,
        "nic": 8,
        "nacv": 2,
        "age_s": 0.0,
    }
    return Position(**values | fields)


def drawn_flight(seed: int) -> list[tuple[float, int, int, Message, int]]:
    """Two stations that report, identify themselves, watch and declare, with losses: (at, source, number, ...)."""
    random = Random(seed)
    heard: list[tuple[float, int, int, Message, int]] = []
    for source, away in ((A, 0.0), (B, 0.03)):
        number, idents, serial = 0, 0, 0
        for second in range(90):
            messages: list[Message] = [position(away, idents=idents)]
            if second % 20 == 5:
                messages.append(Ident("T", Emitter.FIXED_WING, 0))
                idents += 1
            if second == 40:
                serial = 1
                messages.append(Intent(1, IntentKind.TRANSIT, 120))
            if second % 10 == 9:
                report = PeerReport(A + B - source, 1, second, 0xFFFFFFFF)
                messages.append(Watch(frozenset({1}), 1, 0, 0, report))
            for i, message in enumerate(messages):
                if random.random() > 0.2:
                    heard.append((second + 0.1 + 0.2 * i + (source == B) * 0.05, source, number, message, serial))
                number += 1
    return sorted(heard, key=lambda entry: entry[:3])


@pytest.mark.parametrize("seed", range(5))
def test_where_time_is_cut_changes_nothing(seed: int, make_monitor: Callable[..., Any]) -> None:
    whole, cut = make_monitor(), make_monitor()
    random = Random(seed)
    before_s = 0.0
    for at_s, source, number, message, serial in drawn_flight(seed):
        whole.hear(at_s, source, number, message, intent=serial)
        for _ in range(random.randrange(3)):
            between_s = before_s + (at_s - before_s) * random.random()
            cut.judge.advance((START_S * 1_000_000_000) + seconds_ns(between_s))
        cut.hear(at_s, source, number, message, intent=serial)
        before_s = at_s
    cut.judge.advance((START_S + 95) * 1_000_000_000)
    assert whole.close(100.0) == cut.close(100.0)
    assert whole.findings == cut.findings
    assert len(whole.findings) > 100


def finding(outcome: Outcome, measured: float | None = None, cause: Cause | None = None) -> Finding:
    return Finding("4.1", "100001", outcome, 0, measured=measured, limit=5.0, cause=cause)


@pytest.mark.parametrize(
    ("outcomes", "verdict", "decided"),
    [
        ([], Verdict.NOT_EXERCISED, None),
        ([Outcome.PENDING], Verdict.NOT_EXERCISED, None),
        ([Outcome.EXCUSED, Outcome.PENDING], Verdict.NOT_APPLICABLE, None),
        ([Outcome.EXCUSED, Outcome.PASS], Verdict.PASS, 1.0),
        ([Outcome.PASS, Outcome.INCONCLUSIVE], Verdict.INCONCLUSIVE, 0.5),
        ([Outcome.INCONCLUSIVE], Verdict.INCONCLUSIVE, 0.0),
        ([Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.PASS], Verdict.FAIL, 0.75),
    ],
)
def test_the_highest_instance_gives_the_verdict(
    outcomes: list[Outcome], verdict: Verdict, decided: float | None
) -> None:
    for order in (outcomes, outcomes[::-1]):
        tally = Tally("4.1", "100001")
        reached = []
        for outcome in order:
            tally.take(finding(outcome))
            reached.append(tally.verdict)
        assert tally.verdict is verdict
        assert tally.decided == decided
        assert sum(tally.counts.values()) == len(order)
        judged = [v for v in reached if v > Verdict.NOT_EXERCISED]
        assert judged == sorted(judged)


def test_a_tally_keeps_the_nearest_pass_and_what_is_no_pass() -> None:
    tally = Tally("4.1", "100001")
    for measured in (1.0, 4.5, 2.0):
        tally.take(finding(Outcome.PASS, measured))
    tally.take(finding(Outcome.INCONCLUSIVE, 6.0, Cause.FRAME_LOST))
    tally.take(finding(Outcome.INCONCLUSIVE, 7.0, Cause.FRAME_LOST))
    assert tally.nearest is not None
    assert tally.nearest.measured == 4.5
    assert [f.measured for f in tally.findings] == [6.0, 7.0]
    assert tally.causes == {"frame_lost": 2}
    assert tally.counts[Outcome.PASS] == 3


def test_a_clause_that_is_off_is_not_applicable(make_monitor: Callable[..., Any]) -> None:
    on, off = make_monitor(), make_monitor(off=("4.1", "4.7", "6.4"))
    for monitor in (on, off):
        monitor.hear(0.1, A, 0, position())
        monitor.hear(20.1, A, 1, position())
        monitor.close(30.0)
    assert on.verdict("4.1", "100001") is Verdict.FAIL
    assert off.verdict("4.1", "100001") is Verdict.NOT_APPLICABLE
    assert not [f for f in off.findings if f.clause == "4.1"]


def test_every_clause_and_station_has_a_tally_in_order(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor()
    tallies = monitor.close(1.0)
    keys = [(t.clause, t.subject) for t in tallies]
    assert keys == sorted(keys)
    assert {t.verdict for t in tallies} <= {Verdict.NOT_APPLICABLE, Verdict.NOT_EXERCISED}
    pairs = [subject for clause, subject in keys if clause == "6.1"]
    assert len(pairs) == 9 + 1  # and the ground station, to which it does not apply
    assert "100001/100002" not in pairs


def test_nobody_is_held_to_an_agreement_that_is_not_in_force(make_monitor: Callable[..., Any]) -> None:
    from_start = make_monitor().judge.world
    terms = from_start.agreement.model_dump(by_alias=True, exclude_none=True)
    terms["in_force_from"] = "2015-10-21T09:00:10Z"
    terms["in_force_until"] = "2015-10-21T09:00:20Z"
    monitor = make_monitor()
    monitor.judge = Judge(
        Agreement.model_validate(terms), from_start.annexes, on_finding=monitor.findings.append, each_pass=True
    )
    for at_s in (5.0, 9.9, 20.0, 30.0):
        monitor.hear(at_s, 0x300001, int(at_s), position())
    assert monitor.findings == []
    monitor.hear(30.5, A, 1, position())
    monitor.judge = Judge(
        Agreement.model_validate(terms), from_start.annexes, on_finding=monitor.findings.append, each_pass=True
    )
    monitor.hear(10.0, 0x300001, 10, position())
    assert monitor.fails() == [("1.1", "unattributed")]


def test_a_hearing_gap_only_names_the_cause(make_monitor: Callable[..., Any]) -> None:
    causes = []
    for deaf in (False, True):
        monitor = make_monitor()
        monitor.hear(0.1, A, 0, position())
        if deaf:
            monitor.deaf(1.0, 19.0)
        monitor.hear(20.1, A, 20, position())
        causes += [f.cause for f in monitor.findings if f.clause == "4.1"]
    assert causes == [Cause.FRAME_LOST, Cause.MONITOR_DEAF]
