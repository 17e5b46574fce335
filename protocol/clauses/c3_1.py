"""3.1: own reserved slots only; shared ones for calls and distress."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from protocol.accounts import Booked, Standing
from protocol.agreement import Channel
from protocol.clauses.base import BY_WORD, CALLS, EVERY_MESSAGE, OWN_DISTRESS, Tacit, World, address_text
from protocol.clauses.suspects import Suspects
from protocol.messages import TIME_BOUND_NS, instant_ns
from protocol.terms import SlotTerms
from protocol.units import LIGHT_MPS, NM_M, NS_PER_MS, NS_PER_S
from protocol.verdicts import CLOCK, NO_RELAY, UNATTRIBUTED, Cause, Finding, Outcome, Passes


class _Starts(NamedTuple):
    """The slots that a station may use for a frame, by when they begin in a period; in rising order."""

    channel: Channel
    margin_ns: int
    slot_ns: int
    period_ns: int
    starts_ns: tuple[int, ...]

    @classmethod
    def of(cls, channel: Channel, slots: tuple[int, ...], margin_ns: int) -> "_Starts":
        assert channel.slot_ms is not None
        assert channel.slots is not None
        slot_ns = round(channel.slot_ms * NS_PER_MS)
        starts_ns = tuple(sorted(slot * slot_ns for slot in slots))
        return cls(channel, margin_ns, slot_ns, slot_ns * channel.slots, starts_ns)

    def outside_ns(self, size: int, early: int, late: int) -> int:
        """How far a start in [early, late] is from any that keeps a frame inside an allowed slot and its margin.

        The further a slot begins from the middle between those that are too late and too early, the further it is: so
        only the last before that middle and the first from it on matter.
        """
        starts = self.starts_ns
        if not starts:
            return self.period_ns
        first = early - max(self.slot_ns - _airtime_ns(size, self.channel.bit_rate_bps), 0) - self.margin_ns
        last = late + self.margin_ns
        period, rest = divmod((first + last) // 2, self.period_ns)
        place, begin = bisect_left(starts, rest), period * self.period_ns
        before = begin + (starts[place - 1] if place else starts[-1] - self.period_ns)
        after = begin + (starts[place] if place < len(starts) else starts[0] + self.period_ns)
        return max(min(max(before - last, first - before), max(after - last, first - after)), 0)


@lru_cache(maxsize=4096)
def _airtime_ns(size: int, bit_rate_bps: int) -> int:
    return round(size * 8 / bit_rate_bps * NS_PER_S)


class OwnSlots:
    id = "3.1"
    title = "own slots"
    text = "A station transmits in its own reserved slots; shared slots are for calls and distress."
    instance = "each frame heard on a channel with slots"
    proof = (
        "By its arrival and by its own time, the frame lies wholly outside all slots that its source may use, whatever "
        "delay and clocks are within their bounds. No other copy of it was heard by the end of the recording or for "
        "600 s."
    )
    limits = (
        "A frame whose own time says otherwise, or has no bound, and one that was heard again, can be anybody's: "
        "`unattributed`. Who has no slots on a channel is not judged there."
    )
    suspended_by = OWN_DISTRESS
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: SlotTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.margin_ns = round(terms.margin_ms * NS_PER_MS)
        self.delay_ns = round(world.agreement.bounds.range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self.slotted = {c.number: c for c in world.agreement.channel if c.access == "tdma"}
        self.suspects = Suspects()
        self.allowed: dict[tuple[int, int, bool], _Starts | None] = {}
        """By source and channel; for calls, or for all else. None: no slots are dealt out there, or none to it."""

    def subjects(self) -> list[str]:
        return [address_text(a) for a in sorted(self.world.annexes.slots) if a in self.world.stations]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.frame.source not in self.world.stations:
            return ()
        if booked.standing is Standing.FIRST and self.suspects.idle:
            return self._judge(booked)
        return *self.suspects.hear(booked), *self._judge(booked)

    def _judge(self, booked: Booked) -> Iterable[Finding]:
        frame, heard = booked.frame, booked.heard
        key = frame.source, heard.channel, type(frame.message) in CALLS
        if key not in self.allowed:
            self.allowed[key] = self._allowed(*key)
        allowed = self.allowed[key]
        if allowed is None or frame.channel != heard.channel:
            return ()
        # when its first bit left, by its arrival: less the delay's interval and the clock bound
        clock_ns = heard.clock_bound_ns
        arrived = allowed.outside_ns(len(heard.data), heard.at_ns - clock_ns - self.delay_ns, heard.at_ns + clock_ns)
        if arrived == 0:
            if booked.standing is not Standing.FIRST or self.passes.count(frame.source):
                return ()
            return (Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns),)
        return tuple(self.suspects.take(booked, self._outside(booked, allowed, arrived)))

    def _allowed(self, source: int, number: int, calls: bool) -> _Starts | None:
        channel, own = self.slotted.get(number), self.world.annexes.slots.get(source, {}).get(number)
        if channel is None or own is None:
            return None
        return _Starts.of(channel, own + channel.shared_slots if calls else own, self.margin_ns)

    def _outside(self, booked: Booked, allowed: _Starts, outside_ns: int) -> Finding:
        """Convict only if the frame's own time says so too: a late copy of an honest frame says otherwise."""
        frame, channel = booked.frame, allowed.channel
        subject, outcome, cause = address_text(frame.source), Outcome.FAIL, None
        bound = TIME_BOUND_NS.get(frame.time_quality)
        stamp = instant_ns(frame.time_us, booked.at_ns)
        fresh = booked.standing is Standing.FIRST and bound is not None
        if fresh:
            assert bound is not None
            fresh = allowed.outside_ns(len(booked.heard.data), stamp - bound, stamp + bound + 1000) > 0
        if not fresh:
            subject, outcome, cause = UNATTRIBUTED, Outcome.INCONCLUSIVE, Cause.NOT_FRESH
        else:
            suspended = booked.account.suspended(booked.number, booked.number)
            if suspended:
                outcome, cause = Outcome.EXCUSED, Cause.DISTRESS
            elif suspended is None:
                outcome, cause = Outcome.INCONCLUSIVE, Cause.STATE_UNHEARD
        slot_ms = channel.slot_ms or 1.0
        slot = int(booked.at_ns // (slot_ms * NS_PER_MS)) % (channel.slots or 1)
        mine = ", ".join(str(s) for s in self.world.annexes.slots[frame.source][channel.number])
        return Finding(
            clause=self.id,
            subject=subject,
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=f"a {frame.type.name} of {address_text(frame.source)} in slot {slot} of {channel.name}; "
            f"its own slots are {mine}",
            evidence=(booked.id,),
            cause=cause,
            measured=round(outside_ns / NS_PER_MS, 3),
            limit=0.0,
            unit="ms outside",
            assumptions=(*BY_WORD, NO_RELAY, CLOCK) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.suspects.close()
