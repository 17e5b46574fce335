"""4.5: positions are true, as far as light and power can tell: nothing comes sooner than light."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, SPARE_M, Tacit, World, address_text
from protocol.clauses.suspects import Suspects
from protocol.messages import TIME_BOUND_NS, Position, instant_ns
from protocol.sight import Sight, surely_within
from protocol.terms import NoTerms
from protocol.units import LIGHT_MPS, NM_M, NS_PER_S
from protocol.verdicts import BOUNDS, CLOCK, NO_RELAY, Cause, Finding, Outcome, Passes


class TruePositions:
    id = "4.5"
    title = "true positions"
    text = "A station is where its POSITION says, as far as the delay and the power of its frames can tell."
    instance = "each POSITION heard, with or without its power"
    proof = (
        "It came sooner than light can from where it says that it is, or stronger than the most that any aircraft "
        "radiates would be from there, bounds and all. By power, no other copy may be heard by the end of the "
        "recording or for 600 s."
    )
    limits = (
        "A false position that is no further away than the true one shows in neither. Frames count only on the agreed "
        "channel that they name, by power not under carrier sense, where somebody has time to send a recording again "
        "louder, and not of a session that was heard before and then not for 600 s. Powers are recorded in tenths of a "
        "decibel, and half a step is the station's."
    )
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = (Position,)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.suspects = Suspects()
        assert world.agreement.bounds.most_power_dbm is not None, "the agreement's own validation asks for it"
        self.most_dbm = world.agreement.bounds.most_power_dbm

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.frame.source not in self.world.flies:
            return ()
        return self.suspects.around(booked, self._judge)

    def _judge(self, booked: Booked) -> Iterable[Finding]:
        if not self.world.is_seen(booked):
            return ()
        if self.world.fix_of(booked) and self._is_plain(booked):
            return () if self.passes.count(booked.frame.source) else (self._finding(booked, Outcome.PASS, ""),)
        sight = self.world.sight_of(booked)
        if sight is None:
            told = "a report without position, age, time quality or containment radius bounds nothing"
            return (self._finding(booked, Outcome.INCONCLUSIVE, told)._replace(cause=Cause.NO_BOUND),)
        early_ns = self._too_early_ns(booked, sight)
        if early_ns > 0:
            told = (
                f"it came {early_ns / 1e6:.3f} ms sooner than light can from at least {sight.least_m / NM_M:.1f} NM, "
                "where it says that it is"
            )
            finding = self._finding(booked, Outcome.FAIL, told)
            return (finding._replace(measured=round(early_ns / 1e6, 3), limit=0.0, unit="ms too soon"),)
        holds = self.world.hold_ns(booked.heard.channel) > 0  # time enough to send a recording again, and louder
        if sight.implied_dbm is not None and sight.implied_dbm > self.most_dbm and not holds:
            told = (
                f"to be heard with {booked.heard.power_dbm:.1f} dBm from at least {sight.least_m / NM_M:.1f} NM, where "
                f"it says that it is, it would have to radiate {sight.implied_dbm:.1f} dBm, which no aircraft can"
            )
            finding = self._finding(booked, Outcome.FAIL, told)
            finding = finding._replace(measured=round(sight.implied_dbm, 1), limit=self.most_dbm, unit="dBm")
            return tuple(self.suspects.take(booked, finding))
        if self.passes.count(booked.frame.source):
            return ()
        return (self._finding(booked, Outcome.PASS, ""),)

    def _is_plain(self, booked: Booked) -> bool:
        """Whether it is surely near enough for light, and for its power."""
        in_time = surely_within(booked, -self._late_by_ns(booked) / NS_PER_S * LIGHT_MPS - SPARE_M)
        return in_time and (booked.heard.power_dbm is None or self.world.surely_weaker(booked, self.most_dbm))

    def _late_by_ns(self, booked: Booked) -> int:
        """How much later it can have left than it arrived; below 0: how long it was on its way, at most."""
        frame, heard = booked.frame, booked.heard
        left_ns = instant_ns(frame.time_us, heard.at_ns) - TIME_BOUND_NS[frame.time_quality]
        return left_ns - (heard.at_ns + heard.clock_bound_ns)

    def _too_early_ns(self, booked: Booked, sight: Sight) -> int:
        return self._late_by_ns(booked) + int(sight.least_m / LIGHT_MPS * NS_PER_S)

    def _finding(self, booked: Booked, outcome: Outcome, summary: str) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=summary,
            evidence=(booked.id,),
            assumptions=(*BY_WORD, NO_RELAY, CLOCK, BOUNDS) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.suspects.close()
