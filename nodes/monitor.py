"""A monitor: what it receives becomes a record, and every record an observation for its judge.

A run and a later `check` go the same way from the record on, so both give the same verdicts.
"""

from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple, assert_never

from nodes.decoding import decoded
from nodes.flight import Flight
from nodes.flight_events import off_air, on_air
from nodes.node import PLACE_AHEAD_NS
from nodes.scenario import StationEntry
from nodes.seat import random_of
from protocol.agreement import Agreement, Annexes, canonical_json
from protocol.heard import Heard, Receiver
from protocol.line.judging import Judging, LineJudge, judge_of
from protocol.line.names import client_of_monitor
from protocol.malformed import malformed
from protocol.units import FT_M
from protocol.verdicts import Finding
from radio.envelope import MAX_DATA_BYTES, OffAir, Place, Reception, Trouble
from radio.line import Delivered
from radio.recording import HearingGap, HostTrouble, LineDocument, LineGap, Record, Writer
from radio.slots import airtime_ns

CLOCK_BOUND_NS = 1_000_000
"""How good a monitor's clock is; the emulated ones stay inside it."""
CLOCK_ERROR_US = 300.0
LONGEST_DELAY_NS = 45_000_000
"""From one side of the earth to the other."""


def header_text(agreement: Agreement, annexes: Annexes, monitor: str, party: str | None, start_ns: int) -> str:
    """What a recording says about itself: the agreement's digest, the annexes in force, whose it is, when it began."""
    return canonical_json(
        {
            "agreement": agreement.digest(),
            "annexes": annexes.to_json(),
            "monitor": monitor,
            "party": party,
            "start_ns": start_ns,
        }
    )


def observe(judge: Judging, monitor: str, record: Record) -> None:
    """Give one record to a judge."""
    if isinstance(record, LineDocument | LineGap):
        if isinstance(judge, LineJudge):
            _observe_line(judge, record)
        return
    if isinstance(record, HearingGap):
        judge.hearing_gap(record.from_ns, record.until_ns)
        return
    if isinstance(record, HostTrouble):
        judge.host_trouble(record.address, record.from_ns, record.until_ns)
        return
    frame = decoded(record.frame)
    name = f"{monitor}#{record.number}"
    if frame is None:
        if (broken := malformed(name, record.arrival_ns, record.frame)) is not None:
            judge.hear_malformed(broken)
        return
    power_dbm, receiver = record.power_tenths_dbm / 10, _receiver(*record[3:6])
    clock_ns = record.clock_bound_ns
    judge.hear(Heard(name, record.arrival_ns, record.channel, frame, record.frame, clock_ns, power_dbm, receiver))


def _observe_line(judge: LineJudge, record: LineDocument | LineGap) -> None:
    judge.advance(record.at_ns)
    if isinstance(record, LineGap):
        judge.line_gap(record.from_ns, record.until_ns)
    else:
        judge.document(record.topic, record.payload, record.at_ns)


@lru_cache(maxsize=64)
def _receiver(latitude_e7: int, longitude_e7: int, height_cm: int) -> Receiver:
    """Where a record says that it was heard."""
    return Receiver(latitude_e7 / 1e7, longitude_e7 / 1e7, height_cm / 100)


def name_of(entry: StationEntry) -> str:
    """What a monitor is called in frame ids, and its recording's file if it is not the first."""
    return entry.call_sign.lower().replace(" ", "_")


def header_of(entry: StationEntry, flight: Flight) -> str:
    """The header of a monitor's recording."""
    return header_text(flight.agreement, flight.annexes, name_of(entry), entry.party, flight.start_ns)


def judge_for(entry: StationEntry, flight: Flight, on_finding: Callable[[Finding], None] | None = None) -> Judging:
    """The judge of what a monitor of a flight hears."""
    listener = client_of_monitor(name_of(entry))
    return judge_of(flight.agreement, flight.annexes, on_finding, from_ns=flight.start_ns, listener=listener)


def monitors_of(flight: Flight) -> dict[str, StationEntry]:
    """The monitors by the file of their recording, in order of address; the first one's name is fixed."""
    monitors = [s for s in flight.stations if s.role == "monitor"]
    return {f"{name_of(s)}.pcapng" if i else "monitor.pcapng": s for i, s in enumerate(monitors)}


class _Outage(NamedTuple):
    """Its receiver is switched off until an instant, by its own clock."""

    until_ns: int


class _LineCut(NamedTuple):
    """A gap in the ground line, in medium time; None: it is not over."""

    from_ns: int
    until_ns: int | None


Told = Reception | Trouble | Delivered | _Outage | _LineCut
"""What is recorded."""


class Monitor:
    """One monitor of a flight: it records, and judges if it has a judge. The first of a flight judges.

    Give it each window's receptions and troubles; frames may arrive a little out of order (a long one ends late), so
    they wait until nothing can arrive before them any more. Its clock is a little wrong.

    An outage of its receiver is recorded where it begins, and with its end, which the scenario says: so it stands
    before every frame that is heard after it, and counts although the recording ends before it is over.
    """

    def __init__(self, entry: StationEntry, flight: Flight, seed: int, writer: Writer, judge: Judging | None):
        assert entry.at is not None
        latitude, longitude, height_ft = entry.at
        channels = (*flight.agreement.channel, *flight.scenario.unagreed_channel)
        self.name, self.judge = name_of(entry), judge
        place = Place(0, latitude, longitude, height_ft * FT_M)
        self._at = (round(latitude * 1e7), round(longitude * 1e7), round(height_ft * FT_M * 100))
        self._tuned = tuple(sorted(c.number for c in channels))
        self._clock_ns = round(random_of(seed, entry.address).uniform(-1, 1) * CLOCK_ERROR_US * 1000)
        slowest = min(c.bit_rate_bps for c in channels)
        self._unsettled_ns = airtime_ns(MAX_DATA_BYTES, slowest) + LONGEST_DELAY_NS + CLOCK_BOUND_NS
        self._writer = writer
        self._last_ns = writer.last_ns
        self._waiting: list[tuple[int, int, Told]] = []
        self._number = 0
        outages = ((begin_ns + self._clock_ns, end_ns + self._clock_ns) for begin_ns, end_ns in off_air(entry, flight))
        self._outages = deque(outage for outage in outages if outage[0] > writer.last_ns)
        """Those that are not recorded yet, by its own clock."""
        hearing = on_air(entry, flight)
        goes_on = (place._replace(at_ns=begin_ns) for begin_ns, _ in hearing)
        self._switches: list[Place | OffAir] = [*goes_on, *(OffAir(end_ns) for _, end_ns in hearing)]
        self._switches.sort(key=lambda said: said.at_ns)
        self._told_ns = 0
        """Until when the hub knows of them."""

    def begin(self, now_ns: int) -> list[Place | OffAir]:
        """It takes part from an instant on. Returns what the hub must be told: where it is, if its receiver is on."""
        self._told_ns = now_ns
        last = next((said for said in reversed(self._switches) if said.at_ns <= now_ns), None)
        here = [last._replace(at_ns=now_ns)] if isinstance(last, Place) else []
        return [*here, *self.switches(now_ns)]

    def switches(self, now_ns: int) -> list[Place | OffAir]:
        """What the hub must be told with the time until now handed back: that its receiver goes off, or on again."""
        since_ns, self._told_ns = self._told_ns, now_ns + PLACE_AHEAD_NS
        return [said for said in self._switches if since_ns < said.at_ns <= self._told_ns]

    def take(self, from_ns: int, receptions: Iterable[Reception], troubles: Iterable[Trouble]) -> None:
        """A window that begins at `from_ns`: what is received in it, and what the hub tells of trouble."""
        self._go_out(from_ns)
        self._flush(from_ns - self._unsettled_ns)
        for trouble in troubles:
            # by its own clock, as receptions: or a frame sent at the same instant could stand before it
            self._wait(trouble.at_ns + self._clock_ns, trouble)
        for got in receptions:
            self._wait(got.arrival_ns + self._clock_ns, got)

    def read(self, came: Iterable[Delivered], cuts: Iterable[tuple[int, int | None]], now_ns: int) -> None:
        """What came over the ground line, and what it learns of its gaps (until when, or None; since when), by now."""
        for document in came:
            self._wait(document.at_ns + self._clock_ns, document)
        for cut in cuts:
            self._wait(now_ns + self._clock_ns, _LineCut(*cut))

    def deaf(self, from_ns: int, until_ns: int) -> None:
        """It heard nothing for a while, and knows it. To be told before anything that it received afterwards."""
        self._go_out(from_ns)
        self._flush(1 << 63)  # nothing more can come from before
        self._last_ns = max(self._last_ns, self._writer.last_ns, from_ns)
        gap = self._writer.hearing_gap(self._last_ns, max(until_ns, self._last_ns))
        if self.judge:
            observe(self.judge, self.name, gap)

    def close(self, end_ns: int) -> None:
        """The run ends: record what is left, and the end itself."""
        self._go_out(end_ns)
        self._flush(1 << 63)
        end_ns = max(end_ns, self._last_ns)  # its own clock may be a little ahead
        self._writer.close(end_ns)
        if self.judge:
            self.judge.close(end_ns)

    def _go_out(self, before_ns: int) -> None:
        """Note the outages that begin before an instant."""
        while self._outages and self._outages[0][0] < before_ns + self._clock_ns:
            begin_ns, end_ns = self._outages.popleft()
            self._wait(begin_ns, _Outage(end_ns))

    def _wait(self, at_ns: int, told: Told) -> None:
        self._number += 1
        heappush(self._waiting, (at_ns, self._number, told))

    def _flush(self, before_ns: int) -> None:
        """Record and judge everything that came before an instant."""
        waiting, judge = self._waiting, self.judge
        while waiting and waiting[0][0] < before_ns:
            at_ns, _, told = heappop(waiting)
            if at_ns > self._last_ns:
                self._last_ns = at_ns
            at_ns = self._last_ns
            written = self._record(told, at_ns)
            if judge:
                observe(judge, self.name, written)

    def _record(self, told: Told, at_ns: int) -> Record:
        match told:
            case Reception():
                return self._reception(told, at_ns)
            case Trouble():
                return self._trouble(told, at_ns)
            case _Outage(until_ns):
                return self._writer.hearing_gap(at_ns, max(until_ns, at_ns))
            case Delivered():
                return self._writer.document(at_ns=at_ns, topic=told.topic, payload=told.payload)
            case _LineCut(from_ns, until_ns):
                return self._writer.line_gap(at_ns=at_ns, from_ns=from_ns, until_ns=until_ns)
            case _:
                assert_never(told)

    def _reception(self, got: Reception, at_ns: int) -> Record:
        latitude_e7, longitude_e7, height_cm = self._at
        return self._writer.reception(
            arrival_ns=at_ns,
            channel=got.channel,
            latitude_e7=latitude_e7,
            longitude_e7=longitude_e7,
            height_cm=height_cm,
            power_tenths_dbm=got.power_tenths_dbm,
            clock_bound_ns=CLOCK_BOUND_NS,
            tuned=self._tuned,
            frame=got.data,
        )

    def _trouble(self, trouble: Trouble, at_ns: int) -> Record:
        return self._writer.host_trouble(
            at_ns=at_ns, address=trouble.address, from_ns=trouble.from_ns, until_ns=trouble.until_ns
        )
