"""Ways in which a judge could accuse somebody innocent around an announced silence (4.7, 4.1). None may work."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.messages import Emcon
from protocol.verdicts import Cause, Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, Sender, ident

BEGIN_S, END_S = 40, 100


class Quiet:
    """100001 announces at 25 s and every 5 s a silence from 40 to 100 s, and keeps it until `back_s`."""

    def __init__(self, monitor: Any, random: Random | None = None, loss: float = 0.0, offset_s: float = 0.0):
        self.monitor, self.random, self.loss, self.offset_s = monitor, random or Random(0), loss, offset_s
        self.a = Sender(monitor, A)
        self.emcon = 0

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def announce(self, at_s: float, *, lost: bool = False) -> None:
        """What is left is rounded down."""
        self.emcon = 1
        self.a.send(at_s, Emcon(1, int(BEGIN_S - at_s), END_S - BEGIN_S, 1), lost=lost)

    def fly(self, first_s: int = 25, back_s: int = END_S, until_s: int = 130) -> None:
        for t in range(until_s):
            if BEGIN_S <= t < back_s:
                continue
            self.a.report(t + 0.1, lost=self.lost(), emcon=self.emcon)
            if first_s <= t < BEGIN_S and not (t - first_s) % 5:
                self.announce(t + 0.2 + self.offset_s, lost=self.lost())
            if t % 10 == 3:
                self.a.send(t + 0.9, ident(), lost=self.lost())
        self.monitor.close(until_s + 1.0)

    def accused(self) -> set[str]:
        return {clause for clause, subject in self.monitor.fails() if subject == A_TEXT} & {"4.1", "4.7"}


def test_who_announces_when_it_begins_is_accused(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.fly(first_s=38)
    assert quiet.accused() == {"4.7"}


def test_who_comes_back_late_is_accused(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.fly(back_s=110)
    assert quiet.accused() == {"4.7"}


@pytest.mark.parametrize("offset_s", [0.0, 0.4, 0.75])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(6))
def test_who_keeps_it_is_not(monitor: Any, seed: int, loss: float, offset_s: float) -> None:
    """The first announcement comes hardly earlier than it must."""
    quiet = Quiet(monitor, Random(seed), loss, offset_s)
    quiet.fly(first_s=29)
    assert not quiet.accused()


def test_losses_leave_most_of_it_decided(make_monitor: Callable[..., Any]) -> None:
    kept = broken = 0
    for seed in range(30):
        quiet = Quiet(make_monitor(), Random(seed), 0.2)
        quiet.fly()
        kept += quiet.monitor.verdict("4.7", A_TEXT) is Verdict.PASS
        quiet = Quiet(make_monitor(), Random(seed), 0.2)
        quiet.fly(first_s=38)
        broken += "4.7" in quiet.accused()
    assert kept >= 20
    assert broken >= 15  # of 30: one announcement, which must be heard, and a POSITION not long before it


def test_an_announcement_that_was_not_heard_excuses_the_gap(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.a.reports(0.1, 20.0)
    quiet.announce(20.2, lost=True)
    quiet.a.reports(20.5, 40.0, emcon=1)
    quiet.a.reports(100.1, 110.0, emcon=1)
    monitor.close(111.0)
    assert not quiet.accused()
    assert Cause.STATE_UNHEARD in monitor.judge.tallies["4.1", A_TEXT].causes


def test_the_first_of_two_silences_may_not_have_been_heard_of(monitor: Any) -> None:
    """EMCON 1 and the POSITIONs that name it were lost; EMCON 2 is announced after that silence."""
    a = Quiet(monitor).a
    a.reports(0.1, 25.0)
    a.send(25.2, ident())
    a.report(25.3)
    a.send(25.4, Emcon(1, 15, 450, 1), lost=True)
    a.reports(26.1, 40.0, emcon=1, lost=True)
    a.send(490.1, Emcon(2, 60, 30, 1))
    a.reports(490.3, 500.0, emcon=2)
    monitor.close(501.0)
    assert {clause for clause, _ in monitor.fails()} & {"1.4", "4.1"} == set()
    assert Cause.STATE_UNHEARD in monitor.judge.tallies["4.1", A_TEXT].causes


def test_another_silence_that_follows_at_once_is_part_of_it(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.a.reports(0.1, 20.0)
    quiet.announce(20.2)
    quiet.a.send(21.2, Emcon(2, 80, 60, 1))
    quiet.a.reports(21.5, 40.0, emcon=2)
    quiet.a.reports(160.1, 170.0, emcon=2)
    monitor.close(171.0)
    assert not quiet.accused()


def test_who_lands_in_its_silence_owes_nothing_at_its_end(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.a.reports(0.1, 20.0)
    quiet.announce(20.2)
    quiet.a.reports(20.5, 40.0, emcon=1)
    quiet.a.report(200.1, emcon=1, airborne=False)
    monitor.close(210.0)
    assert not quiet.accused()


def test_two_silences_announced_by_turns_are_none_too_late(monitor: Any) -> None:
    """The first is announced again after the second, whose serial the POSITIONs name by then."""
    quiet = Quiet(monitor)
    quiet.announce(10.2, lost=True)
    quiet.a.send(15.2, Emcon(2, 300, 60, 1))
    quiet.a.reports(16.1, 35.0, emcon=2)
    quiet.announce(35.2)
    monitor.close(40.0)
    assert not quiet.accused()


def test_a_recording_that_ends_in_the_silence_leaves_it_pending(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.fly(until_s=80)
    assert monitor.outcomes("4.1", A_TEXT)[-1] is Outcome.PENDING
    assert monitor.outcomes("4.7", A_TEXT)[-1] is Outcome.PENDING


def test_a_gap_before_the_silence_is_a_gap(monitor: Any) -> None:
    quiet = Quiet(monitor)
    quiet.a.reports(0.1, 20.0)
    quiet.announce(20.2)
    quiet.a.reports(20.5, 30.0, emcon=1)
    quiet.a.reports(100.1, 110.0, emcon=1)
    monitor.close(111.0)
    assert quiet.accused() == {"4.1"}


def test_what_is_left_may_have_been_rounded(monitor: Any) -> None:
    """Announced 10.02 s before, which was not heard; then, 5.1 s before, as 5 s."""
    quiet = Quiet(monitor)
    quiet.a.report(28.95)
    quiet.a.report(29.95)
    quiet.announce(29.98, lost=True)
    quiet.announce(34.9)
    monitor.close(40.0)
    assert not quiet.accused()


@pytest.mark.parametrize("heard", [True, False])
def test_who_begins_anew_announces_again(monitor: Any, heard: bool) -> None:
    """Announced at 10 s in session 1; session 2 says the same from 35 s on, 5 s before."""
    a = Quiet(monitor).a
    a.reports(0.1, 10.0)
    a.send(10.2, Emcon(1, 29, 60, 1), lost=not heard)
    a.reports(10.5, 30.0, emcon=1)
    a = Sender(monitor, A, session=2)
    a.reports(31.1, 34.5)
    a.send(34.6, Emcon(1, 5, 60, 1))
    a.reports(35.1, 39.5, emcon=1)
    a.reports(99.5, 110.0, emcon=1)
    monitor.close(111.0)
    assert ("4.7", A_TEXT) not in monitor.fails()
    assert Cause.STATE_UNHEARD in monitor.judge.tallies["4.7", A_TEXT].causes
