"""What the accused's own receipts prove under 7.3 though a CANCEL may not have been heard; and what they do not."""

from typing import Any

import pytest

from protocol.messages import Emergency, FrameKey, Intention, Nature, Severity
from protocol.verdicts import Outcome
from tests.protocol.traffic import A, B, C, Sender, hail

B_TEXT = "200001"
DISTRESS = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000, 1, 40, Intention.LAND, "TEST")


class Incident:
    """100001 is in distress from 5 s on; a report of its at 9 s is not heard, nor is a CANCEL. Its next EMERGENCY is
    heard at 20.5 s. 200001 calls somebody else."""

    def __init__(self, monitor: Any):
        self.monitor, self.a, self.b = monitor, Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.5})
        self.a.reports(0.1, 5.0)
        self.first = FrameKey(A, 1, self.a.send(5.5, DISTRESS))
        self.a.reports(6.1, 8.5)
        self.a.report(9.1, lost=True)
        self.cancel = FrameKey(A, 1, self.a.send(9.2, Emergency(1, Severity.CANCEL), lost=True))
        self.again = FrameKey(A, 1, self.a.send(9.3, DISTRESS, lost=True))

    def hears(self, *named: tuple[float, FrameKey | None], call_s: float) -> None:
        """200001 reports at these instants, and calls at one."""
        reports = [(at_s, key) for at_s, key in named if at_s < call_s]
        for at_s, key in reports:
            self.b.report(at_s, receipt=key)
        self.b.send(call_s, hail(C))
        for at_s, key in named[len(reports) :]:
            self.b.report(at_s, receipt=key)

    def outcomes(self) -> list[Outcome]:
        self.a.reports(18.1, 20.0)
        self.a.send(20.5, DISTRESS)
        self.monitor.close(30.0)
        found: list[Outcome] = self.monitor.outcomes("7.3", B_TEXT)
        return found


def test_who_names_the_same_emergency_before_and_after_its_frame_has_heard_no_cancel(monitor: Any) -> None:
    incident = Incident(monitor)
    incident.hears((6.3, incident.first), (9.8, incident.first), (14.5, incident.first), call_s=12.0)
    assert incident.outcomes() == [Outcome.FAIL]


def test_a_number_that_is_missing_may_be_the_cancel_where_no_receipt_says_otherwise(monitor: Any) -> None:
    incident = Incident(monitor)
    incident.hears((6.3, incident.first), (9.8, incident.first), call_s=12.0)
    assert incident.outcomes() == [Outcome.INCONCLUSIVE]


def test_a_report_may_wait_for_its_slot_longer_than_a_call(monitor: Any) -> None:
    """It was measured before the CANCEL came, and goes out after the call that came because of it."""
    incident = Incident(monitor)
    incident.hears((6.3, incident.first), (9.0, incident.first), (9.9, incident.first), call_s=9.6)
    assert incident.outcomes() == [Outcome.INCONCLUSIVE]


@pytest.mark.parametrize("between", [True, False])
def test_who_has_heard_the_cancel_may_call(monitor: Any, between: bool) -> None:
    """And hears afterwards that it begins anew; or somebody sends it the first EMERGENCY again."""
    incident = Incident(monitor)
    later = incident.first if between else incident.again
    incident.hears(
        (6.3, incident.first),
        (9.8, incident.cancel),
        (10.9, incident.cancel),
        (14.5, later),
        (15.5, later),
        call_s=12.0,
    )
    assert incident.outcomes() == [Outcome.INCONCLUSIVE]


@pytest.mark.parametrize("heard_s", [10.3, 11.5])
def test_who_has_just_heard_that_it_began_anew_may_have_called_before(make_monitor: Any, heard_s: float) -> None:
    """A call may be 2 s old when it goes out; the EMERGENCY is heard by the monitor here, which the first was, too."""
    monitor = make_monitor()
    a, b = Sender(monitor, A), Sender(monitor, B, where={"latitude_deg": 35.5})
    first = FrameKey(A, 1, a.send(5.5, DISTRESS))
    b.report(6.3, receipt=first)
    a.send(9.2, Emergency(1, Severity.CANCEL), lost=True)
    again = FrameKey(A, 1, a.send(heard_s - 0.2, DISTRESS))
    b.report(heard_s, receipt=again)
    b.send(12.0, hail(C))
    b.report(14.5, receipt=again)
    a.send(20.5, DISTRESS)
    assert monitor.outcomes("7.3", B_TEXT) == [Outcome.INCONCLUSIVE]


@pytest.mark.parametrize(("who", "session"), [(B, 1), (B, 2), (C, 1)])
def test_what_another_or_another_session_has_heard_says_nothing(monitor: Any, who: int, session: int) -> None:
    incident = Incident(monitor)
    other = incident.b if who == B else Sender(monitor, C)
    other.report(6.2, receipt=incident.first)
    incident.hears((6.3, incident.first), (9.8, incident.first), call_s=12.0)
    if session == 2:
        other = Sender(monitor, B, session=2)
    other.report(14.5, receipt=incident.first)
    assert incident.outcomes() == [Outcome.FAIL if (who, session) == (B, 1) else Outcome.INCONCLUSIVE]
