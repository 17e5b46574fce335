"""The virtual driver: every station of a flight in one process, in virtual time, with no sleeping and no threads.

A heap of (time, address, insertion number, action) keeps the order; medium time moves in windows, and what starts in
a window was handed over before it began, as in a live run.
"""

import json
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from typing import BinaryIO, TextIO

from nodes.flight import Flight
from nodes.monitor import Monitor, Place, header_text
from nodes.motion import Motion, metres_per_degree
from nodes.scenario import StationEntry
from nodes.seat import WINDOW_NS, Seat, motion_of, random_of, seat_of
from nodes.stations.effects import Hearing
from nodes.transmitter import Outgoing
from protocol import codec
from protocol.judge import Judge
from protocol.messages import MAX_FRAME_BYTES, Message
from protocol.units import FT_M, NS_PER_S
from protocol.verdicts import Finding
from radio.geodesy import ecef_m
from radio.medium import Channel, Fate, Medium, Outcome, Radio, Transmission
from radio.slots import airtime_ns

PLACE_EVERY_NS = NS_PER_S
"""How often the medium is told where a station is; in between it moves on in a straight line."""
LONGEST_DELAY_NS = 5_000_000
PLACE_AHEAD_NS = 2 * WINDOW_NS
"""Places, too, are told before the window they fall in is settled."""
MONITOR_CLOCK_US = 300.0


class Simulation:
    """One run. `advance` moves medium time on; `close` ends the run and its recordings.

    `open_file` gives the stream for a recording by the monitor's file name; `truth` gets a line of JSON per frame.
    """

    def __init__(
        self,
        flight: Flight,
        seed: int,
        open_file: Callable[[str], BinaryIO],
        truth: TextIO,
        on_finding: Callable[[Finding], None] | None = None,
    ):
        self.flight, self.seed, self.now_ns = flight, seed, flight.start_ns
        self.outcomes: Counter[Outcome] = Counter()
        self.transmissions = 0
        self._truth = truth
        self._channels = (*flight.agreement.channel, *flight.scenario.unagreed_channel)
        self._medium = Medium(
            [
                Channel(
                    number=c.number,
                    frequency_hz=c.frequency_mhz * 1e6,
                    bandwidth_hz=c.bandwidth_khz * 1e3,
                    bit_rate_bps=c.bit_rate_bps,
                )
                for c in self._channels
            ],
            seed=seed,
            loss=flight.scenario.medium.loss,
            capture_db=flight.scenario.medium.capture_db,
        )
        slowest = min(c.bit_rate_bps for c in self._channels)
        self._unsettled_ns = airtime_ns(MAX_FRAME_BYTES, slowest) + 2 * LONGEST_DELAY_NS
        self._heap: list[tuple[int, int, int, Callable[[int], None]]] = []
        self._pushed = 0
        self._woken: dict[int, int] = {}
        self.seats: dict[int, Seat] = {}
        self.monitors: dict[int, Monitor] = {}
        self._clock_ns: dict[int, int] = {}
        """The monitors' clocks less medium time."""
        self._motions: dict[int, Motion] = {}
        self._horizon_ns = flight.start_ns
        self._there: set[int] = set()
        for entry in flight.stations:
            self._add(entry, open_file, on_finding)
            on_finding = on_finding if not self.monitors else None

    # ------------------------------------------------------------ stations

    def _add(
        self,
        entry: StationEntry,
        open_file: Callable[[str], BinaryIO],
        on_finding: Callable[[Finding], None] | None,
    ) -> None:
        self._motions[entry.address] = (
            motion_of(entry, self.flight) if entry.role != "monitor" else self.flight.motions[entry.address]
        )
        if entry.role == "monitor":
            self._add_monitor(entry, open_file, on_finding)
        else:
            self.seats[entry.address] = seat_of(entry, self.flight, self.seed)
            self._push(self.now_ns, entry.address, lambda now, a=entry.address: self._start(now, a))  # type: ignore[misc]
        self._place(entry.address, self.now_ns)
        if entry.role != "monitor":
            self._push(self.now_ns, entry.address, lambda now, a=entry.address: self._follow(now, a))  # type: ignore[misc]

    def _add_monitor(
        self,
        entry: StationEntry,
        open_file: Callable[[str], BinaryIO],
        on_finding: Callable[[Finding], None] | None,
    ) -> None:
        assert entry.at is not None
        name = entry.call_sign.lower().replace(" ", "_")
        file = "monitor.pcapng" if not self.monitors else f"{name}.pcapng"
        header = header_text(self.flight.agreement, self.flight.annexes, name, entry.party, self.flight.start_ns)
        latitude, longitude, height_ft = entry.at
        self.monitors[entry.address] = Monitor(
            name,
            Place(round(latitude * 1e7), round(longitude * 1e7), round(height_ft * FT_M * 100)),
            frozenset(c.number for c in self._channels),
            open_file(file),
            header,
            # one judge: what further monitors record is judged by `check`
            None if self.monitors else Judge(self.flight.agreement, self.flight.annexes, on_finding),
        )
        drawn = random_of(self.seed, entry.address).uniform(-1, 1)
        self._clock_ns[entry.address] = round(drawn * MONITOR_CLOCK_US * 1000)

    def _start(self, now_ns: int, address: int) -> None:
        self._hand_over(address, self.seats[address].start(now_ns), now_ns)

    def _wake(self, now_ns: int, address: int) -> None:
        self._woken.pop(address, None)
        seat = self.seats.get(address)
        if seat:
            self._hand_over(address, seat.wake(now_ns), now_ns)

    def _follow(self, now_ns: int, address: int) -> None:
        if address in self.seats:
            self._place(address, now_ns + PLACE_AHEAD_NS)
            # who is not there yet is looked for in every window: it is on the air before it can have sent anything
            again_ns = PLACE_EVERY_NS if address in self._there else WINDOW_NS
            self._push(now_ns + again_ns, address, lambda now: self._follow(now, address))

    def _place(self, address: int, at_ns: int) -> None:
        """Tell the medium where a station will be at an instant, and whether it is there at all."""
        here = self._motions[address].at(at_ns)
        if here is None:
            if address in self._there:
                self._there.discard(address)
                self._medium.leave(address, at_ns)
            return
        if address not in self._there:
            self._there.add(address)
            entry = next(s for s in self.flight.stations if s.address == address)
            tuned = self._channels if address in self.monitors else self.flight.agreement.channel
            radio = Radio(address=address, power_dbm=entry.power_dbm)
            self._medium.join(radio, frozenset(c.number for c in tuned), at_ns)
        height_m = here.altitude_ft * FT_M
        at = ecef_m(here.latitude_deg, here.longitude_deg, height_m)
        north_m, east_m = metres_per_degree(here.latitude_deg, here.altitude_ft)
        ahead = ecef_m(
            here.latitude_deg + here.velocity_north_mps / north_m,
            here.longitude_deg + here.velocity_east_mps / east_m,
            height_m + here.velocity_up_mps,
        )
        self._medium.place(address, at_ns, at, ahead - at, height_m)

    def remove(self, address: int) -> None:
        """Take a station away, without a word of farewell."""
        del self.seats[address]
        if address in self._there:
            self._there.discard(address)
            self._medium.leave(address, max(self.now_ns, self._horizon_ns))

    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None:
        """Let a station's transmitter send a message now."""
        self._hand_over(address, self.seats[address].send(self.now_ns, message, channel, about_ns), self.now_ns)

    # ------------------------------------------------------------ time

    def advance(self, until_ns: int) -> None:
        """Move medium time on to an instant; everything due before it happens."""
        while self.now_ns < until_ns:
            window_end = self.now_ns - self.now_ns % WINDOW_NS + WINDOW_NS
            if self.now_ns % WINDOW_NS == 0 or self.now_ns == self.flight.start_ns:
                self._settle(window_end)
            end = min(window_end, until_ns)
            while self._heap and self._heap[0][0] < end:
                at_ns, _, _, action = heappop(self._heap)
                self.now_ns = max(self.now_ns, at_ns)
                action(self.now_ns)
            self.now_ns = end

    def _settle(self, horizon_ns: int) -> None:
        self._horizon_ns = horizon_ns
        for fate in self._medium.settle(horizon_ns):
            self._report_fate(fate)
            self._push(fate.due_ns, fate.transmission.source, lambda now, f=fate: self._deliver(now, f))  # type: ignore[misc]
        for monitor in self.monitors.values():
            monitor.flush(self.now_ns - self._unsettled_ns)

    def _deliver(self, now_ns: int, fate: Fate) -> None:
        """Hand a frame to everybody who received it, in order of address."""
        sent = fate.transmission
        frame = None
        for i, receiver in enumerate(fate.receivers):
            if fate.outcomes[i] is not Outcome.RECEIVED:
                continue
            if receiver in self.monitors:
                arrival = fate.arrival_ns[i] + self._clock_ns[receiver]
                self.monitors[receiver].receive(arrival, sent.channel, round(fate.power_dbm[i] * 10), sent.data)
            elif receiver in self.seats:
                frame = frame or codec.decode(sent.data)
                hearing = Hearing(frame, sent.channel, fate.arrival_ns[i], fate.power_dbm[i])
                self._hand_over(receiver, self.seats[receiver].hear(now_ns, hearing), now_ns)

    def _hand_over(self, address: int, frames: list[Outgoing], now_ns: int) -> None:
        for out in frames:
            assert out.start_ns >= now_ns + WINDOW_NS, "a frame is handed over a window ahead, or the drivers differ"
            if address in self._there:
                key = out.frame.key
                self._medium.transmit(Transmission(*key, out.channel, out.start_ns, out.data))
        seat = self.seats.get(address)
        wake = seat.next_wake_ns() if seat else None
        if wake is not None and self._woken.get(address, 1 << 63) > wake:
            self._woken[address] = wake
            self._push(wake, address, lambda now, a=address: self._wake(now, a))  # type: ignore[misc]

    def _push(self, at_ns: int, address: int, action: Callable[[int], None]) -> None:
        self._pushed += 1
        heappush(self._heap, (at_ns, address, self._pushed, action))

    def _report_fate(self, fate: Fate) -> None:
        sent = fate.transmission
        self.transmissions += 1
        self.outcomes.update(fate.outcomes)
        line = {
            "frame": f"{sent.source:06x}:{sent.session}:{sent.sequence}",
            "start_ns": sent.start_ns,
            "channel": sent.channel,
            "bytes": len(sent.data),
            "receivers": {
                f"{receiver:06x}": [outcome, fate.power_dbm[i]]
                + ([f"{fate.rivals[i]:06x}"] if fate.rivals[i] >= 0 else [])
                for i, (receiver, outcome) in enumerate(zip(fate.receivers, fate.outcomes, strict=True))
            },
        }
        self._truth.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """End the run: what is on the air is over, recordings are closed, the judges give their last findings."""
        end_ns = self.now_ns
        for fate in self._medium.settle(end_ns):
            self._report_fate(fate)
            self._deliver(end_ns, fate)
        for monitor in self.monitors.values():
            monitor.close(end_ns)

    @property
    def judge(self) -> Judge:
        """The first monitor's."""
        judge = next(iter(self.monitors.values())).judge
        assert judge is not None
        return judge
