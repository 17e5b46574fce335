"""The emulator's own trouble with a station: nobody is accused of it, and nothing else is forgiven for it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import pytest

from protocol.messages import FrameKey, Intent, IntentKind, Message, PeerReport, Watch
from protocol.units import seconds_ns
from protocol.verdicts import Cause, Finding, Outcome, Verdict
from tests.protocol.conftest import START_NS, Monitor, shipped_agreement, six_aircraft
from tests.protocol.test_soundness_6_2 import Meeting
from tests.protocol.test_soundness_6_3 import Calls
from tests.protocol.traffic import A_TEXT, A, B, C, Sender, ack, hail, ident

ALL = 0
Told = tuple[float, float | None]
"""From when until when, in seconds; None: not over."""


def trouble(monitor: Any, source: int, from_s: float, until_s: float | None) -> None:
    until_ns = None if until_s is None else START_NS + seconds_ns(until_s)
    monitor.judge.host_trouble(source, START_NS + seconds_ns(from_s), until_ns)


def found(monitor: Any, clause: str, subject: str = A_TEXT) -> list[tuple[Outcome, Cause | None]]:
    """What a clause found and was no pass, in order."""
    mine = [f for f in monitor.findings if (f.clause, f.subject) == (clause, subject)]
    return [(f.outcome, f.cause) for f in mine if f.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)]


FAILS = [(Outcome.FAIL, None)]
FORGIVEN = [(Outcome.INCONCLUSIVE, Cause.HOST_TROUBLE)]

# ------------------------------------------------------------------ the books of trouble


@pytest.mark.parametrize(
    ("from_s", "until_s", "overlaps"),
    [
        (12, 18, True),
        (0, 99, True),
        (0, 9.5, True),
        (20.5, 30, True),
        (0, 8.9, False),
        (21.1, 30, False),
        (15, 15, True),
    ],
)
def test_trouble_counts_a_second_before_and_after(monitor: Any, from_s: float, until_s: float, overlaps: bool) -> None:
    world = monitor.judge.world
    trouble(monitor, A, from_s, until_s)
    stretch = START_NS + seconds_ns(10), START_NS + seconds_ns(20)
    assert world.troubled(A, *stretch) is overlaps
    assert not world.troubled(B, *stretch)


def test_trouble_with_all_is_trouble_with_each(monitor: Any) -> None:
    trouble(monitor, ALL, 12, None)
    assert monitor.judge.world.troubled(A, START_NS + seconds_ns(1000), START_NS + seconds_ns(1001))
    assert not monitor.judge.world.troubled(A, START_NS, START_NS + seconds_ns(10))


def test_told_again_it_is_over(monitor: Any) -> None:
    world, later = monitor.judge.world, (START_NS + seconds_ns(100), START_NS + seconds_ns(101))
    trouble(monitor, A, 10, None)
    trouble(monitor, A, 30, None)
    assert world.troubled(A, *later)
    trouble(monitor, A, 10, 20)
    assert world.troubled(A, *later), "the other is not over"
    trouble(monitor, A, 30, 40)
    assert not world.troubled(A, *later)
    assert world.troubled(A, START_NS + seconds_ns(35), START_NS + seconds_ns(36))


def test_why_frames_were_not_heard_names_the_monitor_first(monitor: Any) -> None:
    world, stretch = monitor.judge.world, (START_NS + seconds_ns(10), START_NS + seconds_ns(20))
    assert world.why_unheard(*stretch, A) is Cause.FRAME_LOST
    trouble(monitor, A, 12, 13)
    assert world.why_unheard(*stretch, B, A) is Cause.HOST_TROUBLE
    assert world.why_unheard(*stretch, B) is Cause.FRAME_LOST
    monitor.deaf(15, 16)
    assert world.why_unheard(*stretch, A) is Cause.MONITOR_DEAF


# ------------------------------------------------------------------ 4.1


def stopped(monitor: Any, *told: Told, source: int = A) -> None:
    """100001 sends nothing from 10.1 s to 30.1 s, and goes on with the next number."""
    a = Sender(monitor, A)
    a.reports(0.1, 10.5)
    for from_s, until_s in told:
        trouble(monitor, source, from_s, until_s)
    a.reports(30.1, 60.0)


def test_who_was_stopped_was_not_silent(monitor: Any) -> None:
    """A process that was stopped for 20 s goes on with the next number: nothing can have filled that."""
    stopped(monitor, (10.3, None), (10.3, 29.9))
    assert found(monitor, "4.1") == FORGIVEN
    (finding,) = [f for f in monitor.findings if f.cause is Cause.HOST_TROUBLE]
    assert finding.summary.startswith("no POSITION for 20.0 s")
    assert finding.assumptions == ()


@pytest.mark.parametrize("told", [(), ((0.0, 9.0),), ((31.2, 40.0),), ((50.0, None),)])
def test_trouble_at_another_time_forgives_no_silence(monitor: Any, told: tuple[Told, ...]) -> None:
    stopped(monitor, *told)
    assert found(monitor, "4.1") == FAILS


def test_trouble_with_another_station_forgives_no_silence(monitor: Any) -> None:
    stopped(monitor, (10.3, None), source=B)
    assert found(monitor, "4.1") == FAILS


def test_after_its_trouble_a_station_is_convicted_of_its_own_silence(monitor: Any) -> None:
    stopped(monitor, (10.3, None), (10.3, 29.9))
    a = Sender(monitor, A, number=monitor.heard)
    a.reports(80.1, 85.0)
    assert found(monitor, "4.1") == FORGIVEN + FAILS


def test_who_was_killed_and_began_again_was_not_silent(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.reports(0.1, 10.5)
    trouble(monitor, A, 10.3, None)
    trouble(monitor, A, 10.3, 12.0)
    Sender(monitor, A, session=2).reports(12.2, 30.0)
    monitor.close(31.0)
    assert monitor.verdict("4.1", A_TEXT) is Verdict.PASS
    assert found(monitor, "4.1") == [], "it was heard again within the limit"


def test_who_was_killed_and_began_again_late_is_excused_for_the_time_in_between(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.reports(0.1, 10.5)
    trouble(monitor, A, 10.3, None)
    trouble(monitor, A, 10.3, 18.0)
    Sender(monitor, A, session=2).reports(18.2, 60.0)
    monitor.close(61.0)
    assert monitor.verdict("4.1", A_TEXT) is Verdict.INCONCLUSIVE
    assert found(monitor, "4.1") == FORGIVEN, "its first session was not heard again, and why is known"
    (finding,) = [f for f in monitor.findings if f.clause == "4.1" and f.outcome is Outcome.INCONCLUSIVE]
    assert finding.summary == "no POSITION heard until it began another session"
    assert finding.measured is not None
    assert 7 < finding.measured < 9, "it ends with the next session, and not with the recording"


def test_why_it_was_not_heard_again_is_what_came_first(monitor: Any) -> None:
    Sender(monitor, A).reports(0.1, 10.5)
    trouble(monitor, A, 100.0, 110.0)
    monitor.close(200.0)
    assert found(monitor, "4.1") == [(Outcome.INCONCLUSIVE, Cause.NOT_HEARD_AGAIN)]


def test_lost_frames_of_a_troubled_station_are_put_down_to_the_trouble(monitor: Any) -> None:
    a = Sender(monitor, A)
    a.reports(0.1, 5.5)
    trouble(monitor, A, 6.0, 14.0)
    a.number += 10
    a.reports(15.1, 20.0)
    assert found(monitor, "4.1") == FORGIVEN


# ------------------------------------------------------------------ 1.4


def test_trouble_explains_one_missing_ident_and_not_the_next(monitor: Any) -> None:
    """Without an IDENT for 200 s, in trouble from 30 to 40 s."""
    a = Sender(monitor, A)
    a.reports(0.1, 30.0)
    trouble(monitor, A, 30.0, 40.0)
    a.reports(40.1, 200.0)
    monitor.close(201.0)
    assert found(monitor, "1.4") == FORGIVEN + FAILS


def test_idents_that_come_again_after_the_trouble_pass(monitor: Any) -> None:
    a = Sender(monitor, A)
    trouble(monitor, A, 2.0, 65.0)
    a.reports(0.1, 2.0)
    for t in range(65, 165, 20):
        a.send(t + 0.05, ident())
        a.reports(t + 0.1, t + 20)
    monitor.close(170.0)
    assert found(monitor, "1.4") == FORGIVEN, "when it identified itself before is not known"
    assert monitor.outcomes("1.4", A_TEXT).count(Outcome.PASS) == 3


@pytest.mark.parametrize(("from_s", "until_s"), [(-20.0, -2.0), (62.5, 70.0), (70.0, None)])
def test_trouble_at_another_time_forgives_no_missing_ident(monitor: Any, from_s: float, until_s: float | None) -> None:
    trouble(monitor, A, from_s, until_s)
    Sender(monitor, A).reports(0.1, 90.0)
    assert found(monitor, "1.4") == FAILS


# ------------------------------------------------------------------ 5.1


def test_after_trouble_there_is_the_grace_again_and_no_more(monitor: Any) -> None:
    """It never declares; the grace is 30 s. In trouble from 50 to 52 s, and yet its reports come."""
    trouble(monitor, A, 50.0, 52.0)
    Sender(monitor, A).reports(0.1, 120.0)
    told = {round(f.at_ns / 1e9 - START_NS / 1e9): f.outcome for f in monitor.findings if f.clause == "5.1"}
    assert {t for t, outcome in told.items() if outcome is Outcome.INCONCLUSIVE} == set(range(49, 83))
    assert {t for t, outcome in told.items() if outcome is Outcome.FAIL} == {*range(31, 49), *range(83, 120)}


@pytest.mark.parametrize("told", [False, True])
def test_a_declaration_that_ran_out_while_it_was_stopped_is_no_breach(monitor: Any, told: bool) -> None:
    """Valid until 60 s; stopped from 57 to 60.5 s, it reports before it can declare again."""
    a = Sender(monitor, A, intent=1)
    a.send(0.05, Intent(1, IntentKind.TRANSIT, 60))
    a.reports(0.1, 57.0)
    if told:
        trouble(monitor, A, 57.0, 60.5)
    a.intent = 0
    a.reports(60.9, 62.5)
    a.intent = 2
    a.send(62.6, Intent(2, IntentKind.TRANSIT, 120))
    a.reports(62.9, 90.0)
    assert found(monitor, "5.1") == 2 * (FORGIVEN if told else FAILS)


# ------------------------------------------------------------------ 6.2


@pytest.fixture
def meeting(monitor: Any) -> Meeting:
    """100001 should call from 20.3 to 35.3 s; until 45.3 s an answer may show that it was called."""
    return Meeting(monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1}))


@pytest.mark.parametrize("source", [A, B, ALL])
@pytest.mark.parametrize(("from_s", "until_s"), [(25.0, 27.0), (34.0, None), (10.0, 19.5), (44.0, 50.0)])
def test_who_is_in_trouble_calls_nobody_and_is_not_called(
    meeting: Meeting, source: int, from_s: float, until_s: float | None
) -> None:
    trouble(meeting.monitor, source, from_s, until_s)
    meeting.fly()
    assert found(meeting.monitor, "6.2") == FORGIVEN


@pytest.mark.parametrize(
    ("source", "from_s", "until_s"), [(A, 0.0, 19.0), (B, 0.0, 19.0), (A, 46.5, None), (B, 46.5, None), (C, 0.0, None)]
)
def test_trouble_of_others_or_at_another_time_calls_nobody(
    meeting: Meeting, source: int, from_s: float, until_s: float | None
) -> None:
    trouble(meeting.monitor, source, from_s, until_s)
    meeting.fly()
    assert found(meeting.monitor, "6.2") == FAILS


def test_when_the_trouble_is_over_the_duty_begins_again(meeting: Meeting) -> None:
    trouble(meeting.monitor, A, 25.0, 27.0)
    meeting.fly()
    for t in range(60, 120):
        meeting.a.report(t + 0.1)
        if t == 70:
            meeting.a.watch(70.3, meeting.b)
        meeting.b.report(t + 0.6)
    assert found(meeting.monitor, "6.2") == FORGIVEN + FAILS


def test_a_call_after_the_trouble_passes(meeting: Meeting) -> None:
    trouble(meeting.monitor, A, 25.0, 27.0)
    meeting.fly()
    meeting.a.watch(60.3, meeting.b)
    meeting.a.send(60.4, hail(B))
    meeting.a.report(61.1)
    assert monitor_outcomes(meeting) == [Outcome.INCONCLUSIVE, Outcome.PASS]


def monitor_outcomes(meeting: Meeting) -> list[Outcome]:
    outcomes: list[Outcome] = meeting.monitor.outcomes("6.2", A_TEXT)
    return outcomes


@pytest.mark.parametrize(
    ("called", "told", "expected"), [(True, True, FORGIVEN), (True, False, FAILS), (False, True, FAILS)]
)
def test_who_is_back_in_a_new_session_may_remember_that_they_talked(
    monitor: Any, called: bool, told: bool, expected: list[Any]
) -> None:
    """Cut off from 10.3 to 11.9 s, 100001 goes on in a second session and does not call a second time."""
    before, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.1})
    for t in range(10):
        before.report(t + 0.1)
        if called and t == 5:
            before.send(5.3, hail(B))
        b.report(t + 0.6)
    if told:
        trouble(monitor, A, 10.3, 11.9)
    a = Sender(monitor, A, session=2)
    for t in range(12, 60):
        a.report(t + 0.1)
        if t == 20:
            a.watch(20.3, b)
        b.report(t + 0.6)
    assert found(monitor, "6.2") == expected


# ------------------------------------------------------------------ 6.3


@pytest.fixture
def calls(monitor: Any) -> Calls:
    """100001 is called at 5.5, 16.5 and 27.5 s, its receipt names each call, and the last answer is due at 37.5 s."""
    return Calls(monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0}))


@pytest.mark.parametrize("source", [A, B, ALL])
@pytest.mark.parametrize(("from_s", "until_s"), [(1.0, 5.0), (20.0, 21.0), (37.0, None)])
def test_who_is_in_trouble_answers_nobody_and_is_not_answered(
    calls: Calls, source: int, from_s: float, until_s: float | None
) -> None:
    trouble(calls.monitor, source, from_s, until_s)
    calls.fly()
    assert found(calls.monitor, "6.3") == FORGIVEN


@pytest.mark.parametrize(
    ("source", "from_s", "until_s"), [(A, 0.0, 4.4), (A, 39.0, None), (B, 39.0, 50.0), (C, 0.0, None)]
)
def test_trouble_of_others_or_at_another_time_answers_nobody(
    calls: Calls, source: int, from_s: float, until_s: float | None
) -> None:
    trouble(calls.monitor, source, from_s, until_s)
    calls.fly()
    assert found(calls.monitor, "6.3") == FAILS


def test_another_call_after_the_trouble_convicts(calls: Calls) -> None:
    trouble(calls.monitor, A, 20.0, 21.0)
    calls.fly()
    sent = []
    for t in range(100, 160):
        if t in (105, 116, 127):
            sent.append(calls.b.send(t + 0.5, hail(A, call_id=2)))
        calls.a.report(t + 1.0, receipt=FrameKey(B, 1, sent[-1]) if sent else None)
    assert found(calls.monitor, "6.3") == FORGIVEN + FAILS


def test_who_was_killed_after_it_heard_the_call_is_not_to_blame(calls: Calls) -> None:
    """Its receipt names the call; then it is killed, and is back at once in a new session, which knows of nothing."""
    calls.fly(until_s=8)
    trouble(calls.monitor, A, 8.1, None)
    trouble(calls.monitor, A, 8.1, 8.6)
    calls.a = Sender(calls.monitor, A, session=2)
    calls.named = None
    for t in range(9, 60):
        if t in (16, 27):
            calls.b.send(t + 0.5, hail(A))
        calls.a.report(t + 1.0)
    assert not calls.accused()
    assert found(calls.monitor, "6.3") == FORGIVEN


def test_three_calls_of_which_one_went_to_the_session_before_are_no_breach(calls: Calls) -> None:
    """The second session has heard, and not answered, two of the three calls."""
    calls.fly(until_s=8)
    trouble(calls.monitor, A, 8.1, 8.6)
    calls.a = Sender(calls.monitor, A, session=2)
    sent = None
    for t in range(9, 60):
        if t in (16, 27):
            sent = calls.b.send(t + 0.5, hail(A))
        calls.a.report(t + 1.0, receipt=None if sent is None else FrameKey(B, 1, sent))
    assert not calls.accused()
    assert found(calls.monitor, "6.3") == FORGIVEN


def test_nothing_proved_and_no_trouble_at_that_time(calls: Calls) -> None:
    trouble(calls.monitor, A, 60.0, 70.0)
    for t in range(60):
        if t in (5, 16, 27):
            calls.b.send(t + 0.5, hail(A))
        calls.a.report(t + 1.0)
    calls.monitor.close(120.0)
    assert found(calls.monitor, "6.3") == [(Outcome.INCONCLUSIVE, Cause.NOT_PROVED_HEARD)]


def test_a_call_to_a_station_in_trouble_stays_open_for_that(calls: Calls) -> None:
    trouble(calls.monitor, A, 4.0, None)
    for t in (5, 16, 27):
        calls.b.send(t + 0.5, hail(A))
    calls.monitor.close(120.0)
    assert found(calls.monitor, "6.3") == FORGIVEN


# ------------------------------------------------------------------ 6.1


@pytest.mark.parametrize("source", [A, B])
def test_a_distance_that_trouble_leaves_open_says_so(monitor: Any, source: int) -> None:
    """Hardly more than 5 NM apart; in 20 s without a report one of them may have come nearer."""
    trouble(monitor, source, 20.0, 39.5)
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.086})
    for t in range(60):
        a.report(t + 0.1, lost=source == A and 20 <= t < 40)
        b.report(t + 0.6, lost=source == B and 20 <= t < 40)
    monitor.close(60.0)
    assert found(monitor, "6.1", "100001/200001") == FORGIVEN


# ------------------------------------------------------------------ any trouble, any trace


@dataclass
class Tape:
    """Keeps what would be heard."""

    frames: list[tuple[float, int, int, Message, dict[str, Any]]] = field(default_factory=list)

    def hear(self, at_s: float, source: int, sequence: int, message: Message, **how: Any) -> None:
        self.frames.append((at_s, source, sequence, message, how))

    def play(self, monitor: Any, troubles: list[tuple[float, int, Told]]) -> list[Finding]:
        """Trouble is told at its time, and the frames as they come."""
        left = sorted(troubles)
        for at_s, source, sequence, message, how in sorted(self.frames, key=lambda f: f[0]):
            while left and left[0][0] <= at_s:
                _, address, told = left.pop(0)
                trouble(monitor, address, *told)
            monitor.hear(at_s, source, sequence, message, **how)
        monitor.close(201.0)
        findings: list[Finding] = monitor.findings
        return findings


def drawn(seed: int) -> Tape:
    """Three aircraft that break what can be broken: silent at times, anonymous, without intent, not talking; frames are
    lost, and stations begin again."""
    random, tape = Random(seed), Tape()
    loss = random.choice([0.0, 0.0, 0.05])
    north = {A: 35.0, B: 35.1, C: 35.2}
    stations = {s: Sender(tape, s, where={"latitude_deg": north[s]}) for s in north}
    silent = {s: [random.uniform(0, 190) for _ in range(random.randrange(3))] for s in north}
    restart = {s: random.choice([0, 0, random.randrange(1, 190)]) for s in north}
    habits = {s: {h for h in ("ident", "intent", "watch", "call", "answer") if random.random() < 0.5} for s in north}
    receipt: dict[int, FrameKey | None] = dict.fromkeys(north)
    for t in range(200):
        for i, source in enumerate(north):
            if restart[source] == t and t:
                number = stations[source].session + 1
                stations[source] = Sender(tape, source, session=number, where={"latitude_deg": north[source]})
                receipt[source] = None
            me, at_s, lost = stations[source], t + 0.1 * i, random.random() < loss
            if any(begin <= t < begin + 15 for begin in silent[source]):
                continue
            me.report(at_s, lost=lost, receipt=receipt[source])
            if "intent" in habits[source] and t % 60 == 1:
                me.intent = t // 60 + 1
                me.send(at_s + 0.02, Intent(me.intent, IntentKind.TRANSIT, 120))
            if "ident" in habits[source] and t % 20 == 3:
                me.send(at_s + 0.03, ident())
            peer = stations[random.choice([B, C] if source == A else [A])]
            if ("watch" in habits[source] or t == 40) and t % 10 == 0 and peer.number:
                me.watch(at_s + 0.04, peer)
            if t % 50 in (5, 16, 27) and ("call" in habits[source] or t > 100):
                number = me.send(at_s + 0.05, hail(peer.source, call_id=t // 50))
                receipt[peer.source] = FrameKey(source, me.session, number % 65536)
    return tape


def drawn_troubles(random: Random, addresses: tuple[int, ...]) -> list[tuple[float, int, Told]]:
    """When it is told, with whom, from when until when; some are told open first, and some never end."""
    told: list[tuple[float, int, Told]] = []
    for _ in range(random.randrange(1, 4)):
        address, from_s = random.choice(addresses), random.uniform(-5, 205)
        until_s = from_s + random.choice([0.0, 0.5, 5.0, 20.0, 60.0])
        told.append((from_s + random.choice([0.0, 0.7]), address, (from_s, None)))
        if random.random() < 0.8:
            told.append((until_s + 1.0, address, (from_s, until_s)))
    return told


SEEDS = range(14)
CONTENT = ("0.1", "1.1", "2.1", "3.1", "4.4")


@cache
def plain(seed: int) -> list[Finding]:
    """What is found in a drawn trace without trouble."""
    return drawn(seed).play(Monitor(shipped_agreement(), six_aircraft()), [])


def outcomes(findings: list[Finding], outcome: Outcome) -> Counter[tuple[str, str]]:
    return Counter((f.clause, f.subject) for f in findings if f.outcome is outcome)


def of(findings: list[Finding], *clauses: str) -> list[Finding]:
    return [f for f in findings if f.clause in clauses]


def test_the_drawn_traces_break_every_clause_that_trouble_touches() -> None:
    broken = Counter(clause for seed in SEEDS for clause, _ in outcomes(plain(seed), Outcome.FAIL))
    assert all(broken[clause] >= 5 for clause in ("1.4", "4.1", "5.1", "6.2", "6.3")), broken


@pytest.mark.parametrize("seed", SEEDS)
def test_no_trouble_makes_a_breach(seed: int, make_monitor: Callable[..., Any]) -> None:
    random = Random(seed + 1)
    for _ in range(2):
        troubled = drawn(seed).play(make_monitor(), drawn_troubles(random, (ALL, A, B, C)))
        assert outcomes(troubled, Outcome.FAIL) <= outcomes(plain(seed), Outcome.FAIL)
        assert outcomes(troubled, Outcome.PASS) >= outcomes(plain(seed), Outcome.PASS)
        assert of(troubled, *CONTENT) == of(plain(seed), *CONTENT)
        causeless = [[f._replace(cause=None) for f in of(some, "6.1")] for some in (troubled, plain(seed))]
        assert causeless[0] == causeless[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_trouble_at_another_time_changes_nothing(seed: int, make_monitor: Callable[..., Any]) -> None:
    elsewhere: list[tuple[float, int, Told]] = [
        (0.0, 0x300001, (0.0, None)),
        (0.0, ALL, (-700.0, -40.0)),
        (1.0, ALL, (230.0, None)),
    ]
    assert drawn(seed).play(make_monitor(), elsewhere) == plain(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_trouble_of_others_changes_nothing(seed: int, make_monitor: Callable[..., Any]) -> None:
    """200001 and 200002 are of one party: neither owes the other anything."""
    troubled = drawn(seed).play(make_monitor(), drawn_troubles(Random(seed + 2), (C,)))
    assert [f for f in troubled if f.subject == "200001"] == [f for f in plain(seed) if f.subject == "200001"]


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_in_trouble_all_the_time_is_convicted_of_content_alone(
    seed: int, make_monitor: Callable[..., Any]
) -> None:
    findings = drawn(seed).play(make_monitor(), [(-1.0, ALL, (-1.0, None))])
    assert {clause for clause, _ in outcomes(findings, Outcome.FAIL)} <= {*CONTENT, "6.1"}


# ------------------------------------------------------------------ honest stations, and an emulator that is not


@dataclass
class Honest:
    """Reports, declares, identifies itself, watches, calls whom it has not talked to, and answers."""

    sender: Sender
    calls: bool
    talked: bool = False
    tries: int = 0
    again_s: float = 0.0
    ident_s: float = -1000.0
    intent_s: float = -1000.0
    receipt: FrameKey | None = None
    owed: list[FrameKey] = field(default_factory=list)

    def new_session(self) -> None:
        me = self.sender
        self.sender = Sender(me.monitor, me.source, session=me.session + 1, where=me.where)
        self.ident_s = self.intent_s = -1000.0
        self.receipt = None

    def second(self, at_s: float, peer: "Honest", *, cut_off: bool, peer_hears: bool) -> None:
        """What it does in a second; its report goes first. Nobody hears it while it is cut off."""
        me = self.sender
        me.report(at_s, lost=cut_off, receipt=self.receipt)
        if at_s - self.intent_s > 60:
            me.intent, self.intent_s = me.intent + 1, at_s
            me.send(at_s + 0.02, Intent(me.intent, IntentKind.TRANSIT, 62), lost=cut_off)
        if at_s - self.ident_s > 20:
            self.ident_s = at_s
            me.send(at_s + 0.03, ident(), lost=cut_off)
        for key in self.owed:
            answer = ack(key.source, key.sequence)._replace(answers_session=key.session)
            me.send(at_s + 0.04, answer, lost=cut_off)
            peer.talked = peer.talked or (peer_hears and not cut_off)
        self.owed.clear()
        if int(at_s) % 5 == 0 and peer.sender.number:
            me.send(at_s + 0.05, watching(self, peer), lost=cut_off)
        if self.calls and not self.talked and self.tries < 3 and at_s >= self.again_s and peer.sender.number:
            number = me.send(at_s + 0.06, hail(peer.sender.source), lost=cut_off)
            self.tries, self.again_s = self.tries + 1, at_s + 11
            if peer_hears and not cut_off:
                peer.receipt = FrameKey(me.source, me.session, number)
                peer.owed.append(peer.receipt)


def watching(me: Honest, peer: Honest) -> Watch:
    report = PeerReport(peer.sender.source, peer.sender.session, peer.sender.number - 1, 0xFFFFFFFF)
    return Watch(frozenset({1, 2, 3}), 1, me.sender.counts["hails"], me.sender.counts["acks"], report)


def hampered(seed: int) -> tuple[Tape, list[tuple[float, int, Told]]]:
    """Two honest aircraft that the emulator stops, cuts off, kills and starts again, and loses and finds again.

    Who is lost and found goes on in a new session and remembers what it knew; who was killed does not.
    """
    random, tape = Random(seed), Tape()
    troubles: list[tuple[float, int, Told]] = []
    happens: dict[int, list[tuple[float, float, str]]] = {A: [], B: []}
    for source, mine in happens.items():
        from_s = 0.0
        while (from_s := from_s + random.uniform(3, 60)) < 200:
            until_s = from_s + random.choice([0.3, 3.0, 12.0, 45.0])
            mine.append((from_s, until_s, random.choice(["stopped", "cut off", "killed", "lost"])))
            troubles += [(from_s + 0.05, source, (from_s, None)), (until_s, source, (from_s, until_s))]
            from_s = until_s
    north = {A: 35.0, B: 35.1}
    both = {s: Honest(Sender(tape, s, where={"latitude_deg": north[s]}), calls=s == A) for s in (A, B)}
    for t in range(200):
        for source, me in both.items():
            at_s = t + (0.1 if source == A else 0.3)
            begun = [what for begin, end, what in happens[source] if end <= at_s < end + 1]
            if "killed" in begun:
                me.talked, me.tries = False, 0
                me.owed.clear()
            if "killed" in begun or "lost" in begun:
                me.new_session()
            other = A + B - source
            now, there = (next((w for b, e, w in happens[s] if b <= at_s < e), "") for s in (source, other))
            if now in ("", "cut off"):
                me.second(at_s, both[other], cut_off=now != "", peer_hears=there in ("", "stopped"))
    return tape, troubles


HAMPERED = range(30)


@pytest.mark.parametrize("seed", HAMPERED)
def test_honest_stations_are_not_accused_of_the_emulators_trouble(seed: int, make_monitor: Callable[..., Any]) -> None:
    tape, troubles = hampered(seed)
    assert outcomes(tape.play(make_monitor(off=("3.1",)), troubles), Outcome.FAIL) == Counter()


def test_a_judge_that_is_not_told_would_accuse_them(make_monitor: Callable[..., Any]) -> None:
    accused: Counter[str] = Counter()
    for seed in HAMPERED:
        findings = hampered(seed)[0].play(make_monitor(off=("3.1",)), [])
        accused.update(clause for clause, _ in outcomes(findings, Outcome.FAIL))
    assert set(accused) == {"1.4", "4.1", "5.1", "6.2", "6.3"}, accused
