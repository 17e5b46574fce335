"""8.4: an incident is reported on the line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import Booked
from protocol.clauses.base import World, address_text
from protocol.line.documents import Incident, Verdict as Told
from protocol.line.names import client_of_party
from protocol.line.presence import Read
from protocol.messages import Emergency
from protocol.terms import IncidentTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import SIGNED, Cause, Finding, Outcome, Passes

NEAR_NS = 300 * NS_PER_S
"""A report is of an incident whose time it gives as near as this."""
WHAT = {"6.1": "too_close", "6.6": "simulated_attack"}
"""What an incident is called in a report, by the clause that was broken."""


@dataclass(slots=True)
class _Happened:
    """An incident. `known_ns`: when a verdict on it was told on the line; what is one's own is known at once."""

    what: str
    subject: str
    stations: frozenset[str]
    parties: tuple[str, ...]
    at_ns: int
    evidence: tuple[str, ...]
    known_ns: int | None = None


class IncidentReported:
    id = "8.4"
    title = "incident reported"
    text = (
        "An incident (6.1, 6.6, an EMERGENCY) is reported on the ground line within {limit_s:g} s, by one of the "
        "parties whose stations are in it."
    )
    instance = "an incident, for each party that is to report it"
    proof = (
        "No report by anybody names it, though the headquarters knew (it is its own station's EMERGENCY, or it was on "
        "the line after a monitor's verdict) and was on the line when the time was over."
    )
    limits = (
        "Whether what a report says is true, and whether parties told each other elsewhere, is not known. Who was not "
        "seen on the line when the time was over may have been cut off from it."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches = (Emergency,)

    def __init__(self, world: World, terms: IncidentTerms):
        self.world, self.limit_ns = world, seconds_ns(terms.limit_s)
        self.happened: dict[tuple[str, str, int], _Happened] = {}
        self.reports: list[Incident] = []

    def subjects(self) -> list[str]:
        return sorted(p.name for p in self.world.agreement.party)

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        assert isinstance(message, Emergency)
        station = self.world.stations.get(source)
        if station is not None and station.party is not None:
            text = address_text(source)
            key = ("emergency", text, booked.frame.session << 8 | message.incident)
            if key not in self.happened:
                self.happened[key] = _Happened(
                    "emergency", text, frozenset({text}), (station.party,), booked.at_ns, (booked.id,), booked.at_ns
                )
        return ()

    def learn(self, finding: Finding) -> None:
        """Another clause has found a breach."""
        what = WHAT.get(finding.clause)
        if what is None or finding.outcome is not Outcome.FAIL:
            return
        stations = finding.subject.split("/")
        of = [self.world.stations[int(s, 16)].party for s in stations]
        parties = tuple(sorted({p for p in of if p is not None}))
        key = (what, finding.subject, finding.at_ns // NEAR_NS)
        before = (what, finding.subject, finding.at_ns // NEAR_NS - 1)
        if key not in self.happened and before not in self.happened:
            self.happened[key] = _Happened(
                what, finding.subject, frozenset(stations), parties, finding.at_ns, finding.evidence
            )

    def read(self, read: Read) -> Iterable[Finding]:
        body = read.document.body
        if isinstance(body, Incident):
            self.reports.append(body)
        elif isinstance(body, Told) and body.verdict == "fail":
            of = (WHAT.get(body.clause), body.subject)
            for happened in self.happened.values():
                if happened.known_ns is None and of == (happened.what, happened.subject):
                    happened.known_ns = read.at_ns
        return ()

    def settle(self, now_ns: int) -> Iterator[Finding]:
        for key, happened in list(self.happened.items()):
            known_ns = happened.known_ns
            if known_ns is not None and known_ns + self.limit_ns + self.world.wait_ns < now_ns:
                yield from self._judge(happened)
                del self.happened[key]

    def _judge(self, happened: _Happened) -> Iterator[Finding]:
        reported = any(self._is_of(report, happened) for report in self.reports)
        for party in happened.parties:
            yield self._finding(happened, party) if not reported else self._plain(happened, party, Outcome.PASS)

    def _is_of(self, report: Incident, happened: _Happened) -> bool:
        named = happened.stations & set(report.stations)
        return bool(named) and report.what == happened.what and abs(report.at_ns - happened.at_ns) <= NEAR_NS

    def _finding(self, happened: _Happened, party: str) -> Finding:
        line, client, known_ns = self.world.line, client_of_party(party), happened.known_ns
        assert line is not None
        told, cause = f"nobody reported {happened.what} of {happened.subject}", None
        deadline_ns = (happened.at_ns if known_ns is None else known_ns) + self.limit_ns
        own = happened.what == "emergency"
        if known_ns is None or not (own or line.proved(client, known_ns, deadline_ns)):
            told, cause = f"{told}; it is not proved that its headquarters knew", Cause.NOT_PROVED_HEARD
        elif not line.proved(client, deadline_ns, deadline_ns + self.world.wait_ns):
            told, cause = f"{told}; its headquarters was not seen on the line at the end of the time", Cause.NO_WITNESS
        if line.gap(happened.at_ns, deadline_ns + self.world.wait_ns):
            told, cause = f"{told}; but the monitor was cut off from the line", Cause.LINE_GAP
        finding = self._plain(happened, party, Outcome.INCONCLUSIVE if cause else Outcome.FAIL)._replace(
            summary=told, cause=cause, assumptions=() if cause else (SIGNED,)
        )
        stations = self.world.headquarters(party)
        return self.world.unless_troubled(finding, happened.at_ns, deadline_ns + self.world.wait_ns, *stations)

    def _plain(self, happened: _Happened, party: str, outcome: Outcome) -> Finding:
        return Finding(self.id, party, outcome, happened.at_ns, evidence=happened.evidence)

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.settle(end_ns)
        for happened in self.happened.values():
            if happened.known_ns is None and happened.at_ns + self.limit_ns + self.world.wait_ns < end_ns:
                yield from self._judge(happened)
            else:
                for party in happened.parties:
                    reported = any(self._is_of(report, happened) for report in self.reports)
                    yield self._plain(happened, party, Outcome.PASS if reported else Outcome.PENDING)
        self.happened.clear()
