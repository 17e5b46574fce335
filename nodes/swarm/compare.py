"""The judge against the truth: what it may not say, what it had to find, and how much it decided.

A *wrong accusation* is a fail that nothing in the flight excuses. What excuses one
- of a station: a fault of it in whose row of `nodes.fault_table` the clause stands;
- of nobody: a fault that breaks the clause as nobody's;
- of an aircraft in 8.2: that it truly was inside an area that was closed for somebody else's fault;
- of a station in 6.6: that it truly did what the clause forbids, by its motions (`nodes.aiming`);
- of a pair: such a fault of either; in 6.1 also that the two really were inside the safe distance, by their true
  motions and with `OUTER_M` more, for all of the time that 6.1 names and no later than the finding.

A fault *had to be found* if the monitor was told enough. It was told enough if
- the fault was active for the seconds in its row, while its station was there and before it signed off; for a row that
  is `near`, while one other of the other party was inside the contact ring by `NEAR_SHARE` of it, on end;
- nothing else is the matter with its station: no other fault, no avoidance, no event; nor with its target, or for a
  `near` row with anybody;
- every frame that the station sent in the whole flight was received by the monitor, by the truth; for a `near` row,
  and for a pair, every frame of everybody;
- for a fault of the ground line, nobody was cut off from it;
- but for those in outages of the monitor's receiver: between two of them all of the above must be so, as if the flight
  began after the one and ended before the other. What must begin with the flight, must end before the first.
Then, where the radio had no other trouble at all (no loss, no jammer, no event), its clause must fail: else it is
*missed*.
At any loss it must not pass, with nothing inconclusive: else it is *passed*. Inconclusive is no bug there. Beside the
faults, every pair that was inside the safe distance by `INNER_M` and half the height, for `CLOSE_S` more than 6.1
needs, had to be found in the same way.

A *crash* is a bug, too: a station's own code that raised, or any other exception. So is a drawn configuration that is
*refused*.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from math import isinf
from typing import NamedTuple

from nodes.aiming import aimed
from nodes.closeness import close_spans, longest_s
from nodes.fault_table import TABLE, Onset, Whom, guilty_of, on_its_side, subject_of
from nodes.faults.areas import around
from nodes.flight import Flight
from nodes.flight_events import Span, on_air
from nodes.flight_names import OF_LINE
from nodes.motion import Motion
from nodes.scenario import FaultEntry, Scenario, StationEntry
from nodes.seat import true_motion_of
from nodes.swarm.plans import Flown, monitor_of
from protocol.units import FT_M, NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import UNATTRIBUTED, Finding, Verdict

OUTER_M = 3.0
"""More than the truth and the judge may differ by in where north is, and how a path bends between two looks."""
OUTER_NS = NS_PER_S // 20
INNER_M = 1_000.0
"""Two containment radii for each of the two, and their reach between two reports."""
CLOSE_S = 8.0
NEAR_SHARE = 0.9
SOURCE_LINE = re.compile(r" \(\S+, line \d+\)")
"""Where the program is on this machine: no result of a seed."""
STARTS_S, LEAVES_S = 3.0, 6.0
"""A station's first report, and its sign-off, with a report to spare."""


class Bug(NamedTuple):
    """What is wrong with the judge (or the program), with the subject as the verdict names it."""

    kind: str
    clause: str
    subject: str
    summary: str


def bugs_of(flown: Flown) -> list[Bug]:
    """Everything that is wrong with what the judge found."""
    told = [Bug("crash", "", "", SOURCE_LINE.sub("", what)) for what in flown.broken]
    told += [Bug("accused", f.clause, f.subject, f.summary) for f in unjust(flown)]
    if not flown.broken:  # else somebody is gone who had to be found
        told += _missed(flown)
    return list({(b.kind, b.clause, b.subject): b for b in reversed(told)}.values())[::-1]


# ------------------------------------------------------------ the innocent


def unjust(flown: Flown) -> list[Finding]:
    """The fails that nothing in the flight excuses."""
    flight = flown.flight
    guilty = guilty_of(flight.scenario.fault, flight.stations)
    return [f for f in flown.fails if not _excused(f, guilty) and not _really(flight, f)]


def _excused(finding: Finding, guilty: set[tuple[str, str]]) -> bool:
    return any((finding.clause, part) in guilty for part in (finding.subject, *finding.subject.split("/")))


def _really(flight: Flight, finding: Finding) -> bool:
    """Whether a fail of 6.1, 6.6 or 8.2 says what the true motions say, whoever meant it."""
    attack = flight.agreement.clause.c6_6
    if finding.clause == "8.2" and "/" not in finding.subject:
        return _intrudes(flight, finding)
    if finding.clause == "6.6" and attack is not None:
        own = _motion(flight, finding.subject)
        others = (s for s in flight.stations if s.flies and f"{s.address:06x}" != finding.subject)
        return any(aimed(own, true_motion_of(s, flight), finding.at_ns, attack) for s in others)
    terms = flight.agreement.clause.c6_1
    if finding.clause != "6.1" or terms is None or "/" not in finding.subject:
        return False
    a, b = (_motion(flight, part) for part in finding.subject.split("/"))
    level_m, height_m = terms.safe_distance_nm * NM_M + OUTER_M, terms.safe_altitude_ft * FT_M + OUTER_M
    until_ns = min(finding.at_ns + OUTER_NS, flight.end_ns)
    spans = close_spans(a, b, flight.start_ns, until_ns, level_m, height_m)
    return longest_s(spans) >= terms.for_s - OUTER_NS / NS_PER_S


def _intrudes(flight: Flight, finding: Finding) -> bool:
    """Whether who is accused by 8.2 was truly inside an area that was closed because of somebody else's fault."""
    own = next((s for s in flight.stations if f"{s.address:06x}" == finding.subject), None)
    place = _motion(flight, finding.subject).at(finding.at_ns) if own else None
    areas = [around(f, flight) for f in flight.scenario.fault if f.name == "area_intruder"]
    return place is not None and any(
        area.south_deg < place.latitude_deg < area.north_deg
        and area.west_deg < place.longitude_deg < area.east_deg
        and area.floor_ft < place.altitude_ft < area.ceiling_ft
        for area in areas
    )


def _motion(flight: Flight, address: str) -> Motion:
    return true_motion_of(next(s for s in flight.stations if s.address == int(address, 16)), flight)


# ------------------------------------------------------------ the guilty


def verdict_on(flown: Flown, fault: FaultEntry) -> Verdict:
    """What became of the clause that a fault breaks, for its subject."""
    return _verdict(flown, TABLE[fault.name].clause, subject_of(fault, flown.flight.stations))


def _verdict(flown: Flown, clause: str, subject: str) -> Verdict:
    tally = flown.tally(clause, subject)
    return tally.verdict if tally else Verdict.NOT_EXERCISED


def _missed(flown: Flown) -> Iterator[Bug]:
    clean = is_clean(flown)
    for fault in flown.flight.scenario.fault:
        row, verdict = TABLE[fault.name], verdict_on(flown, fault)
        if not told_enough(flown, fault):
            continue
        subject = subject_of(fault, flown.flight.stations)
        if clean and verdict is not Verdict.FAIL:
            yield Bug("missed", row.clause, subject, f"{fault.name} of {fault.station}: {verdict.label}")
        elif verdict is Verdict.PASS and subject != UNATTRIBUTED:
            yield Bug("passed", row.clause, subject, f"{fault.name} of {fault.station}, and nothing was left open")
    if clean and all_heard(flown):
        yield from _close_and_not_found(flown)


def is_clean(flown: Flown) -> bool:
    """Whether the radio had no trouble, and nobody was switched off or tuned elsewhere, but for the monitor."""
    scenario, monitor = flown.flight.scenario, monitor_of(flown.flight).call_sign
    silent = all(s.role != "jammer" for s in scenario.station)
    return not scenario.medium.loss and silent and all(e.station == monitor for e in scenario.event)


def all_heard(flown: Flown, address: int | None = None) -> bool:
    """Whether the monitor received every frame of a station, or of everybody, while its receiver was on."""
    heard = flown.heard.values() if address is None else [flown.heard[address]] if address in flown.heard else []
    return bool(heard) and all(h.sent == h.received + h.in_outage for h in heard)


def told_enough(flown: Flown, fault: FaultEntry) -> bool:
    """Whether the monitor was told enough to find a fault."""
    flight, row = flown.flight, TABLE[fault.name]
    scenario, named = flight.scenario, _named(fault)
    station = next(s for s in flight.stations if s.call_sign == fault.station)
    others = [f for f in scenario.fault if f is not fault and (row.near or _named(f) & named)]
    if isinf(row.seconds) or row.whom is Whom.PAIR:
        return False  # the one depends on more, pairs are looked at by their motions
    if not _line_allows(scenario, fault):
        return False
    excused = station.avoid_s or station.distress_s or station.emcon_s
    if others or excused or any(e.station in named for e in scenario.event):
        return False
    if (row.near and not is_clean(flown)) or not all_heard(flown, None if row.near else station.address):
        return False
    if not on_its_side(row, station.party, flight.agreement.party[0].name):
        return False
    return any(_lasted(flight, fault, station, span) for span in hearing(flight))


def _lasted(flight: Flight, fault: FaultEntry, station: StationEntry, span: Span) -> bool:
    """Whether a fault lasted long enough in a time in which the monitor heard."""
    row, there = TABLE[fault.name], _both(_there(flight, station), span)
    from_ns, until_ns = active = _both(_active(flight, fault, station), there)
    if row.onset is Onset.START and (fault.at_s > 0 or span[0] > flight.start_ns):
        return False
    if (row.onset is Onset.LATER and from_ns <= there[0]) or (row.ends and until_ns >= there[1]):
        return False
    if row.near:
        return _near_s(flight, station, *active) >= row.seconds
    return until_ns - from_ns >= seconds_ns(row.seconds)


def hearing(flight: Flight) -> list[Span]:
    """When the monitor's receiver is on: from when it has heard everybody again, after an outage."""
    spans = on_air(monitor_of(flight), flight)
    return [(a if a == flight.start_ns else a + seconds_ns(STARTS_S), min(b, flight.end_ns)) for a, b in spans]


def _both(a: Span, b: Span) -> Span:
    return max(a[0], b[0]), min(a[1], b[1])


def _line_allows(scenario: Scenario, fault: FaultEntry) -> bool:
    """Whether the ground line keeps nothing from being found: a fault of the line, by a cut or an outage; and
    impersonation wherever there are manifests, for they dispute its frames before 1.2 looks at them."""
    line = scenario.ground_line
    if fault.name in OF_LINE:
        return line is not None and not line.cut and not line.outage
    return line is None or fault.name != "impersonation"


def _named(fault: FaultEntry) -> set[str]:
    """Whom a fault is about."""
    return {name for name in (fault.station, fault.target) if name is not None}


def _there(flight: Flight, station: StationEntry) -> Span:
    """When a station reports: from its first report until before its sign-off."""
    motion = flight.motions[station.address]
    from_ns = max(getattr(motion, "start_ns", 0), flight.start_ns) + seconds_ns(STARTS_S)
    return from_ns, min(getattr(motion, "end_ns", flight.end_ns), flight.end_ns) - seconds_ns(LEAVES_S)


def _active(flight: Flight, fault: FaultEntry, station: StationEntry) -> Span:
    from_ns, until_ns = _there(flight, station)
    begin_ns = flight.start_ns + seconds_ns(fault.at_s)
    if fault.for_s is not None:
        until_ns = min(until_ns, begin_ns + seconds_ns(fault.for_s))
    return max(from_ns, begin_ns), until_ns


def _near_s(flight: Flight, station: StationEntry, from_ns: int, until_ns: int) -> float:
    """For how long one other of the other party was inside the contact ring, on end, while a fault was active."""
    terms = flight.agreement.clause.c6_2
    if terms is None or from_ns >= until_ns:
        return 0.0
    own, ring_m = true_motion_of(station, flight), terms.ring_nm * NM_M * NEAR_SHARE
    others = [s for s in flight.stations if s.flies and s.party != station.party]
    return max(
        (longest_s(close_spans(own, true_motion_of(s, flight), from_ns, until_ns, ring_m, ring_m)) for s in others),
        default=0.0,
    )


def _close_and_not_found(flown: Flown) -> Iterator[Bug]:
    flight, terms = flown.flight, flown.flight.agreement.clause.c6_1
    troubled = {name for f in flight.scenario.fault if TABLE[f.name].whom is not Whom.PAIR for name in _named(f)}
    able = [
        s
        for s in flight.stations
        if s.flies and s.call_sign not in troubled and not (s.avoid_s or s.distress_s or s.emcon_s)
    ]
    for a, b in combinations(able, 2) if terms else ():
        subject = "/".join(sorted((f"{a.address:06x}", f"{b.address:06x}")))
        if a.party == b.party or _verdict(flown, "6.1", subject) is Verdict.FAIL:
            continue
        assert terms is not None
        (a_from, a_until), (b_from, b_until) = _there(flight, a), _there(flight, b)
        level_m, height_m = terms.safe_distance_nm * NM_M - INNER_M, terms.safe_altitude_ft * FT_M / 2
        ways = true_motion_of(a, flight), true_motion_of(b, flight)
        there = [_both((max(a_from, b_from), min(a_until, b_until)), span) for span in hearing(flight)]
        close_s = longest_s([s for span in there for s in close_spans(*ways, *span, level_m, height_m)])
        if close_s >= terms.for_s + CLOSE_S:
            yield Bug("missed", "6.1", subject, f"{close_s:.1f} s well inside the safe distance")
