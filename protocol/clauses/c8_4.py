"""8.4: an incident is reported on the line."""

from collections import deque
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
BEFORE_NS = 5 * NS_PER_S
"""A report that was written so long before an incident is of none."""
MOST_REPORTS = 256
"""So many reports of one client are remembered for incidents that are not known yet."""
MOST_INCIDENTS = 256
"""So many emergencies of one station are judged, or are not over yet, at a time."""
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
    reported: bool = False
    judged: bool = False
    last_ns: int = 0
    """When it was last heard of."""


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
        "seen on the line when the time was over may have been cut off from it. Beyond 256 emergencies of one station "
        "in half an hour no more are judged."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches = (Emergency,)

    def __init__(self, world: World, terms: IncidentTerms):
        self.world, self.limit_ns = world, seconds_ns(terms.limit_s)
        self.happened: dict[tuple[str, str, int], _Happened] = {}
        self.now_ns = 0
        self.reports: dict[str, deque[tuple[int, Incident]]] = {
            client: deque(maxlen=MOST_REPORTS) for client in world.clients
        }
        """Of each headquarters, and when they were written."""
        self.told: dict[tuple[str, str], int] = {}
        """How many fails monitors have told of, of each incident's kind and subject."""

    def subjects(self) -> list[str]:
        return sorted(p.name for p in self.world.agreement.party)

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        assert isinstance(message, Emergency)
        station = self.world.stations.get(source)
        if station is not None and station.party is not None:
            text = address_text(source)
            key = ("emergency", text, booked.frame.session << 8 | message.incident)
            if known := self.happened.get(key):
                known.last_ns = booked.at_ns
            elif sum(h.what == "emergency" and h.subject == text for h in self.happened.values()) < MOST_INCIDENTS:
                self._happen(
                    key,
                    _Happened(
                        "emergency", text, frozenset({text}), (station.party,), booked.at_ns, (booked.id,), booked.at_ns
                    ),
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
            self._happen(
                key,
                _Happened(what, finding.subject, frozenset(stations), parties, finding.at_ns, finding.evidence),
            )

    def _happen(self, key: tuple[str, str, int], happened: _Happened) -> None:
        """An incident; its report may have come before it was heard of."""
        happened.last_ns = happened.at_ns
        happened.reported = any(_is_of(*said, happened) for reports in self.reports.values() for said in reports)
        self.happened[key] = happened

    def read(self, read: Read) -> Iterable[Finding]:
        body, sender = read.document.body, read.document.sender
        if isinstance(body, Incident) and sender in self.reports:
            said = read.document.at_ns, body
            self.reports[sender].append(said)
            for happened in self.happened.values():
                happened.reported = happened.reported or _is_of(*said, happened)
        elif isinstance(body, Told) and body.verdict == "fail" and body.clause in WHAT:
            self._learn_of((WHAT[body.clause], body.subject), body.counts.get("fail", 0), read.at_ns)
        return ()

    def _learn_of(self, of: tuple[str, str], fails: int, at_ns: int) -> None:
        """A monitor's verdict came. One that tells of no more fails than before tells nothing of a new incident."""
        news = [h for h in self.happened.values() if h.known_ns is None and (h.what, h.subject) == of]
        if news and fails > self.told.get(of, -1):
            self.told[of] = fails
            for happened in news:
                happened.known_ns = at_ns

    def settle(self, now_ns: int) -> Iterator[Finding]:
        self.now_ns = now_ns
        for key, happened in list(self.happened.items()):
            since_ns = happened.at_ns if happened.known_ns is None else happened.known_ns
            if since_ns + self.limit_ns + self.world.wait_ns >= now_ns:
                continue
            if not happened.judged:
                happened.judged = True
                yield from self._judge(happened)
            if happened.last_ns + self.limit_ns + self.world.wait_ns < now_ns:  # else it goes on, and is the same
                del self.happened[key]

    def _judge(self, happened: _Happened) -> Iterator[Finding]:
        for party in happened.parties:
            yield self._plain(happened, party, Outcome.PASS) if happened.reported else self._finding(happened, party)

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
        if any(self.world.is_contested(s, happened.at_ns, self.now_ns) for s in happened.stations):
            told, cause = f"{told}; but two stations use the address", Cause.IDENTITY_CONTESTED
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
            for party in () if happened.judged else happened.parties:
                yield self._plain(happened, party, Outcome.PASS if happened.reported else Outcome.PENDING)
        self.happened.clear()


def _is_of(written_ns: int, report: Incident, happened: _Happened) -> bool:
    """Whether a report is of an incident."""
    named = happened.stations & set(report.stations)
    near = abs(report.at_ns - happened.at_ns) <= NEAR_NS and written_ns >= happened.at_ns - BEFORE_NS
    return bool(named) and report.what == happened.what and near
