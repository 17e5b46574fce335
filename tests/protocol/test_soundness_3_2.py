"""3.2 where frames are lost: who fills a channel is found, and who was in distress, perhaps, is not."""

from typing import Any

from protocol.messages import EmergencyState
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A, B, Sender, hail

GUARD = 2


class Babbler:
    """100001 reports each second, and calls on guard so often in each; the first call of a second is never heard."""

    def __init__(self, monitor: Any):
        self.monitor, self.a = monitor, Sender(monitor, A)

    def second(self, t: int, calls: int, *, report_lost: bool = False, distress: bool = False) -> None:
        state = EmergencyState.GENERAL if distress else EmergencyState.NONE
        self.a.report(t + 0.005, lost=report_lost, emergency=state)
        for i in range(calls):
            self.a.send(t + 0.02 + 0.9 * i / calls, hail(B), lost=i == 0, channel=GUARD)

    def accused(self) -> bool:
        return ("3.2", A_TEXT) in self.monitor.fails()


def test_the_next_report_tells_that_there_was_no_distress(monitor: Any) -> None:
    babbler = Babbler(monitor)
    for t in range(60):
        babbler.second(t, 9)
    assert babbler.accused(), "8 calls a second were heard: 6 % of the time"


def test_who_was_in_distress_by_its_next_report_may_have_been_before(monitor: Any) -> None:
    """6 calls a second are heard, which is not enough; in one second 74 are, before a report in which an emergency may
    have begun was not heard. The next one says so."""
    babbler = Babbler(monitor)
    for t in range(55):
        babbler.second(t, 7)
    babbler.second(55, 75, report_lost=True, distress=True)
    assert Outcome.INCONCLUSIVE in monitor.outcomes("3.2", A_TEXT)
    babbler.second(56, 7, distress=True)
    babbler.second(57, 7)
    assert not babbler.accused()


def test_a_report_that_comes_late_may_come_after_a_whole_emergency(monitor: Any) -> None:
    babbler = Babbler(monitor)
    for t in range(50):
        babbler.second(t, 7)
    for t in range(50, 56):
        babbler.second(t, 20, report_lost=True, distress=True)
    for t in range(56, 58):
        babbler.second(t, 7)
    assert not babbler.accused()


def test_a_report_of_the_next_session_tells_nothing_of_the_one_before(monitor: Any) -> None:
    babbler = Babbler(monitor)
    for t in range(55):
        babbler.second(t, 7)
    babbler.second(55, 75, report_lost=True, distress=True)
    babbler.a = Sender(monitor, A, session=2)
    for t in range(56, 58):
        babbler.second(t, 7)
    assert not babbler.accused()
