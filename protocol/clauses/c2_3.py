"""2.3: guard is for calls and distress. Other frames go there only for a while after a call or answer of one's own.

Which calls and answers were not heard, the numbers tell, or else the counts of HAILs and ACKs in the frame.
"""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
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
from protocol.messages import Ack, Emergency, Hail
from protocol.terms import GuardTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.unsent import all_heard, number_before
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes


class GuardIsForCalls:
    id = "2.3"
    title = "guard kept free"
    text = (
        "Guard is for calls and distress, and other frames within {after_s:g} s of a HAIL, an ACK or an EMERGENCY of "
        "one's own."
    )
    instance = "each frame heard on a guard channel"
    proof = (
        "The frame is no call, answer or distress, and none is among the frames of the station in the time before: all "
        "of them were heard, or its counts leave no room for a HAIL or an ACK, and its POSITIONs for no emergency."
    )
    limits = (
        "It asks for all of that time, whatever the session: who has just begun may have called before. To change a "
        "frequency, or to lose a link, is no reason to stay on guard."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: GuardTerms):
        self.world, self.after_ns = world, seconds_ns(terms.after_s)
        self.guards = frozenset(world.guards)
        self.passes = Tacit(self.id, world)
        self.last_call: dict[int, tuple[str, int]] = {}
        """The last call or answer of each station, in whatever session: its id, and when it was sent, at the latest."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        is_call = type(frame.message) in CALLS
        if frame.source not in self.world.talks:
            return ()
        if isinstance(frame.message, Hail | Ack | Emergency):
            self.last_call[frame.source] = booked.id, booked.late_ns
        if frame.channel not in self.guards or frame.channel != booked.heard.channel:
            return ()
        if is_call or self._since_ns(booked) <= self.after_ns:
            if self.passes.count(frame.source):
                return ()
            return (Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns),)
        return (unless_suspended(self._chatter(booked), booked.account.suspended(booked.number, booked.number)),)

    def _since_ns(self, booked: Booked) -> int:
        """How long ago it last called, at the least; very long if it was not heard to."""
        call = self.last_call.get(booked.frame.source)
        return max(booked.early_ns - call[1], 0) if call else 1 << 62

    def _chatter(self, booked: Booked) -> Finding:
        call = self.last_call.get(booked.frame.source)
        name = self.world.guards[booked.frame.channel]
        heard = "none of its calls was heard" if call is None else "its last call heard was "
        heard += "" if call is None else f"{self._since_ns(booked) / NS_PER_S:.1f} s earlier"
        since_ns = booked.early_ns - self.after_ns - self.world.longest_hold_ns  # a call may have come late
        sure = booked.account.heard_all(since_ns, booked.number) or _never_called(booked, since_ns)
        finding = Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL if sure else Outcome.INCONCLUSIVE,
            at_ns=booked.at_ns,
            summary=f"a {booked.frame.type.name} on {name}; {heard}"
            + ("" if sure else ", and one may be among the frames that were not heard"),
            evidence=(booked.id,) if call is None else (call[0], booked.id),
            cause=None if sure else Cause.STATE_UNHEARD,
            measured=None if call is None else round(self._since_ns(booked) / NS_PER_S, 3),
            limit=self.after_ns / NS_PER_S,
            unit="s",
            assumptions=(*BY_WORD, CLOCK) if sure else (),
        )
        return self.world.with_losses(finding, since_ns, booked.at_ns, booked.frame.source)

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()


def _never_called(booked: Booked, since_ns: int) -> bool:
    """Whether what was not heard since an instant was no HAIL, no ACK and no EMERGENCY: POSITIONs would flag that."""
    account, last = booked.account, booked.number
    since = number_before(account, since_ns)
    none = since >= 0 and all(all_heard(account, kind, since, last) for kind in (Hail, Ack))
    return none and account.suspended(since, last) is False
