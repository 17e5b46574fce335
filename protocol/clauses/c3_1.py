"""3.1: own reserved slots only; shared ones for calls and distress."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from protocol.accounts import JOIN_NS, Booked, Standing
from protocol.agreement import Channel, SlotTerms
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, World, address_text
from protocol.messages import TIME_BOUND_NS, Ack, FrameKey, Hail, instant_ns
from protocol.units import LIGHT_MPS, NM_M, NS_PER_MS, NS_PER_S
from protocol.verdicts import CLOCK, NO_RELAY, UNATTRIBUTED, Cause, Finding, Outcome

CALLS = (Hail, Ack)


class _Starts(NamedTuple):
    """The slots that a station may use for a frame, by when they begin in a period; in rising order."""

    slot_ns: int
    period_ns: int
    starts_ns: tuple[int, ...]

    @classmethod
    def of(cls, channel: Channel, slots: tuple[int, ...]) -> "_Starts":
        assert channel.slot_ms is not None
        assert channel.slots is not None
        slot_ns = round(channel.slot_ms * NS_PER_MS)
        return cls(slot_ns, slot_ns * channel.slots, tuple(sorted(slot * slot_ns for slot in slots)))

    def around(self, at_ns: int) -> list[int]:
        """The last start before an instant and the first from it on; none if there is no slot."""
        period, rest = divmod(at_ns, self.period_ns)
        starts, place, begin = self.starts_ns, bisect_left(self.starts_ns, rest), period * self.period_ns
        if not starts:
            return []
        before = begin + (starts[place - 1] if place else starts[-1] - self.period_ns)
        return [before, begin + (starts[place] if place < len(starts) else starts[0] + self.period_ns)]


class OwnSlots:
    id = "3.1"
    title = "own slots"
    text = "A station transmits in its own reserved slots; shared slots are for calls and distress."
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: SlotTerms):
        self.world = world
        self.margin_ns = round(terms.margin_ms * NS_PER_MS)
        self.delay_ns = round(world.agreement.bounds.range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self.slotted = {c.number: c for c in world.agreement.channel if c.access == "tdma"}
        self.suspects: dict[FrameKey, Finding] = {}
        """Breaches that stand unless another copy of the frame is heard, in order of arrival."""
        self.repeated: dict[FrameKey, int] = {}
        """When a copy or a stale frame was last heard, by what it names."""
        self.allowed: dict[tuple[int, int, bool], _Starts] = {}
        """By source and channel; for calls, or for all else."""

    def subjects(self) -> list[str]:
        return [address_text(a) for a in sorted(self.world.annexes.slots) if a in self.world.stations]

    def hear(self, booked: Booked) -> Iterator[Finding]:
        frame = booked.frame
        if frame.source not in self.world.stations:
            return
        if self.suspects or self.repeated:
            yield from self._settle(booked.at_ns - JOIN_NS)
        if booked.standing is not Standing.FIRST:
            self.repeated[frame.key] = booked.at_ns
            suspect = self.suspects.pop(frame.key, None)
            if suspect is not None:
                yield self._anybody(suspect)
        channel = self.slotted.get(booked.heard.channel)
        own = self.world.annexes.slots.get(frame.source, {}).get(booked.heard.channel)
        if channel is None or own is None or frame.channel != booked.heard.channel:
            return
        allowed = self._allowed(channel, frame.source, own, type(frame.message) in CALLS)
        arrived = self._outside_ns(channel, allowed, booked, *self._sent(booked))
        if arrived == 0:
            if booked.standing is Standing.FIRST:
                yield Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns)
            return
        finding = self._outside(booked, channel, allowed, arrived)
        if finding.outcome is not Outcome.FAIL:
            yield finding
        elif frame.key in self.repeated:
            yield self._anybody(finding)
        else:
            self.suspects[frame.key] = finding

    def _allowed(self, channel: Channel, source: int, own: tuple[int, ...], calls: bool) -> _Starts:
        key = source, channel.number, calls
        if key not in self.allowed:
            self.allowed[key] = _Starts.of(channel, own + channel.shared_slots if calls else own)
        return self.allowed[key]

    def _settle(self, before_ns: int) -> Iterator[Finding]:
        """Breaches so old that no other copy is waited for any more."""
        while self.suspects and next(iter(self.suspects.values())).at_ns < before_ns:
            yield self.suspects.pop(next(iter(self.suspects)))
        while self.repeated and next(iter(self.repeated.values())) < before_ns:
            del self.repeated[next(iter(self.repeated))]

    @staticmethod
    def _anybody(finding: Finding) -> Finding:
        """Another copy was heard: which of them its source sent cannot be said."""
        return finding._replace(
            subject=UNATTRIBUTED, outcome=Outcome.INCONCLUSIVE, cause=Cause.NOT_FRESH, assumptions=()
        )

    def _sent(self, booked: Booked) -> tuple[int, int]:
        """When the frame's first bit left, by its arrival: less the delay's interval and the clock bound."""
        clock = booked.heard.clock_bound_ns
        return booked.at_ns - clock - self.delay_ns, booked.at_ns + clock

    def _outside_ns(self, channel: Channel, slots: _Starts, booked: Booked, early: int, late: int) -> int:
        """How far a start in [early, late] is from any that keeps the frame inside an allowed slot and its margin.

        The further a slot begins from the middle between those that are too late and too early, the further it is.
        """
        airtime_ns = round(booked.heard.size * 8 / channel.bit_rate_bps * NS_PER_S)
        first = early - max(slots.slot_ns - airtime_ns, 0) - self.margin_ns
        last = late + self.margin_ns
        starts = slots.around((first + last) // 2)
        for start in starts:
            if first <= start <= last:
                return 0
        return min((max(start - last, first - start) for start in starts), default=slots.period_ns)

    def _outside(self, booked: Booked, channel: Channel, allowed: _Starts, outside_ns: int) -> Finding:
        """Convict only if the frame's own time says so too: a late copy of an honest frame says otherwise."""
        frame = booked.frame
        subject, outcome, cause = address_text(frame.source), Outcome.FAIL, None
        bound = TIME_BOUND_NS.get(frame.time_quality)
        stamp = instant_ns(frame.time_us, booked.at_ns)
        fresh = booked.standing is Standing.FIRST and bound is not None
        if fresh:
            assert bound is not None
            fresh = self._outside_ns(channel, allowed, booked, stamp - bound, stamp + bound + 1000) > 0
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

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.suspects.values()
        self.suspects.clear()
