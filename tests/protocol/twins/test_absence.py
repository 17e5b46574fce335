"""Twins of the clauses of absence: 1.4, 4.1. They try every way in which the unheard frames may have been sent."""

from itertools import pairwise
from random import Random

import pytest

from protocol.messages import Ident, Message, Position
from protocol.units import NS_PER_S
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A, B, ack, hail
from tests.protocol.twins.trace import IDENT, MORE, OTHER, REPORT, Sent, Trace, agree, counting, heard, judged, worlds

ALPHABET: tuple[Message, ...] = (REPORT, IDENT, hail(B), ack(B, 1), OTHER)
MOST_UNHEARD = 4


def drawn(random: Random, steps_s: tuple[float, ...], loss: float, kinds: tuple[Message, ...]) -> Trace:
    """A station that begins and ends with a POSITION; few frames of it are lost, or its worlds could not be counted."""
    at_s, trace, lost = 0.0, [Sent(0.0, A, 0, REPORT)], 0
    for _ in range(random.randrange(4, 11)):
        at_s += random.choice(steps_s)
        lose = random.random() < loss and lost < MOST_UNHEARD
        lost += lose
        trace.append(Sent(at_s, A, 0, random.choice(kinds), heard=not lose))
    trace.append(Sent(at_s + random.choice(steps_s), A, 0, REPORT))
    return counting(trace)


# ------------------------------------------------------------------ 4.1

REPORTS = agree(c4_1={"every_s": 1, "limit_s": 5})
LIMIT_S = 5.0


def keeps_reporting(world: Trace) -> bool:
    """The plain reading of 4.1: no two POSITIONs one after the other further apart than the limit."""
    times = [sent.at_s for sent in world if isinstance(sent.message, Position)]
    return all(b - a <= LIMIT_S for a, b in pairwise(times))


def expected_4_1(known: Trace) -> list[Outcome]:
    """From one heard POSITION to the next: all worlds keep it, none does, or some do."""
    places, found = [i for i, sent in enumerate(known) if isinstance(sent.message, Position)], []
    for i, j in pairwise(places):
        stretch = known[i : j + 1]
        if stretch[-1].at_s - stretch[0].at_s <= LIMIT_S:
            found.append(Outcome.PASS)
        elif any(keeps_reporting(world) for world in worlds(stretch, ALPHABET, (Position,))):
            found.append(Outcome.INCONCLUSIVE)
        else:
            found.append(Outcome.FAIL)
    return found


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
def test_4_1_fails_exactly_when_no_world_keeps_it(loss: float) -> None:
    random, seen = Random(f"4.1 {loss}"), set()
    for _ in range(150 * MORE):
        trace = drawn(random, (0.5, 1.0, 2.0, 2.5, 3.0, 4.5, 5.5), loss, (REPORT, REPORT, *ALPHABET))
        found = judged(trace, REPORTS, trace[-1].at_s + 1).outcomes("4.1", A_TEXT)
        assert found[-1] is Outcome.PENDING
        assert found[:-1] == expected_4_1(heard(trace)), trace
        seen |= set(found)
    assert seen == set(Outcome) - {Outcome.EXCUSED} - ({Outcome.INCONCLUSIVE} if not loss else set())


# ------------------------------------------------------------------ 1.4

IDENTIFIED = agree(c1_4={"every_s": 2, "limit_s": 6})
IDENT_S = 6.0


def keeps_identifying(world: Trace) -> bool:
    """The plain reading of 1.4: between the first and the last POSITION no longer without an IDENT."""
    ends = [sent.at_s for sent in world if isinstance(sent.message, Position)]
    idents = [sent.at_s for sent in world if isinstance(sent.message, Ident)]
    return all(b - a <= IDENT_S for a, b in pairwise(sorted([ends[0], *idents, ends[-1]])))


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
def test_1_4_fails_only_when_no_world_keeps_it(loss: float) -> None:
    random, fails = Random(f"1.4 {loss}"), 0
    alphabet = (IDENT, OTHER)  # what else was sent is the same to 1.4
    for _ in range(300 * MORE):
        trace = drawn(random, (0.5, 1.0, 1.5, 2.0, 3.0), loss, (REPORT, REPORT, IDENT, OTHER))
        found = judged(trace, IDENTIFIED, trace[-1].at_s + 1).outcomes("1.4", A_TEXT)
        if Outcome.FAIL in found:
            fails += 1
            assert not any(keeps_identifying(world) for world in worlds(heard(trace), alphabet, (Ident,))), trace
    assert fails > 10


@pytest.mark.parametrize("loss", [0.0, 0.4])
def test_1_4_proves_what_the_counts_alone_prove(loss: float) -> None:
    """Two heard POSITIONs with one count, further apart than the limit: a breach, whatever else was not heard."""
    random, breaches = Random(f"1.4 counts {loss}"), 0
    for _ in range(300 * MORE):
        trace = drawn(random, (0.5, 1.0, 1.5, 2.0, 3.0), loss, (REPORT, REPORT, REPORT, IDENT))
        reports = [(s.at_s, s.message.idents) for s in heard(trace) if isinstance(s.message, Position)]
        proved = any(c == d and b - a > IDENT_S for a, c in reports for b, d in reports)
        breaches += proved
        assert (Outcome.FAIL in judged(trace, IDENTIFIED, trace[-1].at_s + 1).outcomes("1.4", A_TEXT)) is proved, trace
    assert breaches > 20


def test_1_4_passes_only_between_idents_near_enough() -> None:
    """A pass names the POSITIONs around two IDENTs of the truth, and these are no further apart than the limit."""
    random, passes = Random("1.4 passes"), 0
    for _ in range(300 * MORE):
        trace = drawn(random, (0.5, 1.0, 1.5, 2.0), 0.3, (REPORT, REPORT, IDENT))
        known = heard(trace)
        for finding in judged(trace, IDENTIFIED, trace[-1].at_s + 1).findings:
            if finding.outcome is Outcome.PASS and finding.clause == "1.4":
                first, last = (known[int(name[3:]) - 1] for name in finding.evidence)
                idents = [
                    s.at_s for s in trace if isinstance(s.message, Ident) and first.number < s.number < last.number
                ]
                passes += 1
                assert len(idents) >= 2
                assert all(b - a <= IDENT_S for a, b in pairwise(idents))
                assert finding.at_ns % NS_PER_S == round(last.at_s * NS_PER_S) % NS_PER_S
    assert passes > 10
