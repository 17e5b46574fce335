"""What a judge remembers has a bound, however long it listens; and what it forgets changes no verdict."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.day import EARLY_S, ROUND_S, SILENCE_S, Day, measured
from protocol.accounts import JOIN_NS
from protocol.clauses import c6_1
from protocol.messages import FrameKey
from protocol.units import NS_PER_S
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, B, Sender, ack, hail, position

JOIN_S = JOIN_NS // NS_PER_S


@pytest.mark.parametrize(
    "session_s",
    [
        4 * SILENCE_S,  # one of the eight is silent at any time, and each begins a session in three quarters of an hour
        400,  # and here most of them are
    ],
)
def test_two_hours_leave_no_more_than_the_first_ten_minutes(session_s: int) -> None:
    """Eight aircraft that report every four seconds; what is remembered is the most while one silence lasts."""
    early_s, late_s = ({begin_s + s for s in ROUND_S} for begin_s in (EARLY_S, 7200 - SILENCE_S))
    between_s = set(range(EARLY_S + SILENCE_S, 7200 - SILENCE_S, 300))
    instants = early_s | between_s | late_s
    counts = {second: objects for second, objects, _, _ in measured(Day(8, 4, session_s), 7200, instants)}
    assert max(counts[s] for s in between_s | late_s) < 1.2 * max(counts[s] for s in early_s)


@pytest.mark.parametrize("session", [1, 2])
def test_reports_that_prove_nothing_are_dropped_unseen(
    session: int, make_monitor: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One aircraft reports on while the other is silent for 20 minutes, and meets it again."""
    found, longest = [], []
    for most in (c6_1.MOST_REPORTS, 10**9):
        monkeypatch.setattr(c6_1, "MOST_REPORTS", most)
        monitor = make_monitor()
        a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.05})
        (clause,) = (c for c in monitor.judge.teller.clauses if isinstance(c, c6_1.SafeDistance))
        lengths = []
        for t in range(1300):
            a.report(t + 0.1)
            if t < 20 or t >= 1220:
                b.session = 1 if t < 20 else session
                b.report(t + 0.6)
            lengths.append(max((len(track) for pair in clause.pairs.values() for track in pair.tracks), default=0))
        found.append(monitor.close(1301.0))
        longest.append(max(lengths))
    assert found[0] == found[1]
    assert longest[0] < 1000 < longest[1]


def test_strangers_leave_nothing_behind(monitor: Any) -> None:
    for i in range(50):
        monitor.hear(float(i), 0x300000 + i, 0, position())
    assert not monitor.judge.teller.books.accounts
    assert monitor.fails() == [("1.1", "unattributed")] * 50


def test_a_call_long_past_is_told_once_and_forgotten(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    for t in range(0, 4 * JOIN_S, 100):
        a.report(t + 0.1)
        b.report(t + 0.2)
        if t in (0, 1000, 2000):
            b.send(t + 0.5, hail(A, call_id=t // 1000 + 1))
    (clause,) = (c for c in monitor.judge.teller.clauses if c.id == "6.3")
    assert len(clause.calls[A]) == 1
    monitor.close(5.0 + 4 * JOIN_S)
    assert monitor.outcomes("6.3", A_TEXT) == [Outcome.INCONCLUSIVE] * 3


def test_counts_are_right_when_old_calls_and_answers_are_forgotten(monitor: Any) -> None:
    """100001 has answered many calls of a long session, each of them heard, and then ignores three."""
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 36.0})
    for t in range(2 * JOIN_S):
        a.report(t + 0.1)
        b.report(t + 0.2)
        if t % 100 == 50:
            a.send(t + 0.7, ack(B, b.send(t + 0.5, hail(A, call_id=t // 100))))
    assert len(monitor.judge.teller.books.accounts[A, 1].acks) < 12
    for t in range(2 * JOIN_S, 2 * JOIN_S + 60):
        named = b.number
        if t % 11 == 5 and t < 2 * JOIN_S + 30:
            b.send(t + 0.05, hail(A, call_id=77))
            a.report(t + 0.1, receipt=FrameKey(B, 1, named))
        a.report(t + 0.15)
        b.report(t + 0.2)
    monitor.close(2 * JOIN_S + 61.0)
    assert monitor.verdict("6.3", A_TEXT) is Verdict.FAIL
