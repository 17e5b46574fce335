"""2.5: a call that stays unanswered goes through the channels in their order.

Whether a HAIL can have been unheard, the numbers tell, or else the caller's next count of HAILs. An unheard HAIL can
explain one call: of more such calls than unheard HAILs, one is a breach.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import COUNTS, JOIN_NS, Account, Booked
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, ByAccount, World, address_text, unless_suspended
from protocol.messages import Hail, Position, Watch
from protocol.terms import OrderTerms
from protocol.units import NS_PER_S
from protocol.unsent import all_heard, most_unheard, number_before
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
    until: int | None = None
    """The number up to which 0.1 may suspend it, once the HAILs are accounted for."""

    @property
    def call(self) -> tuple[int, int]:
        """Its addressee and call id."""
        hail = self.hail.frame.message
        assert isinstance(hail, Hail)
        return hail.addressee, hail.call_id


class InOrder:
    id = "2.5"
    title = "order of channels"
    text = "A call that stays unanswered is made on the channels in their order: {order}."
    instance = "each HAIL on a channel of the order"
    proof = (
        "A HAIL is on a later channel, and no HAIL of its call was on some earlier one: from 60 s before the call's "
        "first one heard, no HAIL of the station was unheard, by its numbers or its count, or fewer than there are "
        "such calls."
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
        self.doubtful: ByAccount[list[_Waiting]] = ByAccount()
        """Those that a HAIL which was not heard may explain, of the last ten minutes."""

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
            self.doubtful.over(booked)
        calls = self.calls.setdefault(booked.account, {})
        for key in [key for key, call in calls.items() if call.last.at_ns < booked.at_ns - JOIN_NS]:
            del calls[key]
        call = calls.get((hail.addressee, hail.call_id))
        if call is None or booked.early_ns - call.last.late_ns > _again_ns(call.last):
            call = calls[hail.addressee, hail.call_id] = _Call(booked, booked)
        call.last = booked
        return call

    def _settle(self, booked: Booked) -> Iterator[Finding]:
        """What one more frame of the caller proves: the first count after a HAIL tells all that is ever told of HAILs,
        and an INTENT that is said again whether it avoided."""
        account, open_ = booked.account, []
        for waiting in self.waiting.pop(account, ()):
            proved = all_heard(account, Hail, waiting.since, waiting.hail.number)
            if waiting.until is None and (proved is not None or isinstance(booked.frame.message, COUNTS)):
                waiting = waiting._replace(until=booked.number)
            if waiting.until is None or self._waits(waiting, booked.at_ns - AGAIN_NS):
                open_.append(waiting)
            else:
                yield self._told(waiting, bool(proved), waiting.until)
        if open_:
            self.waiting[account] = open_

    def _waits(self, waiting: _Waiting, since_ns: int) -> bool:
        """Whether it is open if it avoided, and not for so long that nothing will be heard of it."""
        assert waiting.until is not None
        account, hail = waiting.hail.account, waiting.hail
        return hail.at_ns > since_ns and self.world.suspended(account, hail.number, waiting.until) is None

    def _told(self, waiting: _Waiting, proved: bool, until: int) -> Finding:
        account, hail, finding = waiting.hail.account, waiting.hail, waiting.finding
        suspended = self.world.suspended(account, hail.number, until)
        if not proved and suspended is False and finding.outcome is Outcome.FAIL:
            finding, proved = self._among_others(waiting)
        if not proved:
            since_ns = hail.early_ns - AGAIN_NS
            finding = finding._replace(
                outcome=Outcome.INCONCLUSIVE,
                summary=f"{finding.summary}; but such a HAIL may not have been heard",
                assumptions=(),
            )
            finding = self.world.unheard(finding, since_ns, hail.late_ns, account.source)
        return unless_suspended(finding, suspended)

    def _among_others(self, waiting: _Waiting) -> tuple[Finding, bool]:
        """Whether fewer HAILs were not heard than there are calls, with this one, that need one each; if so, this one
        is taken for the breach, and counts no more."""
        account, hail = waiting.hail.account, waiting.hail
        doubtful = self.doubtful.setdefault(account, [])
        doubtful[:] = [one for one in doubtful if one.hail.at_ns >= hail.at_ns - JOIN_NS]
        others = {one.call: one for one in doubtful if one.hail.number >= waiting.since and one.call != waiting.call}
        since = min([waiting.since, *(one.since for one in others.values())])
        unheard = most_unheard(account, Hail, since, hail.number)
        if unheard is None or unheard > len(others):
            doubtful.append(waiting)
            return waiting.finding, False
        told = f"{waiting.finding.summary} was heard, nor for {len(others)} more of its calls"
        told += f": for one of them there was none, since no more than {unheard} of its HAILs were not heard"
        evidence = (*waiting.finding.evidence, *(one.hail.id for one in others.values()))
        return waiting.finding._replace(summary=told, evidence=tuple(dict.fromkeys(evidence))), True

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
                proved = all_heard(account, Hail, waiting.since, waiting.hail.number)
                yield self._told(waiting, bool(proved), account.last_number if waiting.until is None else waiting.until)


def _again_ns(booked: Booked) -> int:
    """How long after a HAIL the next one still belongs to the same call: who waits long for an answer calls late."""
    assert isinstance(booked.frame.message, Hail)
    reply_by_ns = booked.frame.message.reply_by_s * NS_PER_S
    return AGAIN_NS if reply_by_ns <= AGAIN_NS else AGAIN_NS + reply_by_ns
