"""2.5: a call that stays unanswered goes through the channels in their order.

Whether a HAIL can have been unheard, the numbers tell, or else the caller's next count of HAILs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import COUNTS, JOIN_NS, Account, Booked
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, ByAccount, World, address_text, unless_suspended
from protocol.messages import Hail, Position, Watch
from protocol.terms import OrderTerms
from protocol.units import NS_PER_S
from protocol.unsent import all_heard, number_before
from protocol.verdicts import CLOCK, Finding, Outcome, Passes

AGAIN_NS = 60 * NS_PER_S
"""HAILs of one call come no further apart."""
CLOCK_NS = NS_PER_S // 10
"""More than the bounds of clocks and delays come to."""


@dataclass(slots=True)
class _Call:
    """The HAILs heard of one call: its first, its last, and the channels on which they were."""

    first: Booked
    last: Booked
    tried: set[int] = field(default_factory=set)


class _Waiting(NamedTuple):
    """A breach, if every HAIL from number `since` to that of `hail` was heard."""

    hail: Booked
    since: int
    finding: Finding


class InOrder:
    id = "2.5"
    title = "order of channels"
    text = "A call that stays unanswered is made on the channels in their order: {order}."
    instance = "each HAIL on a channel of the order"
    proof = (
        "A HAIL is on a later channel, and no HAIL of its call was on some earlier one: from 60 s before the call's "
        "first one heard, no HAIL of the station was unheard, by its numbers or its count."
    )
    limits = (
        "HAILs of one session to one addressee with one call id, no more than 60 s apart, are one call (if they leave "
        "more than 60 s for an answer, as much later); who starts anew begins anew."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = (Hail, Position, Watch)

    def __init__(self, world: World, terms: OrderTerms):
        self.world, self.order = world, terms.order
        self.calls: ByAccount[dict[tuple[int, int], _Call]] = ByAccount()
        """Those of the last ten minutes, by addressee and call id."""
        self.waiting: dict[Account, list[_Waiting]] = {}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        if isinstance(message, Hail) and booked.frame.source in self.world.talks:
            found = self._called(booked, message)
            return found if found is not None else self._settle(booked)
        return self._settle(booked) if booked.account in self.waiting else ()

    def _called(self, booked: Booked, hail: Hail) -> Iterable[Finding] | None:
        """What a HAIL says by itself; None if that must be proved first."""
        call = self._call(booked, hail)
        channel, heard_on = booked.frame.channel, booked.heard.channel
        before = set(call.tried)
        call.tried |= {channel, heard_on}
        if channel not in self.order or channel != heard_on:
            return ()
        earlier = self.order[: self.order.index(channel)]
        if before.issuperset(earlier):
            return (self._finding(Outcome.PASS, booked, call),)
        # one that began the call on time may have been sent a while before the first that was heard
        since_ns = call.first.early_ns - _again_ns(call.first) - self.world.longest_hold_ns - CLOCK_NS
        since = number_before(booked.account, since_ns)
        breach = self._finding(Outcome.FAIL, booked, call, earlier)
        breach = self.world.unless_troubled(breach, since_ns, booked.late_ns, booked.frame.source)
        self.waiting.setdefault(booked.account, []).append(_Waiting(booked, since, breach))
        return None

    def _call(self, booked: Booked, hail: Hail) -> _Call:
        if booked.account not in self.calls:
            self.calls.over(booked)
        calls = self.calls.setdefault(booked.account, {})
        for key in [key for key, call in calls.items() if call.last.at_ns < booked.at_ns - JOIN_NS]:
            del calls[key]
        call = calls.get((hail.addressee, hail.call_id))
        if call is None or booked.early_ns - call.last.late_ns > _again_ns(call.last):
            call = calls[hail.addressee, hail.call_id] = _Call(booked, booked)
        call.last = booked
        return call

    def _settle(self, booked: Booked) -> Iterator[Finding]:
        """What one more frame of the caller proves: the first count after a HAIL tells all that is ever told."""
        account, open_ = booked.account, []
        for waiting in self.waiting.pop(account, ()):
            proved = all_heard(account, Hail, waiting.since, waiting.hail.number)
            if proved is None and not isinstance(booked.frame.message, COUNTS):
                open_.append(waiting)
            else:
                yield self._told(waiting, bool(proved), booked.number)
        if open_:
            self.waiting[account] = open_

    def _told(self, waiting: _Waiting, proved: bool, until: int) -> Finding:
        account, hail, finding = waiting.hail.account, waiting.hail, waiting.finding
        if not proved:
            since_ns = hail.early_ns - AGAIN_NS
            finding = finding._replace(
                outcome=Outcome.INCONCLUSIVE,
                summary=f"{finding.summary}; but such a HAIL may not have been heard",
                assumptions=(),
            )
            finding = self.world.unheard(finding, since_ns, hail.late_ns, account.source)
        return unless_suspended(finding, self.world.suspended(account, hail.number, until))

    def _finding(self, outcome: Outcome, booked: Booked, call: _Call, left_out: tuple[int, ...] = ()) -> Finding:
        hail = booked.frame.message
        assert isinstance(hail, Hail)
        before = " or ".join(str(n) for n in left_out)
        told = f"call {hail.call_id} to {address_text(hail.addressee)} on channel {booked.frame.channel}, "
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=f"{told}and none on {before} before" if left_out else "",
            evidence=tuple(dict.fromkeys((call.first.id, booked.id))),
            assumptions=(*BY_WORD, CLOCK) if left_out else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for account, some in self.waiting.items():
            for waiting in some:
                yield self._told(waiting, False, account.last_number)


def _again_ns(booked: Booked) -> int:
    """How long after a HAIL the next one still belongs to the same call: who waits long for an answer calls late."""
    assert isinstance(booked.frame.message, Hail)
    reply_by_ns = booked.frame.message.reply_by_s * NS_PER_S
    return AGAIN_NS if reply_by_ns <= AGAIN_NS else AGAIN_NS + reply_by_ns
