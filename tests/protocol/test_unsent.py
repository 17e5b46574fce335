"""From when on a session can have made calls that were not heard, against all that it truly sent."""

from random import Random
from typing import Any

import pytest

from protocol.messages import Hail
from protocol.unsent import calls_from_ns, unheard_from_ns
from tests.protocol.conftest import START_NS
from tests.protocol.traffic import A, B, C, Sender, ack, hail

SECOND_NS = 1_000_000_000


class Flight:
    """40 s of reports, calls and answers by chance; `sent` has the calls: when, which, heard or not, to whom."""

    def __init__(self, monitor: Any, random: Random, loss: float, number: int):
        self.sender = Sender(monitor, A, number=number)
        self.sent: list[tuple[float, int, bool, int]] = []
        self.last = number
        for t in range(40):
            for at_s in (t + 0.1, t + 0.5):
                kind = random.choice(("report", "report", "hail", "ack"))
                lost, to = random.random() < loss, random.choice((B, C))
                if kind == "report":
                    self._keep(self.sender.report(at_s, lost=lost), lost)
                elif kind == "ack":
                    self._keep(self.sender.send(at_s, ack(B, 1), lost=lost), lost)
                else:
                    sent = self._keep(self.sender.send(at_s, hail(to), lost=lost), lost)
                    self.sent.append((at_s, sent, not lost, to))

    def _keep(self, number: int, lost: bool) -> int:
        self.last = self.last if lost else number
        return number


@pytest.mark.parametrize("number", [0, 7000])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(12))
def test_no_call_is_older_than_what_is_said(monitor: Any, seed: int, loss: float, number: int) -> None:
    random = Random(f"{seed} {loss} {number}")
    flight = Flight(monitor, random, loss, number)
    account = monitor.judge.world.accounts[A, 1]
    for since_s in (0.05, 12.3, 30.7):
        since_ns = START_NS + round(since_s * SECOND_NS)
        calls = [c for c in flight.sent if c[0] > since_s and c[1] <= flight.last]
        unheard = [START_NS + round(at_s * SECOND_NS) for at_s, _, heard, _ in calls if not heard]
        to_b = [START_NS + round(at_s * SECOND_NS) for at_s, _, heard, to in calls if not heard or to == B]
        told = unheard_from_ns(account, Hail, since_ns, flight.last)
        made = calls_from_ns(account, since_ns, flight.last, lambda h: h.addressee == B)
        assert not unheard or (told is not None and told <= min(unheard))
        assert not to_b or (made is not None and made <= min(to_b))
        assert told is None or told >= since_ns
        if not loss and number == 0:
            assert told is None
            assert (made is None) is (not to_b)


def test_only_the_stretch_in_which_one_may_be_missing_counts(monitor: Any) -> None:
    """Reports are lost all the time, and one call at 20.5 s: it came after the report at 20 s."""
    sender = Sender(monitor, A)
    for t in range(40):
        sender.report(t + 0.1, lost=t % 3 == 1)
        if t in (10, 20, 30):
            sender.send(t + 0.5, hail(B), lost=t == 20)
    account = monitor.judge.world.accounts[A, 1]
    told = unheard_from_ns(account, Hail, START_NS, sender.number - 1)
    assert told is not None
    assert 18.0 < (told - START_NS) / SECOND_NS < 20.5
