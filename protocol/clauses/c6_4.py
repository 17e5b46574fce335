"""6.4: an answer is one that the phrase allows and reads back what must be read back, and what it promises is done."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.accounts import COUNTS, JOIN_NS, Booked
from protocol.bounds import left_area
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, World, address_text, unless_suspended
from protocol.clauses.manoeuvres import bounded, change, would_show
from protocol.clauses.words import allowed, is_right, to_read_back
from protocol.messages import Ack, Emergency, FrameKey, FrequencyChange, Hail, Phrase, Position, Result
from protocol.terms import PhraseTerms
from protocol.units import FT_M, NS_PER_S, seconds_ns
from protocol.unsent import all_heard, calls_from_ns, number_before
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

ASKS = frozenset({Hail, FrequencyChange, Emergency})
"""What is answered."""
MOVES = frozenset({Phrase.KEEP_CLEAR, Phrase.YOU_ARE_CLOSING})
"""Phrases whose WILCO is seen in the flight."""
NEAR_NS = 5 * NS_PER_S
"""The flight is known before a WILCO, and when its time is over, by reports no further away than this."""
NOTHING = 0.5
"""A change of more than this share of the bounds of two reports may be real, though they may be as wrong as that."""
CALL_NS = 60 * NS_PER_S
"""A call that is made again comes no later than this."""
KEPT = 64
"""Answers remembered of a station."""


@dataclass(slots=True)
class _Answer:
    """An ACK and what it answers, if that was heard. `references`: reports from before it, if its flight is judged."""

    ack: Booked
    asked: Booked | None
    right: bool
    due_ns: int
    references: list[Booked] = field(default_factory=list)
    straight: Booked | None = None
    """The last report from before it was called, if its flight is judged."""
    moves: bool = False
    seen: bool = False
    """A report was heard in the last seconds of its time."""
    unbounded: bool = False
    """A report bounded no velocity, or showed a change too small to be sure of."""
    settled: bool = False

    @property
    def message(self) -> Ack:
        assert isinstance(self.ack.frame.message, Ack)
        return self.ack.frame.message


class RightAnswer:
    id = "6.4"
    title = "right answers"
    text = (
        "An answer is one that the phrase allows and reads back what must be; a wrong one is put right, and a WILCO to "
        "keep clear is seen in the flight, within {limit_s:g} s."
    )
    instance = "each answer to a frame that was heard; each call that was answered with WILCO and asks to keep clear"
    proof = (
        "The ACK itself is no answer to the frame that it names, or reads back something else, and no unheard ACK can "
        "have put it right. Or, after a WILCO to keep clear, reports up to the end of the time show no other flight "
        "than before."
    )
    limits = (
        "A change is taken for nothing up to half of what two reports may be wrong, and for done beyond all of it; "
        "between, it is `no_bound`. A WILCO to a call that may have been answered with WILCO before, unheard, convicts "
        "nobody; two calls of two callers are two, and one that is made again after a start is the same. Of who flies "
        "slowly, or reports worse than NIC 7 and NACv 2, nothing is said. Who acts between the first call and "
        "its answer has done it; a HAIL of the caller that was not heard may have been the first, and what the first "
        "report after the time shows may have come in time: both leave it open."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: PhraseTerms):
        self.world, self.limit_s = world, terms.limit_s
        self.limit_ns = seconds_ns(terms.limit_s)
        self.altimetry_m = world.agreement.bounds.altimetry_ft * FT_M
        self.asked: dict[FrameKey, Booked] = {}
        """What can be answered, in order of arrival."""
        self.before: dict[FrameKey, Booked] = {}
        """By call to keep clear, the last report of the one called before it."""
        self.answers: dict[int, deque[_Answer]] = {}
        self.open: dict[int, list[_Answer]] = {}
        """By station, what is not settled yet; no empty lists."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, Ack):
            found = tuple(self._answered(booked, message))
            return (*found, *self._go_on(booked, message)) if source in self.open else found
        if type(message) in ASKS:
            self._ask(booked)
        return tuple(self._go_on(booked, message)) if source in self.open else ()

    def _ask(self, booked: Booked) -> None:
        before_ns = booked.at_ns - JOIN_NS
        while self.asked and next(iter(self.asked.values())).at_ns < before_ns:
            self.before.pop(next(iter(self.asked)), None)
            del self.asked[next(iter(self.asked))]
        self.asked.pop(booked.frame.key, None)
        self.asked[booked.frame.key] = booked
        message = booked.frame.message
        if isinstance(message, Hail) and message.phrase in MOVES:
            mine = [a for a in self.world.accounts.values() if a.source == message.addressee and a.reports]
            if mine:
                self.before[booked.frame.key] = max(mine, key=lambda a: a.last_at_ns).reports[-1]

    def _asked(self, booked: Booked, ack: Ack) -> Booked | None:
        """The frame that an ACK answers, if it was heard and asked its source."""
        asked = self.asked.get(FrameKey(ack.addressee, ack.answers_session, ack.answers_sequence))
        if asked is None or asked.frame.type is not ack.answers_type:
            return None
        addressee = getattr(asked.frame.message, "addressee", None)
        return asked if addressee in (None, booked.frame.source) else None

    def _answered(self, booked: Booked, ack: Ack) -> Iterator[Finding]:
        if booked.frame.source not in self.world.talks:
            return
        asked = self._asked(booked, ack)
        right = asked is not None and is_right(asked, ack)
        new = _Answer(booked, asked, right, booked.late_ns + self.limit_ns)
        others = self.answers.setdefault(booked.frame.source, deque(maxlen=KEPT))
        while others and others[0].ack.at_ns < booked.at_ns - JOIN_NS:
            others.popleft()
        same = [other for other in others if _is_same(other, new)]
        others.append(new)
        if asked is None:
            return
        if not right:
            self.open.setdefault(booked.frame.source, []).append(new)
            return
        for other in same:
            took_back = not other.moves or ack.result is not Result.WILCO
            if not other.settled and took_back and booked.early_ns <= other.due_ns:
                yield self._settle(other, Outcome.PASS, booked)
        if not self._moves(asked, ack, booked):
            yield self._settle(new, Outcome.PASS)
        elif any(other.moves for other in same):
            new.settled = True  # it has said so before, and has perhaps done it
        else:
            self._promise(new, asked)

    def _moves(self, asked: Booked, ack: Ack, booked: Booked) -> bool:
        """Whether an answer promises what is seen in the flight."""
        message = asked.frame.message
        if not isinstance(message, Hail) or message.phrase not in MOVES or ack.result is not Result.WILCO:
            return False
        return booked.frame.source in self.world.flies

    def _promise(self, new: _Answer, asked: Booked) -> None:
        # it may have acted before it answered, and on the call when it was made first
        same = [a for a in self.asked.values() if _is_same_call(a, asked) and a.early_ns >= asked.early_ns - CALL_NS]
        first = min(same, key=lambda a: a.early_ns)
        before = self.before.get(first.frame.key)
        since_ns = min(new.ack.early_ns - NEAR_NS, first.early_ns)
        new.moves = True
        new.straight = before if before and before.late_ns >= first.early_ns - NEAR_NS else None
        new.references = [r for r in new.ack.account.reports if r.late_ns >= since_ns]
        self.open.setdefault(new.ack.frame.source, []).append(new)

    def _go_on(self, booked: Booked, message: object) -> Iterator[Finding]:
        """A frame of a station whose answers are not settled yet."""
        source = booked.frame.source
        for answer in self.open[source]:
            if answer.settled or answer.ack is booked or answer.ack.account is not booked.account:
                continue
            if answer.moves:
                yield from self._flown(answer, booked, message)
            elif booked.early_ns > answer.due_ns:
                yield from self._not_put_right(answer, booked, isinstance(message, COUNTS))
        left = [a for a in self.open[source] if not a.settled]
        if left:
            self.open[source] = left
        else:
            del self.open[source]

    def _not_put_right(self, answer: _Answer, booked: Booked, counts: bool) -> Iterator[Finding]:
        """The time for another answer is over, and none was heard that is right."""
        account = booked.account
        sure = account.unheard_between(answer.ack.number, booked.number) == 0
        if not sure and not counts:
            return  # the next count says more
        sure = sure or account.unheard_acks(answer.ack.early_ns, account.counts[-1]) == 0
        if sure and not self._may_answer_the_same(answer):
            yield self._fail(answer, booked, self._what_is_wrong(answer), (booked.id,))
        else:
            yield self._unsure(answer, booked.at_ns, Cause.FRAME_LOST)

    @staticmethod
    def _may_be_put_right(answer: _Answer) -> bool:
        """Whether another answer may have been sent since, and was not heard."""
        ack, account = answer.ack, answer.ack.account
        if account.unheard_between(ack.number, account.last_number) == 0:
            return False
        return not account.counts or account.unheard_acks(ack.early_ns, account.counts[-1]) != 0

    def _may_answer_the_same(self, answer: _Answer) -> bool:
        """Whether another answer named a frame that was not heard, and that may have been of the same call. Of one
        that promises a flight that matters: a promise before it, or taking it back."""
        mine = answer.message[:2], answer.message.answers_type
        return any(
            other.asked is None
            and (other.message[:2], other.message.answers_type) == mine
            and abs(other.ack.at_ns - answer.ack.at_ns) <= self.limit_ns + CALL_NS
            and not _is_of_an_earlier_call(other.message, answer)
            and not (answer.moves and (other.ack.at_ns < answer.ack.at_ns) != (other.message.result is Result.WILCO))
            for other in self.answers[answer.ack.frame.source]
        )

    def _flown(self, answer: _Answer, booked: Booked, message: object) -> Iterator[Finding]:
        if booked.early_ns > answer.due_ns + NEAR_NS:
            yield self._not_done(answer, booked.at_ns, None)
            return
        if not isinstance(message, Position) or booked.early_ns < answer.ack.early_ns:
            return
        if not message.airborne or left_area(message, self.world.annexes.area):
            yield self._settle(answer, Outcome.PASS, booked)
            return
        late = booked.early_ns > answer.due_ns
        answer.seen |= answer.due_ns - NEAR_NS <= booked.early_ns and not late
        shown = self._shown(answer, booked)
        if shown > 1 and not late:
            yield self._settle(answer, Outcome.PASS, booked)
            return
        answer.unbounded |= shown > NOTHING
        if late:  # the first report after its time: it may have acted since the one before
            yield self._not_done(answer, booked.at_ns, booked)

    def _shown(self, answer: _Answer, booked: Booked) -> float:
        """The greatest change that a report shows, in parts of what may be wrong; 0 if it bounds nothing."""
        here = bounded(self.world, booked)
        if here is None:
            answer.unbounded = True
            return 0.0
        answer.unbounded |= not would_show(here)
        references = (*((answer.straight,) if answer.straight else ()), *answer.references)
        before = (bounded(self.world, r) for r in references)
        return max((change(here, was, self.altimetry_m) for was in before if was), default=0.0)

    def _not_done(self, answer: _Answer, at_ns: int, last: Booked | None) -> Finding:
        """The time is over, and no report showed another flight than before."""
        near_ns = answer.ack.early_ns - NEAR_NS
        near = [r for r in answer.references if r.late_ns >= near_ns]
        if not near or not answer.seen or not answer.straight:
            return self._unsure(answer, at_ns, Cause.FRAME_LOST)
        fixes = [fix for r in near if (fix := bounded(self.world, r))]
        if answer.unbounded or not any(map(would_show, fixes)):
            return self._unsure(answer, at_ns, Cause.NO_BOUND)
        asked = answer.asked
        if last is None or asked is None:
            return self._unsure(answer, at_ns, Cause.FRAME_LOST)
        since = number_before(last.account, _made_from_ns(asked))
        known = all_heard(last.account, Ack, since, last.number) and not self._may_answer_the_same(answer)
        if not known or self._may_be_called_before(answer, asked.early_ns - CALL_NS):
            return self._unsure(answer, at_ns, Cause.FRAME_LOST)
        told = f"no report shows that it did what it answered WILCO to for {self.limit_s:g} s"
        return self._fail(answer, last, told, (*(r.id for r in near[-1:]), last.id))

    def _may_be_called_before(self, answer: _Answer, since_ns: int) -> bool:
        """Whether the call may have been made before, unheard, and acted on; or acted on before a start."""
        assert answer.asked is not None
        account = answer.asked.account
        later = next((c for c in account.counts if c.number > answer.asked.number), None)
        if later is None or account.unheard_hails_since(since_ns, later) != 0:
            return True
        mine = (answer.ack.account, account)
        return any(
            a.source == b.source and a is not b and a.last_at_ns >= since_ns
            for a in self.world.accounts.values()
            for b in mine
        )

    def _what_is_wrong(self, answer: _Answer) -> str:
        assert answer.asked is not None
        asked, ack = answer.asked.frame.message, answer.message
        to = asked.phrase.name if isinstance(asked, Hail) else answer.asked.frame.type.name
        if ack.result in allowed(asked):
            return f"its WILCO to {to} reads back {ack.read_back}, not {to_read_back(asked)}, and was not put right"
        return f"{ack.result.name} is no answer to {to}, and was not put right"

    def _settle(self, answer: _Answer, outcome: Outcome, by: Booked | None = None) -> Finding:
        answer.settled = True
        answer.references = []
        assert answer.asked is not None
        return Finding(
            clause=self.id,
            subject=address_text(answer.ack.frame.source),
            outcome=outcome,
            at_ns=(by or answer.ack).at_ns,
            evidence=(answer.asked.id, answer.ack.id) if by is None else (answer.asked.id, answer.ack.id, by.id),
        )

    def _fail(self, answer: _Answer, last: Booked, summary: str, evidence: tuple[str, ...]) -> Finding:
        finding = self._settle(answer, Outcome.FAIL)
        finding = finding._replace(
            at_ns=last.at_ns,
            summary=summary,
            evidence=(*finding.evidence, *evidence),
            assumptions=(*BY_WORD, CLOCK, BOUNDS) if answer.moves else (*BY_WORD, CLOCK),
        )
        ack = answer.ack
        # who sends no reports flags no emergency
        flies = ack.frame.source in self.world.flies
        finding = unless_suspended(finding, ack.account.suspended(ack.number, last.number) if flies else False)
        return self.world.unless_troubled(finding, ack.early_ns, answer.due_ns, ack.frame.source)

    def _unsure(self, answer: _Answer, at_ns: int, cause: Cause) -> Finding:
        ack = answer.ack
        told = "whether it did what it answered WILCO to" if answer.moves else self._what_is_wrong(answer)
        told += " is not known" if answer.moves else " by any answer heard"
        finding = self._settle(answer, Outcome.INCONCLUSIVE)._replace(at_ns=at_ns, summary=told, cause=cause)
        if cause is Cause.FRAME_LOST:
            finding = self.world.unheard(finding, ack.early_ns, answer.due_ns, ack.frame.source)
        return unless_suspended(finding, ack.account.suspended(ack.number, ack.number) or False)

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for answers in self.open.values():
            for answer in answers:
                if answer.settled:
                    continue
                if end_ns <= answer.due_ns and (answer.moves or not self._may_be_put_right(answer)):
                    yield self._settle(answer, Outcome.PENDING)._replace(at_ns=end_ns)
                else:
                    yield self._unsure(answer, end_ns, Cause.FRAME_LOST)


def _is_same(a: _Answer, b: _Answer) -> bool:
    """Whether two answers are to the same frame or call."""
    return a.asked is not None and b.asked is not None and _is_same_call(a.asked, b.asked)


def _is_same_call(a: Booked, b: Booked) -> bool:
    """Whether two frames are one, or of one call: who calls again after a start, under the same number, means the
    same."""
    x, y = a.frame.message, b.frame.message
    if a is b or a.frame.source != b.frame.source:
        return a is b
    if isinstance(x, Hail) and isinstance(y, Hail):
        return (x.call_id, x.addressee) == (y.call_id, y.addressee)
    return isinstance(x, FrequencyChange) and isinstance(y, FrequencyChange) and x.serial == y.serial


def _is_of_an_earlier_call(ack: Ack, answer: _Answer) -> bool:
    """Whether what an ACK answers was sent so long before what another answers that they are not one call."""
    assert answer.asked is not None
    passed_ns = answer.asked.account.passed_ns(ack.answers_sequence)
    return passed_ns is not None and answer.asked.early_ns - passed_ns[1] > CALL_NS


def _made_from_ns(asked: Booked) -> int:
    """From when on its caller can have made this call."""
    hail = asked.frame.message
    assert isinstance(hail, Hail)
    call = hail.addressee, hail.call_id
    since_ns = asked.early_ns - CALL_NS
    made_ns = calls_from_ns(asked.account, since_ns, asked.number, lambda h: (h.addressee, h.call_id) == call)
    return since_ns if made_ns is None else made_ns
