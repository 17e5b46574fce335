"""The twin of 0.1: which worlds suspend a station's duties, against what the books say of it (`Account.suspended`).

A station declares INTENTs one serial after the other, lets them lapse, and flags emergencies in its POSITIONs.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import EmergencyState, Intent, IntentKind, Message, Position
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A
from tests.protocol.twins.trace import IDENT, MORE, REPORT, Sent, Trace, agree, heard, judged, shown

BRIEF_S = 5.0
"""The limit of proof: nothing comes and goes in so short a time."""
TERMS = agree(c0_1={}, c2_2={})
MAYDAY = REPORT._replace(emergency=EmergencyState.GENERAL)
MOVES = ("report", "mayday", "transit", "avoid", "other")
MOST_UNHEARD = 3


class State(NamedTuple):
    """Of a station after a frame. `serial` is the last one declared, in force or not."""

    serial: int = 0
    in_force: bool = False
    avoids: bool = False
    distress: bool = False

    @property
    def suspended(self) -> bool:
        return self.distress or (self.in_force and self.avoids)

    def after(self, move: str, lapses: bool) -> "State":
        before = self._replace(in_force=False) if lapses else self
        if move in ("transit", "avoid"):
            return before._replace(serial=self.serial + 1, in_force=True, avoids=move == "avoid")
        return before._replace(distress=move == "mayday") if move in ("report", "mayday") else before

    def frame(self, move: str) -> tuple[Message, int]:
        """What a station in this state has just sent, and the serial in its header."""
        kind = IntentKind.AVOID if self.avoids else IntentKind.TRANSIT
        declared = Intent(self.serial, kind, 120)
        message = {"report": REPORT, "mayday": MAYDAY, "other": IDENT}.get(move, declared)
        return message, self.serial if self.in_force else 0


def drawn(random: Random, loss: float) -> tuple[Trace, list[State]]:
    """A station from its first frame on, and its states."""
    trace: Trace = []
    states: list[State] = []
    state, at_s, lost = State(), 0.0, 0
    for number in range(random.randrange(4, 10)):
        move = random.choice(("report", "report", "report", *MOVES))
        state = state.after(move, random.random() < 0.15)
        message, serial = state.frame(move)
        lose = random.random() < loss and lost < MOST_UNHEARD
        lost += lose
        at_s += random.choice((0.5, 1.0, 2.0, 6.0))
        trace.append(Sent(at_s, A, number, message, heard=not lose, intent=serial))
        states.append(state)
    return trace, states


def fits(state: State, sent: Sent) -> bool:
    """Whether a station may be in this state when it has sent what was heard."""
    message = sent.message
    if sent.intent != (state.serial if state.in_force else 0):
        return False
    if isinstance(message, Intent):
        return state.avoids is (message.kind is IntentKind.AVOID) and state.serial == message.serial
    return not isinstance(message, Position) or state.distress is (message.emergency is not EmergencyState.NONE)


def move_of(message: Message) -> str:
    """What a heard frame did."""
    if isinstance(message, Intent):
        return "avoid" if message.kind is IntentKind.AVOID else "transit"
    if isinstance(message, Position):
        return "report" if message.emergency is EmergencyState.NONE else "mayday"
    return "other"


def worlds(known: Trace) -> Iterator[list[tuple[Sent | None, State]]]:
    """All ways in which frames that were not heard may have changed the state; None: not heard."""
    last = known[-1].number
    by_number = {sent.number: sent for sent in known}

    def on(
        number: int, state: State, so_far: list[tuple[Sent | None, State]]
    ) -> Iterator[list[tuple[Sent | None, State]]]:
        if number > last:
            yield so_far
            return
        sent = by_number.get(number)
        moves = MOVES if sent is None else (move_of(sent.message),)
        for move, lapses in product(moves, (False, True)):
            if lapses and not state.in_force:
                continue
            after = state.after(move, lapses)
            if sent is None or fits(after, sent):
                yield from on(number + 1, after, [*so_far, (sent, after)])

    yield from on(0, State(), [])


def brief(world: list[tuple[Sent | None, State]]) -> bool:
    """Whether something comes and goes in it that the limits of proof say does not: an avoidance between two heard
    frames, back to no INTENT; an emergency between two heard POSITIONs."""
    for report, is_on in ((False, lambda s: s.in_force and s.avoids), (True, lambda s: s.distress)):
        ends = [i for i, (s, _) in enumerate(world) if s and (not report or isinstance(s.message, Position))]
        for i, j in pairwise(ends):
            a, b = world[i][0], world[j][0]
            assert a
            assert b
            over = not is_on(world[j][1]) and not is_on(world[i][1]) and (report or not world[j][1].in_force)
            if over and b.at_s - a.at_s <= BRIEF_S and any(is_on(state) for _, state in world[i + 1 : j]):
                return True
    return False


def ranges(known: Trace) -> Iterator[tuple[int, int]]:
    """What clauses ask for: one frame, or from one POSITION to another."""
    for i, sent in enumerate(known):
        yield sent.number, sent.number
        for other in known[i + 1 :]:
            if isinstance(sent.message, Position) and isinstance(other.message, Position):
                yield sent.number, other.number


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
def test_duties_are_known_to_hold_only_where_no_world_suspends_them(loss: float) -> None:
    random, seen = Random(f"0.1 {loss}"), set()
    for _ in range(200 * MORE):
        trace, _ = drawn(random, loss)
        known = heard(trace)
        if not known:
            continue
        account = judged(trace, TERMS, 100.0).judge.teller.books.accounts[A, 1]
        all_worlds = [w for w in worlds(known) if not brief(w)]
        for first, last in ranges(known):
            held = {any(state.suspended for _, state in world[first : last + 1]) for world in all_worlds}
            said = account.suspended(first, last)
            seen.add(said)
            if said is False:
                assert held == {False}, (first, last, shown(known))
            if said:  # whoever was in distress when last heard is taken to be still
                assert True in held, (first, last, shown(known))
            reported = any(isinstance(sent.message, Position) for sent in known if sent.number <= first)
            assert loss or not reported or {said} == held, (first, last, shown(known))
    assert seen == {True, False, None}


def test_0_1_shows_who_made_use_of_it() -> None:
    random = Random("0.1 shown")
    for _ in range(200 * MORE):
        trace, _ = drawn(random, 0.3)
        known = heard(trace)
        flags = [s.message.emergency is not EmergencyState.NONE for s in known if isinstance(s.message, Position)]
        rises = sum(b and not a for a, b in pairwise([False, *flags]))
        avoids = sum(isinstance(s.message, Intent) and s.message.kind is IntentKind.AVOID for s in known)
        found = judged(trace, TERMS, 100.0).outcomes("0.1", A_TEXT)
        assert found == [Outcome.EXCUSED] * (rises + avoids)
