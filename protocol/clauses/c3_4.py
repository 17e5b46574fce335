"""3.4: no more than the agreed power, by how strong a POSITION arrives from where it says that it is."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, Tacit, World, address_text
from protocol.clauses.suspects import Suspects
from protocol.messages import Position
from protocol.terms import PowerTerms
from protocol.units import NM_M
from protocol.verdicts import BOUNDS, NO_RELAY, Cause, Finding, Outcome, Passes


class AgreedPower:
    id = "3.4"
    title = "agreed power"
    text = "A station radiates no more than {power_dbm:g} dBm."
    instance = "each POSITION heard with its power"
    proof = (
        "It was heard so strong that from no place within the bounds of its own report, by the best propagation, the "
        "agreed power would do. No other copy was heard by the end of the recording or for 600 s."
    )
    limits = (
        "It radiates more, or it is nearer than it says: power or position. Frames count only on the agreed channel "
        "that they name, not under carrier sense, where somebody has time to send a recording again louder, and not of "
        "a session that was heard before and then not for 600 s. Powers are recorded in tenths of a decibel, and half "
        "a step is the station's."
    )
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = (Position,)

    def __init__(self, world: World, terms: PowerTerms):
        self.world, self.limit_dbm = world, terms.power_dbm
        self.passes = Tacit(self.id, world)
        self.suspects = Suspects()

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.frame.source not in self.world.flies:
            return ()
        return self.suspects.around(booked, self._judge)

    def _judge(self, booked: Booked) -> Iterable[Finding]:
        if booked.heard.power_dbm is None or not self.world.is_seen(booked) or self.world.hold_ns(booked.heard.channel):
            return ()  # where frames may come late, whoever records one has the time to send it again, and louder
        source = booked.frame.source
        if self.world.fix_of(booked) and self.world.surely_weaker(booked, self.limit_dbm):
            return () if self.passes.count(source) else (self._finding(booked, Outcome.PASS, "", None),)
        sight = self.world.sight_of(booked)
        if sight is None or sight.implied_dbm is None:
            told = "a report without position, age, time quality or containment radius bounds nothing"
            return (self._finding(booked, Outcome.INCONCLUSIVE, told, None)._replace(cause=Cause.NO_BOUND),)
        implied_dbm = round(sight.implied_dbm, 1)
        if sight.implied_dbm > self.limit_dbm:
            told = (
                f"heard with {booked.heard.power_dbm:.1f} dBm from at least {sight.least_m / NM_M:.2f} NM by its own "
                f"report: it radiates at least {implied_dbm:.1f} dBm, or it is nearer than it says: power or position"
            )
            finding = self._finding(booked, Outcome.FAIL, told, implied_dbm)
            return tuple(self.suspects.take(booked, finding._replace(assumptions=(*BY_WORD, NO_RELAY, BOUNDS))))
        return () if self.passes.count(source) else (self._finding(booked, Outcome.PASS, "", None),)

    def _finding(self, booked: Booked, outcome: Outcome, summary: str, implied_dbm: float | None) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=summary,
            evidence=(booked.id,),
            measured=implied_dbm,
            limit=None if implied_dbm is None else self.limit_dbm,
            unit="" if implied_dbm is None else "dBm",
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.suspects.close()
