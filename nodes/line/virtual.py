"""The ground line of a run in virtual time: the broker and all its clients, in one process."""

from collections.abc import Callable, Sequence

from nodes.flight import Flight
from nodes.line.desk import Desk, Posted
from nodes.line.office import desk_of
from nodes.stations.headquarters import Headquarters
from protocol.judge import Tally
from protocol.line.documents import Gone
from protocol.line.names import prefix
from protocol.units import NS_PER_S, seconds_ns
from radio.frames import Transmission
from radio.line import Delivered, Line, Will

EARLIER_NS = NS_PER_S
"""All clients come to the line so long before the start: nobody misses what is said in the first instant."""
COMES_NS = NS_PER_S
"""Who comes to the line is not cut off from it while it does, unless that takes longer."""
Cut = tuple[int, int | None]
"""From when until when a client is cut off; None: it is not over."""


class VirtualLine:
    """`step` lets all clients do their part in a window; `came` is what a monitor got in it."""

    def __init__(self, flight: Flight, tallies: dict[int, Callable[[], list[Tally]] | None]):
        """`tallies`: what each monitor's judge has found so far, by its address; None: it does not judge."""
        setup = flight.line
        assert setup is not None
        start_ns, entry = flight.start_ns, setup.entry
        addresses = {s.call_sign: s.address for s in flight.stations}

        def stretch(from_s: float, until_s: float) -> tuple[int, int]:
            return start_ns + seconds_ns(from_s), start_ns + seconds_ns(until_s)

        cuts: dict[str, list[tuple[int, int]]] = {}
        for cut in entry.cut:
            cuts.setdefault(setup.clients[addresses[cut.station]], []).append(stretch(cut.from_s, cut.until_s))
        self._line = Line(
            start_ns - EARLIER_NS, outages=[stretch(o.from_s, o.until_s) for o in entry.outage], cuts=cuts
        )
        self._names = setup.clients
        self._desks: dict[int, Desk] = {}
        self._came: dict[int, list[Delivered]] = {}
        self._told: dict[int, dict[int, int | None]] = {address: {} for address in tallies}
        """What each monitor knows of its gaps: until when, by since when."""
        self._start_ns = start_ns
        stations = {s.address: s for s in flight.stations}
        self._party_of = {s.address: s.party for s in flight.stations}
        for address in sorted(setup.clients):
            desk = desk_of(stations[address], flight, start_ns, tallies.get(address))
            self._desks[address] = desk
            will = desk.write([Gone()])[0].sealed
            name = setup.clients[address]
            self._line.connect(name, start_ns - EARLIER_NS, prefix=prefix(flight.agreement.digest()), will=Will(*will))
            if isinstance(desk.clerk, Headquarters):
                self._publish(address, desk.earlier(desk.clerk.earlier))

    def step(self, until_ns: int, sent: Sequence[Transmission]) -> None:
        """A window ends at an instant; in it these frames became known to be on the air."""
        for address, desk in self._desks.items():
            delivered = self._line.receive(self._names[address], until_ns)
            self._came[address] = delivered
            self._publish(address, desk.run(until_ns, delivered))
            if isinstance(desk.clerk, Headquarters):
                for frame in sent:
                    if self._party_of.get(frame.source) == self._party_of[address]:
                        told = desk.clerk.sent(frame.start_ns, frame.source, frame.session, frame.sequence, frame.data)
                        self._publish(address, desk.write(told))

    def came(self, address: int) -> list[Delivered]:
        """What a monitor got in the last window."""
        return self._came.get(address, [])

    def cuts(self, address: int, until_ns: int) -> list[Cut]:
        """What a monitor learns until an instant of its own connection: gaps that begin, and that end."""
        told, changed = self._told[address], []
        for from_ns, to_ns in self._line.gaps(self._names[address], self._start_ns, until_ns):
            if from_ns == self._start_ns and to_ns - from_ns <= COMES_NS:
                continue
            end_ns = None if to_ns == until_ns else to_ns
            if from_ns not in told or told[from_ns] != end_ns:
                told[from_ns] = end_ns
                changed.append((from_ns, end_ns))
        return changed

    def _publish(self, address: int, posted: Sequence[Posted]) -> None:
        for at_ns, sealed in posted:
            self._line.publish(self._names[address], at_ns, sealed.topic, sealed.payload, retain=sealed.retain)
