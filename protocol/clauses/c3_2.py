"""3.2: no more than the agreed share of a channel without slots, by what one station was heard to send there."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import Booked
from protocol.agreement import Channel
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, Tacit, World, address_text, unless_suspended
from protocol.messages import MAX_FRAME_BYTES, Position
from protocol.terms import ShareTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, NO_RELAY, Cause, Finding, Outcome, Passes


@dataclass(slots=True)
class _Sent:
    """A frame that was heard on the channel, and how long it was on the air. `sure`: 0.1 did not suspend the clause."""

    booked: Booked
    airtime_ns: int
    sure: bool
    told_by: int | None = None
    """The number of the next POSITION, which tells whether an emergency had begun."""

    def is_sure(self) -> bool:
        if not self.sure and self.told_by is not None:
            self.sure = self.booked.account.suspended(self.booked.number, self.told_by) is False
        return self.sure


class FairShare:
    id = "3.2"
    title = "fair share"
    text = "A station fills no more than {share:.0%} of a channel without slots, in any {window_s:g} s."
    instance = "each frame heard on a channel without slots, with all of the time before it"
    proof = (
        "First copies that were surely sent within one window took more than the share, by their lengths and the bit "
        "rate."
    )
    limits = (
        "Only what was heard convicts: a number that was not heard may have been sent on another channel, and may make "
        "it inconclusive. So where a part p of all frames is lost, who takes less than the share over 1 - p is not "
        "found. Frames in whose time distress cannot be ruled out do not count for a fail."
    )
    suspended_by = OWN_DISTRESS
    kind = "X"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ShareTerms):
        self.world, self.terms = world, terms
        self.passes = Tacit(self.id, world)
        self.window_ns = seconds_ns(terms.window_s)
        self.limit_ns = round(terms.share * self.window_ns)
        self.unslotted = {c.number: c for c in world.agreement.channel if not c.slotted}
        self.sent: dict[int, dict[int, deque[_Sent]]] = {}
        """By source and channel, those of the window."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if isinstance(booked.frame.message, Position) and booked.frame.source in self.sent:
            self._tell(booked)
        channel = self.unslotted.get(booked.heard.channel)
        if channel is None or booked.frame.channel != channel.number:
            return self._elsewhere(booked) if booked.frame.source in self.sent else ()
        suspended = booked.account.suspended(booked.number, booked.number)
        if suspended:
            return (self._finding(booked, Outcome.EXCUSED, "", None)._replace(cause=Cause.DISTRESS),)
        airtime_ns = _airtime_ns(len(booked.heard.data), channel)
        sent = self.sent.setdefault(booked.frame.source, {}).setdefault(channel.number, deque())
        sent.append(_Sent(booked, airtime_ns, suspended is False))
        return self._judge(booked, channel, self._within(booked.late_ns + airtime_ns, sent))

    def _tell(self, report: Booked) -> None:
        """A POSITION tells of what was sent since the one before it."""
        for sent in self.sent[report.frame.source].values():
            for one in reversed(sent):
                if one.told_by is not None or one.booked.account is not report.account:
                    break
                one.told_by = report.number

    def _within(self, until_ns: int, sent: deque[_Sent]) -> deque[_Sent]:
        """What stays was sent within one window, whatever the delays and clocks."""
        while sent and sent[0].booked.early_ns < until_ns - self.window_ns:
            sent.popleft()
        return sent

    def _judge(self, booked: Booked, channel: Channel, sent: deque[_Sent]) -> Iterable[Finding]:
        heard_ns = sum(one.airtime_ns for one in sent)
        share = round(heard_ns / self.window_ns, 4)
        if heard_ns > self.limit_ns:
            sure_ns = sum(one.airtime_ns for one in sent if one.is_sure())
            return (self._too_much(booked, channel, sent, share, sure_ns > self.limit_ns),)
        if doubt := self._doubt(booked, channel, heard_ns):
            return (doubt,)
        if self.passes.count(booked.frame.source, share, self.terms.share):
            return ()
        return (self._finding(booked, Outcome.PASS, "", share),)

    def _elsewhere(self, booked: Booked) -> Iterable[Finding]:
        """A frame on another channel shows what was not heard since."""
        for number, sent in self.sent[booked.frame.source].items():
            if self._within(booked.late_ns, sent):
                doubt = self._doubt(booked, self.unslotted[number], sum(one.airtime_ns for one in sent))
                if doubt:
                    yield doubt

    def _doubt(self, booked: Booked, channel: Channel, heard_ns: int) -> Finding | None:
        """It may be too much, if all that was not heard was on this channel."""
        unheard = booked.account.unheard_since(booked.early_ns - self.window_ns, booked.number)
        if not unheard or heard_ns + unheard * _airtime_ns(MAX_FRAME_BYTES, channel) <= self.limit_ns:
            return None
        told = f"{unheard} frames were not heard, and may have been on {channel.name}"
        finding = self._finding(booked, Outcome.INCONCLUSIVE, told, round(heard_ns / self.window_ns, 4))
        since_ns = booked.early_ns - self.window_ns
        return self.world.unheard(finding, since_ns, booked.late_ns, booked.frame.source)

    def _too_much(self, booked: Booked, channel: Channel, sent: deque[_Sent], share: float, sure: bool) -> Finding:
        took_s = share * self.terms.window_s
        told = f"{len(sent)} frames on {channel.name} took {took_s:.2f} s of {self.terms.window_s:g} s"
        finding = self._finding(booked, Outcome.FAIL, told, share)
        finding = finding._replace(evidence=(sent[0].booked.id, booked.id), assumptions=(*BY_WORD, NO_RELAY, CLOCK))
        return unless_suspended(finding, False if sure else None)

    def _finding(self, booked: Booked, outcome: Outcome, summary: str, share: float | None) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=summary,
            evidence=(booked.id,),
            measured=share,
            limit=self.terms.share,
            unit=f"of {self.terms.window_s:g} s",
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()


def _airtime_ns(size: int, channel: Channel) -> int:
    return round(size * 8 / channel.bit_rate_bps * NS_PER_S)
