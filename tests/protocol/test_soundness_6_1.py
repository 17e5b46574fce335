"""Ways in which a judge could accuse somebody innocent under 6.1. Each was tried; none may work."""

from typing import Any

from protocol.messages import (
    Position,
)
from protocol.verdicts import Verdict
from tests.protocol.traffic import A, B, Sender


def test_a_report_without_bound_does_not_undo_those_around_it(monitor: Any) -> None:
    a, b = Sender(monitor, A), Sender(monitor, B, where={"longitude_deg": 36.03})
    for t in range(20):
        a.report(t + 0.1, nic=0 if t == 9 else 8)
        b.report(t + 0.6)
    assert ("6.1", "100001/200001") in monitor.fails()


def test_height_alone_keeps_a_pair_apart(monitor: Any) -> None:
    a, b = Sender(monitor, A, where={"nic": 0}), Sender(monitor, B, where={"latitude_deg": None})
    for t in range(20):
        a.report(t + 0.1)
        b.report(t + 0.6, baro_altitude_ft=24_000)
    monitor.close(21.0)
    assert monitor.verdict("6.1", "100001/200001") is Verdict.PASS


def test_fields_that_are_not_available_accuse_nobody(monitor: Any) -> None:
    bare = Position()
    for t in range(70):
        monitor.hear(t + 0.0025, A, t, bare._replace(idents=t // 20), intent=1)
        monitor.hear(t + 0.1025, B, t, bare._replace(idents=t // 20), intent=1)
    monitor.close(71.0)
    assert monitor.fails() == []
