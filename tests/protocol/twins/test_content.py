"""Twins of the clauses of which each frame is an instance by itself: 1.1, 1.3, 2.1, 2.2, 3.3, 4.2, 4.3.

Stations send in order; somebody records some of it, heard by the monitor or not, and sends it again later. What was
drawn says what each frame is: the twins know, where the judge has to find out.
"""

from collections import Counter
from random import Random
from typing import Any, NamedTuple

from protocol.messages import Ident, Message, Position
from protocol.verdicts import UNATTRIBUTED, Outcome
from tests.protocol.conftest import Monitor
from tests.protocol.traffic import A, B, position
from tests.protocol.twins.trace import ANNEXES, IDENT, MORE, OTHER, agree

STRANGER = 0x300001
TERMS = agree(c1_1={}, c1_3={}, c2_1={}, c2_2={}, c3_3={}, c4_2={}, c4_3={"slotted_ms": 1, "unslotted_ms": 200})
DIGEST = int(TERMS.digest()[:8], 16)
MESSAGES: tuple[Message, ...] = (
    position(),
    position(),
    OTHER,
    IDENT._replace(agreement=DIGEST),
    IDENT._replace(agreement=DIGEST ^ 1),
    IDENT._replace(agreement=DIGEST, guarded=frozenset({1})),
)
PASS, FAIL = Outcome.PASS, Outcome.FAIL
SPOILT = ("version", "range", "flags")


class Arrival(NamedTuple):
    """One frame at the monitor. `original`: its source sent it just now; `of`: the index of what was drawn."""

    at_s: float
    sent_s: float
    source: int
    number: int
    message: Message
    channel: int
    heard_on: int
    original: bool
    of: int
    raw: str = ""


def drawn(random: Random) -> list[Arrival]:
    """What arrives, in order. Both stations are heard once to begin with: else nothing of them could be used."""
    numbers = Counter({A: 1, B: 1})
    out = [Arrival(-1.0, -1.0, source, 0, position(), 1, 1, True, -source) for source in (A, B)]
    for i in range(random.randrange(8, 25)):
        source = random.choice((A, A, B, B, STRANGER))
        channel = random.choice((1, 1, 1, 2, 9))
        heard_on = channel if channel != 9 and random.random() < 0.9 else random.choice((1, 2))
        sent = Arrival(
            float(i),
            float(i),
            source,
            numbers[source],
            random.choice(MESSAGES),
            channel,
            heard_on,
            True,
            i,
            raw=random.choice(SPOILT) if random.random() < 0.1 else "",
        )
        numbers[source] += 1
        if random.random() < 0.8:
            out.append(sent)
        if random.random() < 0.2 and not sent.raw:
            out.append(sent._replace(at_s=i + random.choice((2.25, 8.25, 30.25)), original=False))
    return sorted(out, key=lambda arrival: arrival.at_s)


def heard(arrivals: list[Arrival]) -> Monitor:
    monitor = Monitor(TERMS, ANNEXES)
    for a in arrivals:
        how: dict[str, Any] = {"channel": a.channel, "heard_on": a.heard_on, "sent_s": a.sent_s, "raw": a.raw}
        monitor.hear(a.at_s, a.source, a.number, a.message, **how)
    monitor.close(100.0)
    return monitor


def name(source: int) -> str:
    return f"{source:06x}"


def in_distress_perhaps(arrivals: list[Arrival], a: Arrival) -> bool:
    """Whether unheard POSITIONs may have flagged an emergency: since the last POSITION heard something was not."""
    mine = [x for x in arrivals if x.source == a.source and x.original and not x.raw and x.number <= a.number]
    reports = [x.number for x in mine if isinstance(x.message, Position)]
    return not reports or len([x for x in mine if x.number >= max(reports)]) < a.number - max(reports) + 1


def expected(arrivals: list[Arrival]) -> Counter[tuple[str, str, Outcome]]:
    """The plain reading of each clause, frame by frame."""
    found: Counter[tuple[str, str, Outcome]] = Counter()
    newest: dict[int, int] = {}
    late: dict[int, int] = {}
    seen: set[int] = set()
    for a in arrivals:
        me = name(a.source)
        if a.raw:
            if a.source != STRANGER:
                found["3.3", UNATTRIBUTED if a.raw == "version" else me, Outcome.FAIL] += 1
            continue
        ahead = a.number > newest.get(a.source, -1)
        if a.original:
            newest[a.source] = a.number
        if a.source == STRANGER:
            found["1.1", UNATTRIBUTED, Outcome.FAIL] += 1
            continue
        mine = found_by_content(a, in_distress_perhaps(arrivals, a), ahead)
        mine["4.2"] = (UNATTRIBUTED, Outcome.FAIL) if a.of in seen else (me, Outcome.PASS) if a.original else None
        mine["4.3"] = (me, Outcome.PASS) if a.original else None
        if not a.original and ahead and a.number > late.get(a.source, -1):
            late[a.source] = a.number  # a time that is past is nobody's proof, and is told once for a number
            mine["4.3"] = (UNATTRIBUTED, Outcome.INCONCLUSIVE)
        seen.add(a.of)
        for clause, one in mine.items():
            if one:
                found[clause, *one] += 1
    return found


def found_by_content(a: Arrival, doubt: bool, ahead: bool) -> dict[str, tuple[str, Outcome] | None]:
    """What a frame says convicts its source if it was the first to send it, and nobody else ever."""
    me = name(a.source)
    passed = (me, Outcome.PASS) if a.original else None
    failed = (me, Outcome.FAIL) if a.original else (UNATTRIBUTED, Outcome.INCONCLUSIVE)
    suspended = (me, Outcome.INCONCLUSIVE) if a.original and doubt else failed
    found: dict[str, tuple[str, Outcome] | None] = {"1.1": passed, "3.3": passed, "2.1": passed}
    if isinstance(a.message, Ident):
        found["1.3"] = passed if a.message.agreement == DIGEST else failed
        found["2.2"] = passed if a.message.guarded == {1, 2, 3} else suspended
    if a.channel == 9:
        found["2.1"] = suspended if ahead else None
    elif a.channel != a.heard_on:
        found["2.1"] = (UNATTRIBUTED, Outcome.FAIL)
    return found


def test_each_frame_is_found_to_be_what_it_is() -> None:
    random, seen = Random("content"), set()
    for _ in range(200 * MORE):
        arrivals = drawn(random)
        found = Counter((f.clause, f.subject, f.outcome) for f in heard(arrivals).findings if f.clause != "4.4")
        assert found == expected(arrivals), "\n".join(map(str, arrivals))
        seen |= {(clause, outcome) for clause, _, outcome in found}
    both = {(clause, outcome) for clause in ("1.1", "1.3", "2.1", "2.2", "3.3", "4.2") for outcome in (PASS, FAIL)}
    assert seen >= both | {(clause, Outcome.INCONCLUSIVE) for clause in ("1.3", "2.1", "2.2", "4.3")}
