"""Ways in which a judge could accuse somebody innocent under 7.x. Each was tried; none may work."""

from typing import Any

import pytest

from protocol.messages import Emergency, Intention, Nature, Severity
from protocol.verdicts import Verdict
from tests.protocol.traffic import A_TEXT, A

DISTRESS = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000, 2, 40, Intention.DITCH, "TEST")

# ------------------------------------------------------------------ 7.1


@pytest.mark.parametrize("zero", ["latitude_deg", "longitude_deg", "altitude_ft", "souls", "endurance_min"])
def test_nothing_left_is_given_too(monitor: Any, zero: str) -> None:
    """Nobody aboard, no fuel, on the equator: 0 is a value."""
    monitor.hear(1.1, A, 0, DISTRESS._replace(**{zero: 0}))
    assert monitor.verdict("7.1", A_TEXT) is Verdict.PASS


def test_a_copy_accuses_once(monitor: Any) -> None:
    monitor.hear(1.1, A, 0, DISTRESS._replace(souls=None))
    monitor.hear(1.2, A, 0, DISTRESS._replace(souls=None))
    assert [c for c, _ in monitor.fails()].count("7.1") == 1
