"""Short traces for the twins: what stations sent, what of it was heard, and all that may have been sent instead.

A *world* is a complete trace that sounds like the one that was heard: its holes are filled with frames of a small
alphabet. The plain reading of a clause judges worlds; the judge may accuse only if every world breaks the clause.
Times are seconds on a grid, so that no interval lies on a limit by less than the bounds of a time.
"""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, combinations_with_replacement, pairwise, product
from random import Random
from typing import Any, NamedTuple

from protocol.agreement import Agreement
from protocol.messages import Ack, Emitter, Hail, Ident, Intent, IntentKind, Message, Position, Watch
from protocol.units import NS_PER_S
from protocol.verdicts import Outcome
from tests.protocol.conftest import START_NS, Monitor, shipped_agreement, six_aircraft
from tests.protocol.traffic import A_TEXT, position

STEP_S = 0.5
MORE = int(os.environ.get("TWIN_DRAWS", "1"))
"""How many times as many traces to draw: many, by hand, after a clause was changed."""
OTHER = Intent(1, IntentKind.TRANSIT, 120)
"""A frame that no count tells of."""


class Sent(NamedTuple):
    """One frame as it was sent. `heard`: by the monitor, so much later, and on another channel than it names, if told.

    `quality` is that of its time.
    """

    at_s: float
    source: int
    number: int
    message: Message
    heard: bool = True
    intent: int = 0
    channel: int = 1
    session: int = 1
    quality: int = 3
    late_s: float = 0.0
    heard_on: int | None = None


Trace = list[Sent]


class Counting(NamedTuple):
    """What a session counted up to a frame, if the frame says so (None: it does not)."""

    idents: int | None
    hails: int | None
    acks: int | None


COUNTED: tuple[type[Message], ...] = (Ident, Hail, Ack)


def told(message: Message) -> Counting:
    """The counts in a message."""
    if isinstance(message, Position):
        return Counting(message.idents, message.hails, message.acks)
    if isinstance(message, Watch):
        return Counting(None, message.hails, message.acks)
    return Counting(None, None, None)


def counting(trace: Iterable[Sent]) -> Trace:
    """A trace, in order of time, with the numbers and counts that honest stations give their frames."""
    numbers: dict[int, int] = {}
    counts: dict[int, list[int]] = {}
    out: Trace = []
    for sent in trace:
        source, message = sent.source, sent.message
        number, count = numbers.get(source, 0), counts.setdefault(source, [0, 0, 0])
        if isinstance(message, Position):
            message = message._replace(idents=count[0], hails=count[1], acks=count[2])
        elif isinstance(message, Watch):
            message = message._replace(hails=count[1], acks=count[2])
        elif type(message) in COUNTED:
            count[COUNTED.index(type(message))] += 1
        numbers[source] = number + 1
        out.append(sent._replace(number=number, message=message))
    return out


def heard(trace: Trace, source: int | None = None) -> Trace:
    """What the monitor heard, of one station or of all."""
    return [sent for sent in trace if sent.heard and source in (None, sent.source)]


USUAL = {name: value for name, value in Sent._field_defaults.items() if name != "heard"}


def reports_of(some: Trace) -> list[tuple[Sent, Position]]:
    return [(s, s.message) for s in some if isinstance(s.message, Position)]


def shown(trace: Trace) -> str:
    """A trace for whoever has to understand it: when, number, kind, and the fields that are not as usual."""
    lines = []
    for sent in trace:
        usual = {Position: REPORT, Ident: IDENT}.get(type(sent.message))
        fields = {k: v for k, v in sent.message._asdict().items() if usual is None or getattr(usual, k) != v}
        also = [f"{name} {getattr(sent, name)}" for name, is_usual in USUAL.items() if getattr(sent, name) != is_usual]
        what = ", ".join([f"{type(sent.message).__name__} {fields}", *also])
        note = "" if sent.heard else " (not heard)"
        lines.append(f"{sent.at_s:6.1f} {sent.source:06x} #{sent.number} {what}{note}")
    return "\n" + "\n".join(lines)


def agree(**terms: dict[str, Any]) -> Agreement:
    """The shipped agreement with only these clauses, and 4.4; `c4_1={...}` changes the clause's numbers."""
    return _agree(tuple((name, tuple(numbers.items())) for name, numbers in terms.items()))


@lru_cache(maxsize=64)
def _agree(terms: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]) -> Agreement:
    whole = shipped_agreement().model_dump(by_alias=True, exclude_none=True)
    chosen = {name[1:].replace("_", "."): dict(numbers) for name, numbers in terms}
    whole["clause"] = {c: whole["clause"][c] | chosen.get(c, {}) for c in {*chosen, "4.4"}}
    return Agreement.model_validate(whole)


ANNEXES = six_aircraft()


def judged(trace: Trace, terms: Agreement, end_s: float) -> Monitor:
    """The verdicts on what was heard. The evidence `m1#3` is the third frame heard."""
    monitor = Monitor(terms, ANNEXES)
    for sent in sorted(heard(trace), key=lambda s: s.at_s + s.late_s):
        monitor.hear(
            sent.at_s + sent.late_s,
            sent.source,
            sent.number,
            sent.message,
            session=sent.session,
            intent=sent.intent,
            channel=sent.channel,
            heard_on=sent.heard_on,
            sent_s=sent.at_s,
            time_quality=sent.quality,
        )
    monitor.close(end_s)
    return monitor


def found_at(monitor: Monitor, clause: str) -> dict[float, Outcome]:
    """What was found of A's frames, by when they were heard."""
    mine = [f for f in monitor.findings if (f.clause, f.subject) == (clause, A_TEXT)]
    return {round((f.at_ns - START_NS) / NS_PER_S, 3): f.outcome for f in mine}


def replayed(random: Random, trace: Trace, share: float = 0.2, late_s: tuple[float, ...] = (1.5, 7.0, 20.0)) -> Trace:
    """A trace, and some of its frames once more: anybody has recorded them, and sends them on the same channel or on
    another. That the monitor has not heard one before changes nothing: it is too late."""
    again = [
        sent._replace(heard=True, late_s=random.choice(late_s), heard_on=random.choice((None, 1, 2, 3)))
        for sent in trace
        if random.random() < share
    ]
    return [*trace, *again]


def instants(from_s: float, until_s: float, step_s: float = STEP_S) -> list[float]:
    """The grid from one instant to another, both with it."""
    return [from_s + i * step_s for i in range(int((until_s - from_s) / step_s) + 1)]


def worlds(known: Trace, alphabet: tuple[Message, ...], timed: tuple[type[Message], ...] = ()) -> Iterator[Trace]:
    """All complete traces that sound like the frames of one session that were heard, and add up to its counts.

    Of `timed` messages every instant of the grid is tried; the time of the others says nothing.
    """
    gaps = list(pairwise(known))
    for drawn in product(*(product(alphabet, repeat=b.number - a.number - 1) for a, b in gaps)):
        if _adds_up(known, drawn):
            parts = product(*(list(_placed(a, b, some, timed)) for (a, b), some in zip(gaps, drawn, strict=True)))
            for part in parts:
                yield [known[0], *chain.from_iterable(part)]


def _adds_up(known: Trace, drawn: tuple[tuple[Message, ...], ...]) -> bool:
    """Whether the counts of what was heard are right if this was sent in between."""
    for which, kind in enumerate(COUNTED):
        began, count = set[int](), 0
        for sent, before in zip(known, ((), *drawn), strict=True):
            count += sum(isinstance(message, kind) for message in before)
            says = told(sent.message)[which]
            if says is not None:
                began.add(says - count)
            count += isinstance(sent.message, kind)
        if len(began) > 1 or any(not 0 <= count <= known[0].number for count in began):
            return False  # a session's counts begin with its numbers, at 0
    return True


def _placed(a: Sent, b: Sent, some: tuple[Message, ...], timed: tuple[type[Message], ...]) -> Iterator[Trace]:
    """All ways to send some messages between two heard frames, and the second of these."""
    placed = sum(isinstance(m, timed) for m in some)
    for times in combinations_with_replacement(instants(a.at_s, b.at_s), placed):
        at_s, left, part = a.at_s, list(times), []
        for i, message in enumerate(some):
            if isinstance(message, timed):
                at_s = left.pop(0)
            part.append(Sent(at_s, a.source, a.number + 1 + i, message, heard=False, session=a.session))
        yield [*part, b]


IDENT = Ident("TEST", Emitter.FIXED_WING, 0, frozenset({1, 2, 3}))
REPORT = position()
