"""2.4: a frequency change that was acknowledged is carried out at its time.

The accused's own WILCO binds it, until its next one: so each breach asks that no ACK of it was unheard since then. What
is not proved yet waits for the next count of its ACKs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import JOIN_NS, Booked
from protocol.clauses.base import (
    BY_WORD,
    CALLS,
    EVERY_MESSAGE,
    OWN_DISTRESS,
    Tacit,
    World,
    address_text,
    unless_suspended,
)
from protocol.messages import (
    Ack,
    Emcon,
    Emergency,
    FrameKey,
    FrequencyChange,
    Hail,
    Ident,
    LostLink,
    MessageType,
    Phrase,
    Position,
    Result,
)
from protocol.terms import TuneTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.unsent import all_heard
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

ASKS = (Hail, FrequencyChange)
"""What an answer can agree to. Not a union: a tuple is looked through in less time."""
HALF_STEP_NS = seconds_ns(0.05)
"""Half a step of `effective_s`."""
WAITING = 64
"""Breaches of one station that wait for a count, at most: it should come in a second."""


class _Waiting(NamedTuple):
    """What is a breach if no ACK was unheard up to this number."""

    number: int
    finding: Finding


ALONE_NS = 20 * NS_PER_S


@dataclass(slots=True)
class _Bound:
    """What an aircraft has agreed to. It may be on the new channel from `early_ns`, and must be by `late_ns`."""

    ack: Booked
    change: Booked
    order: FrequencyChange
    early_ns: int
    late_ns: int
    known: int
    """Up to this number of its session every ACK was heard."""
    was_there: bool
    """Whether it reported on the channel that is left when it agreed."""
    waiting: list[_Waiting] = field(default_factory=list)


class CarriedOut:
    id = "2.4"
    title = "changes carried out"
    text = "A FREQUENCY_CHANGE answered with WILCO is carried out at its time, within {tolerance_s:g} s."
    instance = "each frame on one of the two channels of a change that was agreed to, outside the tolerance"
    proof = (
        "The station was heard to say WILCO to a change that was heard, no ACK of it was unheard since, and its frame "
        "is on the old channel after the time, or on the new one before it."
    )
    limits = (
        "To agree to a HAIL's CHANGE FREQUENCY or to another change, or to say UNABLE to this one afterwards, or to "
        "one that was not heard, ends it; so does a new session, a sign-off, or a silence that ends on the old "
        "channel. EMERGENCY and LOST LINK may be sent anywhere, calls and answers on guard, and an answer where its "
        "HAIL asks for it. The old channel is no breach if it is the change's fallback, nor from 20 s after the time "
        "on: who hears nobody comes back. Who had not last reported on the old channel when it agreed is not early on "
        "the new one."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: TuneTerms):
        self.world, self.terms = world, terms
        self.tolerance_ns = seconds_ns(terms.tolerance_s)
        self.passes = Tacit(self.id, world)
        self.asked: dict[FrameKey, Booked] = {}
        """HAILs and FREQUENCY_CHANGEs of the last ten minutes, in order of arrival."""
        self.bound: dict[int, _Bound] = {}
        self.reported: dict[int, Booked] = {}
        """Each aircraft's last POSITION."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, ASKS):
            self._remember(booked)
        bound = self.bound.get(source)
        if isinstance(message, Position):
            self.reported[source] = booked
        if bound is None:
            if isinstance(message, Ack) and source in self.world.flies:
                self._acknowledged(booked, message)
            return ()
        if bound.ack.account is not booked.account:
            return self._release(source)
        found = self._follow(bound, booked)
        if isinstance(message, Ack):
            return (*found, *self._answered(booked, message))
        is_over = isinstance(message, Ident) and message.sign_off
        is_over = is_over or (isinstance(message, Emcon) and message.resume_channel == bound.order.from_channel)
        return (*found, *self._release(source)) if is_over else found

    def _remember(self, booked: Booked) -> None:
        while self.asked and next(iter(self.asked.values())).at_ns < booked.at_ns - JOIN_NS:
            del self.asked[next(iter(self.asked))]
        self.asked.pop(booked.frame.key, None)
        self.asked[booked.frame.key] = booked

    def _answered(self, booked: Booked, ack: Ack) -> Iterable[Finding]:
        """An answer may end what bound its source before: another channel is agreed on, or this change is refused."""
        bound = self.bound.get(booked.frame.source)
        if bound is not None and not self._ends(bound, ack):
            return ()
        found = self._release(booked.frame.source)
        self._acknowledged(booked, ack)
        return found

    def _ends(self, bound: _Bound, ack: Ack) -> bool:
        asked = self.asked.get(_answered_key(ack))
        message = None if asked is None else asked.frame.message
        if ack.result is Result.WILCO and ack.answers_type is MessageType.HAIL:
            return not isinstance(message, Hail) or message.phrase is Phrase.CHANGE_FREQUENCY
        if ack.answers_type is not MessageType.FREQUENCY_CHANGE or ack.result not in (Result.WILCO, Result.UNABLE):
            return False
        if ack.result is Result.WILCO or asked is None or not isinstance(message, FrequencyChange):
            return True  # what was not heard may have been this change once more
        return asked.account is bound.change.account and message.serial == bound.order.serial

    def _acknowledged(self, booked: Booked, ack: Ack) -> None:
        change = self.asked.get(_answered_key(ack))
        if change is None or ack.result is not Result.WILCO or ack.answers_type is not MessageType.FREQUENCY_CHANGE:
            return
        order = change.frame.message
        if not isinstance(order, FrequencyChange) or order.from_channel == order.to_channel:
            return
        if order.addressee not in (None, booked.frame.source) or ack.read_back not in (None, order.to_channel):
            return
        after_ns = seconds_ns(order.effective_s)
        self.bound[booked.frame.source] = _Bound(
            booked,
            change,
            order,
            change.early_ns + after_ns - HALF_STEP_NS - self.tolerance_ns,
            # who agrees when it is late already has the tolerance from then on
            max(change.late_ns + after_ns + HALF_STEP_NS, booked.late_ns) + self.tolerance_ns,
            booked.number,
            self._was_on(order.from_channel, booked),
        )

    def _was_on(self, channel: int, ack: Booked) -> bool:
        """Whether the last POSITION before an answer surely was on a channel: none that was not heard came later."""
        report = self.reported.get(ack.frame.source)
        if report is None or report.account is not ack.account:
            return False
        on = report.frame.channel == report.heard.channel == channel
        return on and ack.account.unheard_between(report.number, ack.number) == 0

    def _follow(self, bound: _Bound, booked: Booked) -> Iterable[Finding]:
        """One more frame of an aircraft that is bound."""
        found = tuple(self._settle(bound, booked)) if bound.waiting else ()
        if booked.frame.source not in self.bound:
            return found
        if all_heard(booked.account, Ack, bound.known, booked.number):
            bound.known = booked.number
        finding = self._judge(bound, booked)
        if finding is None:
            return found
        if finding.outcome is not Outcome.FAIL:
            return (*found, finding)
        bound.waiting.append(_Waiting(booked.number, finding))
        return (*found, *self._settle(bound, booked))

    def _judge(self, bound: _Bound, booked: Booked) -> Finding | None:
        """What one frame says of the change: a breach if it is still in force, a pass, or nothing."""
        frame, order = booked.frame, bound.order
        channel = frame.channel
        if channel != booked.heard.channel or channel not in (order.from_channel, order.to_channel):
            return None
        if channel == order.from_channel:
            kept, broken = booked.late_ns < bound.early_ns, booked.early_ns > bound.late_ns
            # who hears nobody on the new channel so long after the time may have come back, however late it agreed
            comes_back_ns = bound.early_ns + self.tolerance_ns + ALONE_NS
            broken = broken and order.fallback != channel and booked.late_ns <= comes_back_ns
        else:
            kept = booked.early_ns > bound.late_ns
            broken = bound.was_there and booked.late_ns < bound.early_ns and booked.early_ns > bound.ack.late_ns
        # it has kept to this change only if it has surely not agreed to another since then
        if self._is_free(booked) or not (broken or (kept and bound.known == booked.number)):
            return None
        if broken:
            return self._breach(bound, booked)
        if booked.account.suspended(booked.number, booked.number):
            return Finding(self.id, address_text(frame.source), Outcome.EXCUSED, booked.at_ns, cause=Cause.DISTRESS)
        if self.passes.count(frame.source):
            return None
        return Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns)

    def _is_free(self, booked: Booked) -> bool:
        """Whether a frame may be sent on any channel: calls on guard, distress, an answer where it was asked for."""
        frame, message = booked.frame, booked.frame.message
        if isinstance(message, Emergency | LostLink):
            return True
        if frame.channel in self.world.guards:
            return type(message) in CALLS
        if not isinstance(message, Ack) or message.answers_type is not MessageType.HAIL:
            return False
        asked = self.asked.get(_answered_key(message))
        hail = None if asked is None else asked.frame.message
        return not isinstance(hail, Hail) or hail.reply_channel == frame.channel

    def _breach(self, bound: _Bound, booked: Booked) -> Finding:
        frame, order, source = booked.frame, bound.order, booked.frame.source
        due_ns = bound.early_ns + self.tolerance_ns
        away_s = abs(booked.early_ns - due_ns) / NS_PER_S
        when = "after" if booked.early_ns > due_ns else "before"
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a {frame.type.name} on channel {frame.channel} {away_s:.1f} s {when} the time of the change from "
            f"{order.from_channel} to {order.to_channel}, to which it said WILCO",
            evidence=(bound.change.id, bound.ack.id, booked.id),
            measured=round(away_s, 3),
            limit=self.terms.tolerance_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK),
        )
        return self.world.unless_troubled(finding, bound.ack.early_ns, booked.late_ns, source)

    def _settle(self, bound: _Bound, booked: Booked) -> Iterator[Finding]:
        """What a frame proves of those that wait; where an ACK surely was unheard, another change may be in force."""
        account = bound.ack.account
        while bound.waiting:
            number, finding = bound.waiting[0]
            proved = True if number <= bound.known else all_heard(account, Ack, bound.known, number)
            suspended = account.suspended(number, booked.number)
            # a POSITION that comes soon tells whether an emergency was flagged
            open_ = proved is None or (suspended is None and not isinstance(booked.frame.message, Position))
            if open_ and len(bound.waiting) <= WAITING:
                return
            del bound.waiting[0]
            yield unless_suspended(finding if proved else _unknown(finding), suspended)
            if not proved:
                bound.waiting.clear()
                self.bound.pop(account.source, None)

    def _release(self, source: int) -> Iterable[Finding]:
        """It is bound no more: the first of those that wait will not be proved."""
        bound = self.bound.pop(source, None)
        return () if bound is None else tuple(_unknown(w.finding) for w in bound.waiting[:1])

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for source in list(self.bound):
            yield from self._release(source)


def _unknown(finding: Finding) -> Finding:
    """A breach, if the change is still in force: an ACK that was not heard may have agreed to another."""
    return finding._replace(
        outcome=Outcome.INCONCLUSIVE,
        summary=f"{finding.summary}; but an ACK that was not heard may have agreed to another",
        cause=Cause.STATE_UNHEARD,
        assumptions=(),
    )


def _answered_key(ack: Ack) -> FrameKey:
    return FrameKey(ack.addressee, ack.answers_session, ack.answers_sequence)
