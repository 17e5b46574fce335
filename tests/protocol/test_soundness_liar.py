"""One party says on the ground line whatever comes to its mind, at any time and dated anyhow: the other is accused of
nothing that it is not accused of without."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from protocol.messages import Emergency, Nature, Severity
from protocol.verdicts import Verdict
from tests.protocol.conftest import START_NS, shipped_agreement, six_aircraft
from tests.protocol.line_monitor import LineMonitor, manifest_of
from tests.protocol.traffic import A, B, hail, ident, position

DRONE = 0x200003
BEGINS_S, END_S = 6.0, 400.0
"""A date of before is believed in the first seconds, when the broker hands out what it had kept (8.2)."""
BOX = {"south_deg": 34.0, "north_deg": 36.0, "west_deg": 35.0, "east_deg": 37.0}
BOX |= {"floor_ft": 10_000.0, "ceiling_ft": 30_000.0}
PLAN = BOX | {"id": "q", "station": "200003", "from_s": -100.0, "until_s": 9000.0}
MAYDAY = Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 36.0, 20_000)


class World:
    """What happens, in order of time: an honest federation, and a coalition that lies if it is let."""

    def __init__(self, seed: int, *, lies: bool):
        self.random = Random(seed)
        self.line = LineMonitor(shipped_agreement(), six_aircraft(), START_NS)
        self.numbers: dict[tuple[int, int], int] = {}
        self.events: list[tuple[float, Callable[[float], object]]] = []
        self._honest()
        for _ in range(60 if lies else 0):
            self._lie(self.random.uniform(BEGINS_S, END_S - 5))

    def failed(self) -> set[tuple[str, str]]:
        """Of what the federation and its stations are accused."""
        for at_s, happens in sorted(self.events, key=lambda event: event[0]):
            happens(at_s)
        fails = {(t.clause, t.subject) for t in self.line.close(END_S + 100) if t.verdict is Verdict.FAIL}
        return {(c, s) for c, s in fails if s == "federation" or any(p[0] == "2" for p in s.split("/"))}

    def _number(self, source: int, session: int = 1) -> int:
        self.numbers[source, session] = self.numbers.get((source, session), -1) + 1
        return self.numbers[source, session]

    def _says(self, at_s: float, sender: str, kind: str, body: dict[str, Any], issued_s: float | None = None) -> None:
        self.events.append((at_s, lambda at_s: self.line.read(at_s, sender, kind, body, issued_s=issued_s)))

    def _sends(self, at_s: float, source: int, message: Any) -> None:
        self.events.append((at_s, lambda at_s: self.line.hear(at_s, source, self._number(source), message)))

    def _honest(self) -> None:
        self._says(0.1, "federation", "plan", PLAN, -7200.0)
        self._says(0.2, "coalition", "plan_answer", {"owner": "federation", "plan": "q", "result": "agreed"}, -7100.0)
        for at_s in range(1, 500, 20):
            self._says(at_s + 0.3, "federation", "heartbeat", {})
            self._says(at_s + 0.4, "monitor-mon-2", "heartbeat", {})
        for at_s in range(0, int(END_S), 2):
            self._sends(at_s + 0.5, B, position(latitude_deg=35.4))
            self._sends(at_s + 0.7, DRONE, position(latitude_deg=35.2))

    def _lie(self, at_s: float) -> None:
        random, said = self.random, self._says
        issued_s = at_s - random.choice([0.1, 0.1, 20, 200, 7200, -4.5])
        of_plan = {"owner": "federation", "plan": "q"}
        match random.randrange(9):
            case 0:
                area = BOX | {"id": f"a{random.randrange(3)}", "from_s": random.uniform(-5000, 300), "until_s": 9000.0}
                said(at_s, "coalition", "area", area, issued_s)
            case 1:
                name = f"c{random.randrange(2)}"
                said(at_s, "coalition", "call", {"id": name, "to": "federation", "text": "x"}, issued_s)
                said(at_s + 1, "federation", "answer", {"call": name, "to": "coalition", "text": "y"})
            case 2:
                report = {"what": "emergency", "stations": ["200001"], "at_s": at_s}
                said(at_s, "coalition", "incident", report, issued_s)
            case 3:
                self._sends(at_s, A, random.choice([hail(B), MAYDAY, position(), ident()]))
            case 4:
                self.events.append((at_s, lambda at_s: self._manifest(at_s, issued_s)))
            case 5:
                self.events.append((at_s, lambda at_s: self._of_others(at_s, issued_s)))
            case 6:
                said(at_s, "coalition", "plan_withdrawn", of_plan, issued_s)
            case 7:
                result = random.choice(["agreed", "refused"])
                said(at_s, "coalition", "plan_answer", of_plan | {"result": result}, issued_s)
            case _:
                self.line.cut_off(at_s, at_s + random.uniform(1, 30))

    def _manifest(self, at_s: float, issued_s: float) -> None:
        """Some of what its aircraft sent, and some that it did not send, of one of two sessions."""
        random, session = self.random, self.random.choice([1, 2])
        for _ in range(3):
            begin_s, number = at_s - random.uniform(0, 10), random.randrange(100)
            self.line.put_on_air(begin_s, A, number, random.choice([position(), hail(B), MAYDAY]), session=session)
        sent = [s for s in self.line.sent if s.frame[:2] == (A, session) and random.random() < 0.7]
        span = at_s - random.uniform(1, 60), at_s + random.choice([0, 0, 100])
        body = manifest_of("100001", *map(self.line.at, span), sent[-50:])
        self.line.read(at_s, "coalition", "manifest", body.model_dump(exclude_none=True), issued_s=issued_s)

    def _of_others(self, at_s: float, issued_s: float) -> None:
        """A manifest of the other party's aircraft."""
        sent = [s for s in self.line.sent if s.frame.source == B and self.random.random() < 0.5]
        body = manifest_of("200001", self.line.at(0), self.line.at(at_s), sent[:50])
        self.line.read(at_s, "coalition", "manifest", body.model_dump(exclude_none=True), issued_s=issued_s)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_one_party_says_the_other_is_accused_of_nothing_new(seed: int) -> None:
    assert World(seed, lies=True).failed() <= World(seed, lies=False).failed()
