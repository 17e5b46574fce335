"""How improbable losses are: counted right, said beside findings that stay open, and never a reason for a verdict."""

from fractions import Fraction
from itertools import accumulate
from math import comb
from random import Random
from typing import Any

import pytest

from protocol.accounts import Standing
from protocol.clauses.base import World
from protocol.losses import at_least, share_lost
from protocol.verdicts import Cause, Finding, Missing, Outcome
from tests.protocol.conftest import START_NS
from tests.protocol.traffic import A_TEXT, A, B, Sender, position


@pytest.mark.parametrize("share", [Fraction(1, 1000), Fraction(3, 100), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize("passed", [1, 2, 17, 80])
def test_the_tail_is_that_of_the_binomial_distribution(passed: int, share: Fraction) -> None:
    chance = [comb(passed, k) * share**k * (1 - share) ** (passed - k) for k in range(passed + 1)]
    tails = list(accumulate(reversed(chance)))[::-1]
    for unheard in range(passed + 1):
        assert at_least(unheard, passed, float(share)) == pytest.approx(float(tails[unheard]), rel=1e-9)


def test_a_tail_is_a_probability_also_where_it_is_very_small_or_nearly_one() -> None:
    assert at_least(1300, 1300, 0.001) == 0.0
    assert at_least(0, 1300, 0.5) == pytest.approx(1.0, abs=1e-9)
    assert at_least(0, 1300, 0.5) <= 1.0


def test_who_lost_nothing_may_still_lose_the_next() -> None:
    assert share_lost(0, 0) == 0.5
    assert share_lost(98, 0) == 0.01
    assert share_lost(0, 98) == 0.99


def fly(monitor: Any, seed: int) -> dict[int, list[tuple[float, int, bool]]]:
    """Two stations with losses, one of which begins a second session; returns by station (at, session, heard)."""
    random, sent = Random(seed), dict[int, list[tuple[float, int, bool]]]()
    for source, shift_s in ((A, 0.1), (B, 0.6)):
        sent[source] = []
        for i in range(120):
            session = 2 if source == B and i >= 60 else 1
            heard = random.random() > 0.3 and not 70 <= i < 85
            sent[source].append((i + shift_s, session, heard))
    number = dict.fromkeys([(A, 1), (B, 1), (B, 2)], 65_500)
    for at_s, source, session, heard in sorted((t, x, s, h) for x, mine in sent.items() for t, s, h in mine):
        if heard:
            monitor.hear(at_s, source, number[source, session], position(), session=session)
        number[source, session] += 1
    return sent


def missing(sent: list[tuple[float, int, bool]], from_s: float, until_s: float) -> tuple[int, int]:
    """The same, frame by frame: of each session what lies between the heard frames nearest to two instants."""
    passed = unheard = 0
    for session in {s for _, s, _ in sent}:
        mine = [(t, heard) for t, s, heard in sent if s == session]
        heard_at = [t for t, heard in mine if heard]
        first = max((t for t in heard_at if t <= from_s), default=min(heard_at))
        last = max((t for t in heard_at if t <= until_s), default=first)
        between = [heard for t, heard in mine if first < t < last]
        passed, unheard = passed + len(between), unheard + between.count(False)
    return passed, unheard


@pytest.mark.parametrize("seed", range(20))
def test_what_is_missing_is_counted_as_it_was_sent(seed: int, monitor: Any) -> None:
    sent, random = fly(monitor, seed), Random(seed)
    world: World = monitor.judge.teller.world
    doubt = Finding("4.1", A_TEXT, Outcome.INCONCLUSIVE, 0, cause=Cause.FRAME_LOST)
    for _ in range(50):
        source = random.choice((A, B))
        from_s, until_s = sorted(random.uniform(0, 121) for _ in range(2))
        span = START_NS + round(from_s * 1e9), START_NS + round(until_s * 1e9)
        passed, unheard = missing(sent[source], from_s, until_s)
        found = world.with_losses(doubt, *span, source).losses
        assert found == ((Missing(source, passed, unheard),) if unheard else ())


@pytest.mark.parametrize("seed", range(5))
def test_the_losses_of_a_station_are_counted_over_all_of_its_sessions(seed: int, monitor: Any) -> None:
    sent = fly(monitor, seed)
    monitor.close(130.0)
    for source, mine in sent.items():
        _, unheard = missing(mine, 0, 130)
        assert monitor.judge.heard[source][Standing.UNHEARD] == unheard


def test_a_silence_that_stays_open_says_how_much_was_lost_there(monitor: Any) -> None:
    a = Sender(monitor, A)
    for t in range(60):
        a.report(t + 0.1, lost=20 <= t < 32)
    monitor.close(60.0)
    (doubt,) = [f for f in monitor.findings if (f.clause, f.outcome) == ("4.1", Outcome.INCONCLUSIVE)]
    assert doubt.cause is Cause.FRAME_LOST
    assert doubt.losses == (Missing(A, 12, 12),)
    assert monitor.judge.heard[A] == {Standing.FIRST: 48, Standing.UNHEARD: 12}


def test_where_the_monitor_was_deaf_nothing_is_improbable(monitor: Any) -> None:
    a = Sender(monitor, A)
    for t in range(60):
        if t == 32:
            monitor.deaf(19.5, 32.0)
        a.report(t + 0.1, lost=20 <= t < 32)
    monitor.close(60.0)
    (doubt,) = [f for f in monitor.findings if (f.clause, f.outcome) == ("4.1", Outcome.INCONCLUSIVE)]
    assert doubt.cause is Cause.MONITOR_DEAF
    assert doubt.losses == ()


@pytest.mark.parametrize("seed", range(5))
def test_no_verdict_depends_on_it(seed: int, make_monitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for _ in range(2):
        monitor = make_monitor()
        fly(monitor, seed)
        monitor.close(130.0)
        told.append(monitor.findings)
        monkeypatch.setattr(World, "with_losses", lambda _, finding, *__: finding)
    assert any(f.losses for f in told[0])
    assert [f._replace(losses=()) for f in told[0]] == told[1]
