"""Another program, for temporal logic of the past (reelay), says the same of the timing clauses 1.4, 4.1 and 5.1.

It knows no unknown, so every frame of these traces is heard. Time goes in ticks of a quarter of a second, each with
every field: it takes one that is left out for unchanged.
"""

from random import Random
from typing import Any

import pytest

from protocol.agreement import Agreement
from protocol.messages import Intent, IntentKind, Message, Position
from protocol.verdicts import Outcome
from tests.oracles import oracle
from tests.protocol.traffic import A_TEXT, A
from tests.protocol.twins.trace import IDENT, MORE, OTHER, REPORT, Sent, Trace, agree, counting, judged, shown

reelay = oracle("reelay")
TICKS_PER_S = 4
DECLARED = Intent(1, IntentKind.TRANSIT, 3600)


def holds(pattern: str, ticks: list[dict[str, bool]]) -> list[bool]:
    """The value of a formula at each tick. The program tells only changes."""
    monitor = reelay.discrete_timed_monitor(pattern=pattern)
    values, value = [], False
    for tick in ticks:
        value = monitor.update(tick).get("value", value)
        values.append(value)
    return values


def drawn(random: Random, kinds: tuple[Message, ...], steps_s: tuple[float, ...]) -> Trace:
    """One station, all of it heard, from POSITION to POSITION."""
    at_s, trace = 0.0, [Sent(0.0, A, 0, REPORT)]
    for _ in range(random.randrange(8, 20)):
        at_s += random.choice(steps_s)
        trace.append(Sent(at_s, A, 0, random.choice(kinds)))
    trace.append(Sent(at_s + 0.5, A, 0, REPORT))
    return counting(trace)


def ticks_of(trace: Trace) -> list[dict[str, bool]]:
    """What is so at each tick of a trace."""
    at = {round(sent.at_s * TICKS_PER_S): sent for sent in trace}
    out, count = [], -1
    for tick in range(round(trace[-1].at_s * TICKS_PER_S) + 1):
        sent = at.get(tick)
        message = sent.message if sent else None
        report = isinstance(message, Position)
        news = isinstance(message, Position) and message.idents != count
        count = message.idents if isinstance(message, Position) else count
        out.append({"report": report, "news": news, "bare": report and sent is not None and sent.intent == 0})
    return out


def ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_S)


REPORTS = agree(c4_1={"every_s": 1, "limit_s": 5})
IDENTIFIED = agree(c1_4={"every_s": 2, "limit_s": 6})
GRACE = agree(c5_1={"grace_s": 4})
STEPS_S = (0.5, 1.0, 2.0, 3.0, 4.5)


@pytest.mark.parametrize(
    ("clause", "terms", "kinds", "steps_s", "breach"),
    [
        # longer than 5 s without a POSITION
        ("4.1", REPORTS, (REPORT, OTHER), STEPS_S, f"not (once[0:{ticks(5)}]{{report}})"),
        # a POSITION whose count has been the same for longer than 6 s
        ("1.4", IDENTIFIED, (REPORT, REPORT, IDENT), (0.5, 1.0), f"{{report}} and not (once[0:{ticks(6)}]{{news}})"),
        # a POSITION without an INTENT in the air for longer than 4 s
        ("5.1", GRACE, (REPORT,), (0.5, 1.0), f"{{bare}} and historically[0:{ticks(4) + 1}]{{flies}}"),
    ],
)
def test_it_says_the_same(clause: str, terms: Agreement, kinds: Any, steps_s: Any, breach: str) -> None:
    random, seen = Random(f"reelay {clause}"), set()
    for _ in range(60 * MORE):
        trace = drawn(random, kinds, steps_s)
        if clause == "5.1":
            declares = random.randrange(1, len(trace) + 8)
            trace = [
                s._replace(intent=int(i >= declares), message=DECLARED if i == declares else s.message)
                for i, s in enumerate(trace)
            ]
        # before the first tick nothing flew: `historically` would hold there
        begin = [{"report": False, "news": False, "bare": False, "flies": False}]
        flown = [tick | {"flies": True} for tick in ticks_of(trace)]
        broken = any(holds(breach, begin + flown)[1:])
        failed = Outcome.FAIL in judged(trace, terms, trace[-1].at_s + 1).outcomes(clause, A_TEXT)
        assert failed is broken, shown(trace)
        seen.add(failed)
    assert seen == {True, False}
