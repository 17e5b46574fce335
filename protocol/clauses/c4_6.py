"""4.6: positions are good enough: not most of them worse than the agreed NACp for long, without saying so."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from protocol.accounts import Booked
from protocol.bounds import left_area
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, Tacit, World, address_text, unless_suspended
from protocol.messages import Ident, Position
from protocol.terms import AccuracyTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, Finding, Outcome, Passes

BREAK_NS = 10 * NS_PER_S
"""Who sent no report for longer may have been silent, as it may after an announcement: another stretch begins."""
KEPT = 3
"""Stretches that are longer than so many times `for_s` are not looked at."""


class _Report(NamedTuple):
    """A POSITION that was heard; `poor`: it is worse than agreed and does not say that it is degraded."""

    booked: Booked
    poor: bool


class GoodEnough:
    id = "4.6"
    title = "good positions"
    text = (
        "In no more than {for_s:g} s are most of a station's POSITIONs below NACp {nacp} and not flagged as degraded."
    )
    instance = "each POSITION that is good enough; each poor one that ends a stretch too long"
    proof = (
        "Between two poor POSITIONs further apart than `for_s`, the poor ones are more than the good ones and all "
        "frames not heard together."
    )
    limits = (
        "Another stretch begins after 10 s without a report, with another session, and after landing or leaving the "
        "area."
    )
    suspended_by = OWN_DISTRESS
    kind = "C"
    hears_copies = False
    watches = (Ident, Position)

    def __init__(self, world: World, terms: AccuracyTerms):
        self.world, self.terms = world, terms
        self.passes = Tacit(self.id, world)
        self.for_ns = seconds_ns(terms.for_s)
        self.reports: dict[int, deque[_Report]] = {}
        """Of each session, those of the last `KEPT` times `for_s`, from a poor one on and without a long break."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        source = booked.frame.source
        if not isinstance(message, Position):
            if isinstance(message, Ident) and message.sign_off:
                self.reports.pop(source, None)
            return ()
        if not message.airborne or left_area(message, self.world.annexes.area):
            self.reports.pop(source, None)
            return ()
        last = self.reports[source][-1].booked if source in self.reports else None
        if last and (last.account is not booked.account or booked.early_ns - last.late_ns > BREAK_NS):
            del self.reports[source]
        if message.nacp < self.terms.nacp and not message.degraded:
            reports = self.reports.setdefault(source, deque())
            reports.append(_Report(booked, True))
            self._forget(booked, reports)
            return self._poor(booked, reports)
        if source in self.reports:
            self.reports[source].append(_Report(booked, False))
            self._forget(booked, self.reports[source])
        if self.passes.count(source):
            return ()
        return (Finding(self.id, address_text(source), Outcome.PASS, booked.at_ns),)

    def _forget(self, booked: Booked, reports: deque[_Report]) -> None:
        """What is long ago, and good ones with no poor one before them: neither begins a stretch."""
        while reports and (not reports[0].poor or booked.at_ns - reports[0].booked.at_ns > KEPT * self.for_ns):
            reports.popleft()
        if not reports:
            del self.reports[booked.frame.source]

    def _poor(self, b: Booked, reports: deque[_Report]) -> Iterable[Finding]:
        """A stretch that ends here, begins with a poor one and is surely long enough; the first that proves most."""
        poor = good = 0
        doubt: tuple[Booked, str] | None = None
        for report in reversed(reports):
            poor, good, a = poor + report.poor, good + (not report.poor), report.booked
            if not report.poor or b.early_ns - a.late_ns <= self.for_ns:
                continue
            unheard = b.account.unheard_between(a.number, b.number)
            if poor > good + unheard:
                finding = self._finding(Outcome.FAIL, a, b, f"{poor} of its POSITIONs, most of all,")
                return (unless_suspended(finding, b.account.suspended(a.number, b.number)),)
            if doubt is None and poor + unheard > good:
                doubt = a, f"{poor} of {poor + good} POSITIONs heard, where {unheard} frames were not,"
        if doubt is None:
            return ()
        finding = self._finding(Outcome.INCONCLUSIVE, doubt[0], b, doubt[1])
        return (self.world.unheard(finding, doubt[0].at_ns, b.at_ns, b.frame.source),)

    def _finding(self, outcome: Outcome, a: Booked, b: Booked, which: str) -> Finding:
        assert isinstance(b.frame.message, Position)
        seconds = (b.early_ns - a.late_ns) / NS_PER_S
        return Finding(
            clause=self.id,
            subject=address_text(b.frame.source),
            outcome=outcome,
            at_ns=b.at_ns,
            summary=f"in {seconds:.1f} s {which} claim less than NACp {self.terms.nacp}; the last says "
            f"{b.frame.message.nacp}",
            evidence=(a.id, b.id),
            measured=round(seconds, 3),
            limit=self.terms.for_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
