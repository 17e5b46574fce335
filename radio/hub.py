"""The hub: who takes part, medium time in windows, and what is delivered to whom. Sans-I/O: it is told, and answers.

Both drivers run it: the virtual one calls it directly, the live one carries what is said to it over links. Time goes on
when every station that is granted time has said that it is done; so nobody's speed can change what happens.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from radio.delivery import EMPTY, Delivery, Roll, deliver
from radio.envelope import (
    FARTHEST_AHEAD_NS,
    Alive,
    Done,
    Hello,
    Jam,
    Mark,
    OffAir,
    Place,
    Reception,
    Transmit,
    Trouble,
    Tune,
)
from radio.geodesy import ecef_m, ecef_velocity_mps
from radio.load import Load
from radio.medium import Burst, Medium, Settled, Transmission
from radio.plan import Berth, Event, Plan
from radio.truth import truth_lines

__all__ = ["WINDOW_NS", "Berth", "Event", "Hub", "NotAdmitted", "Plan", "Said", "Window"]

WINDOW_NS = 50_000_000
"""Medium time is granted in windows of this length; what is sent is handed over at least one ahead."""
FARTHEST_BACK_NS = 1_000_000_000
"""Lateness is trouble for so long at most: a late frame must not excuse whatever was before."""
MOST_PENDING = 64
"""Frames of one station that are still to come: each is weighed against all others that overlap it."""
LIVES_TO_BEGIN_WITH = 10
"""Who joins more often than this, and once in a second, is refused for a while: each life costs records."""
MOST_A_WINDOW = 512
"""Frames, places and the like that a station may hand over in one window."""
CALM_NS = 1_000_000_000
"""Trouble with single frames is over when there was none for so long."""

Said = Transmit | Jam | Place | OffAir | Tune | Done | Mark | Alive


class NotAdmitted(Exception):
    """A station may not take part; the text says why."""


class Window(NamedTuple):
    """A stretch of medium time, what is received in it by whom, what monitors must be told, and which frames are now
    known to be on the air."""

    from_ns: int
    until_ns: int
    delivery: Delivery
    troubles: list[Trouble]
    sent: Sequence[Transmission] = ()

    def receptions(self, address: int) -> tuple[Reception, ...]:
        """What a station receives, one by one."""
        return self.delivery.received(address).receptions()


@dataclass(slots=True)
class _Present:
    """A station that takes part."""

    on_air_ns: int | None = None
    off_air_ns: int | None = None
    """From when until when the medium has it; None before it is placed, and while no end is told."""
    pending: list[int] = field(default_factory=list)
    """The starts of its frames that are still to come; a heap."""
    tuned: frozenset[int] = frozenset()

    def on_air(self, at_ns: int) -> bool:
        """Whether the medium has it at an instant, as far as it is told."""
        return (
            self.on_air_ns is not None
            and self.on_air_ns <= at_ns
            and (self.off_air_ns is None or at_ns < self.off_air_ns)
        )


class Hub:
    """One run's hub. `truth` takes a line per frame; None: nobody wants it. `load` counts what the medium settles.

    A hub that takes over from one that was lost begins at `now_ns`.

    `counts` has what did not go as it should between stations and hub. What excuses a station: `host_late` frames that
    came after their start, receptions that were `host_dropped`, silences (`host_silent`). What excuses nobody: `late`
    frames in granted time, frames and messages that were `too_many`, frames of stations that were `not_on_air`.
    """

    def __init__(self, plan: Plan, truth: Callable[[str], object] | None = None, now_ns: int | None = None):
        self.plan = plan
        self.now_ns = plan.start_ns if now_ns is None else now_ns
        self.load = Load(plan.channels)
        self.counts: Counter[str] = Counter()
        self.lives: Counter[int] = Counter()
        self.marks: dict[int, Mark] = {}
        """How far each has come that others keep up with."""
        self._truth = truth
        self._channels = {c.number: c for c in plan.channels}
        self._medium = Medium(plan.channels, plan.laws, seed=plan.seed)
        self._delivery = EMPTY
        self._roll = Roll({})
        self._events = deque(plan.events)
        self._horizon_ns = self.now_ns
        self._present: dict[int, _Present] = {}
        self._troubled: dict[int, tuple[int, int | None]] = {}
        """Trouble that is not over: since when, and when it last showed (None: until the station is back)."""
        self._troubles: list[Trouble] = []
        self._left_ns: dict[int, int] = {}
        self._untold: list[Settled] = []
        self._granted: set[int] = set()
        """Who takes time in windows; all others follow the clock."""
        self._busy: set[int] = set()
        """Who has not yet done with the time it was granted."""
        self._handed_over: Counter[int] = Counter()
        """How much each has said in this window."""

    # ------------------------------------------------------------ taking part

    def admit(self, hello: Hello) -> int:
        """Let a station take part; returns its life, 0 for the first. Raises NotAdmitted.

        One that is granted time says where it is, and then that it is done with the time until now.
        """
        berth = self.plan.berths.get(hello.address)
        if berth is None:
            raise NotAdmitted(f"nobody with the address {hello.address:06x} is expected in this run")
        if hello.address in self._present:
            raise NotAdmitted(f"the address {hello.address:06x} is taken by a station that is already there")
        if berth.key is not None and berth.key != hello.key:
            raise NotAdmitted(f"{hello.address:06x} is started by the run itself, and this is not its key")
        seconds = (self.now_ns - self.plan.start_ns) // 1_000_000_000
        if berth.key is None and self.lives[hello.address] > LIVES_TO_BEGIN_WITH + seconds:
            raise NotAdmitted(f"{hello.address:06x} has joined too often; try again later")
        tuned = self.plan.tuned(hello.address, self.now_ns)
        self._present[hello.address] = _Present(tuned=tuned)
        self.lives[hello.address] += 1
        if hello.granted:
            self._granted.add(hello.address)
            self._busy.add(hello.address)  # time waits until it has said where it is, and is done
        self._over(hello.address)
        return self.lives[hello.address] - 1

    def leave(self, address: int) -> None:
        """A station takes part no longer: it said so, or whoever runs the test wants it gone."""
        present = self._present.pop(address, None)
        self._granted.discard(address)
        self._busy.discard(address)
        self._delivery = self._delivery.without(address)
        self._roll.begin_anew(address)
        if present is not None and present.on_air_ns is not None:
            at_ns = max(self._horizon_ns, present.on_air_ns)
            if present.on_air(at_ns):
                self._medium.leave(address, at_ns)
                self._left_ns[address] = at_ns

    def lose(self, address: int) -> None:
        """A station is gone through no wish of its own: its silence from now on is our trouble, until it is back."""
        self.leave(address)
        self.trouble(address, self.now_ns, lasting=True)

    def trouble(self, address: int, from_ns: int, *, lasting: bool) -> None:
        """Note that the emulator has trouble with a station (0: with all). Monitors are told with the next window."""
        since, shown = self._troubled.get(address, (None, 0))
        if since is not None and from_ns <= since - CALM_NS // 2:  # longer ago than was known: that is another record
            self._over(address)
            since = None
        if since is None:
            since = min(from_ns, self.now_ns)
            self._troubles.append(Trouble(self.now_ns, address, since, None))
        self._troubled[address] = (since, None if lasting or shown is None else self.now_ns)

    def trouble_over(self, address: int) -> None:
        """A station that was silent can be heard of again."""
        self._over(address)

    def _over(self, address: int) -> None:
        since, _ = self._troubled.pop(address, (None, None))
        if since is not None:
            self._troubles.append(Trouble(self.now_ns, address, since, self.now_ns))

    def lasting(self) -> list[Trouble]:
        """Trouble that is not over, for a monitor that comes back."""
        return [Trouble(self.now_ns, address, since, None) for address, (since, _) in sorted(self._troubled.items())]

    def present(self, address: int) -> bool:
        """Whether a station takes part."""
        return address in self._present

    def open_to_all(self, address: int) -> bool:
        """Whether anybody may take this address: it is asked no key of."""
        return self.plan.berths[address].key is None

    def granted(self, address: int) -> bool:
        """Whether a station that takes part is granted time."""
        return address in self._granted

    # ------------------------------------------------------------ what stations say

    def tell(self, address: int, said: Said) -> None:
        """A station that takes part says something. Raises ValueError for what makes no sense."""
        match said:
            case Done(until_ns=until_ns):
                if address not in self._granted or until_ns > self.now_ns:
                    raise ValueError(f"done until {until_ns}: it was never granted so much")
                if until_ns == self.now_ns:
                    self.done(address)
            case Transmit(start_ns=at_ns):
                if self._takes(address, at_ns):
                    self._transmit(address, said)
            case Jam(start_ns=at_ns):
                if self._takes(address, at_ns):
                    self._jam(address, said)
            case Place(at_ns=at_ns):
                if self._takes(address, at_ns):
                    self._place(address, said)
            case OffAir(at_ns=at_ns):
                if self._takes(address, at_ns):
                    self._off_air(address, at_ns)
            case Tune(at_ns=at_ns, channels=channels):
                if self._takes(address, at_ns):
                    self._tune(address, at_ns, channels)
            case Mark():
                if not self.plan.berths[address].keeps_up:
                    raise ValueError("nobody keeps up with this station")
                self.marks[address] = said
            case Alive():
                pass

    def _takes(self, address: int, at_ns: int) -> bool:
        """Whether it may say this now: what must be remembered has bounds in number and in time."""
        if at_ns > self._horizon_ns + FARTHEST_AHEAD_NS:
            raise ValueError(f"this is for more than {FARTHEST_AHEAD_NS} ns ahead")
        self._handed_over[address] += 1
        if self._handed_over[address] > MOST_A_WINDOW and self.plan.berths[address].equipment.listens:
            self.counts["too_many"] += 1
            return False
        return True

    def _transmit(self, address: int, sent: Transmit) -> None:
        if sent.channel not in self._channels:
            raise ValueError(f"there is no channel {sent.channel}")
        if not self.plan.berths[address].equipment.listens:
            raise ValueError("a jammer sends no frames")
        if self._may_start(address, sent.start_ns):
            key = (address, sent.session, sent.sequence)
            self._medium.transmit(Transmission(*key, sent.channel, sent.start_ns, sent.data, sent.slot))

    def _jam(self, address: int, jam: Jam) -> None:
        if jam.channel not in self._channels or self.plan.berths[address].equipment.listens:
            raise ValueError(f"only jammers jam, and there must be a channel {jam.channel}")
        if self._may_start(address, jam.start_ns):
            self._medium.jam(Burst(address, jam.channel, jam.start_ns, jam.duration_ns))

    def _may_start(self, address: int, start_ns: int) -> bool:
        """Whether a station can start something at an instant; if not, it is counted why."""
        present = self._present[address]
        if start_ns < self._horizon_ns:
            if address in self._granted:  # by its own fault alone
                self.counts["late"] += 1
            else:
                self.counts["host_late"] += 1
                self.trouble(address, max(start_ns, self.now_ns - FARTHEST_BACK_NS), lasting=False)
            return False
        if not present.on_air(start_ns):
            self.counts["not_on_air"] += 1
            return False
        if not self.plan.berths[address].equipment.listens:
            return True  # jammers are our own, and their pulses are many
        while present.pending and present.pending[0] < self._horizon_ns:
            heappop(present.pending)
        if len(present.pending) >= MOST_PENDING:
            self.counts["too_many"] += 1
            return False
        heappush(present.pending, start_ns)
        return True

    def dropped(self, address: int, count: int = 1) -> None:
        """So many receptions of a station were dropped between the hub and it."""
        self.counts["host_dropped"] += count
        self.trouble(address, self.now_ns, lasting=False)

    def _place(self, address: int, place: Place) -> None:
        present = self._present[address]
        latitude, longitude, height_m = place.latitude_deg, place.longitude_deg, place.height_m
        velocity_mps = ecef_velocity_mps(latitude, longitude, place.north_mps, place.east_mps, place.up_mps)
        position_m = ecef_m(latitude, longitude, height_m)
        at_ns = max(place.at_ns, self._horizon_ns)
        off_ns = present.off_air_ns
        if present.on_air_ns is None or (off_ns is not None and (off_ns <= at_ns or off_ns <= present.on_air_ns)):
            at_ns = max(at_ns, self._left_ns.get(address, 0))
            self._medium.join(self.plan.equipment(address, at_ns), present.tuned, at_ns)
            present.on_air_ns, present.off_air_ns = at_ns, None
        self._medium.place(address, max(at_ns, present.on_air_ns), position_m, velocity_mps, height_m)

    def _off_air(self, address: int, at_ns: int) -> None:
        present = self._present[address]
        if present.on_air_ns is not None and present.off_air_ns is None:
            present.off_air_ns = max(at_ns, self._horizon_ns, present.on_air_ns)
            self._left_ns[address] = present.off_air_ns
            self._medium.leave(address, present.off_air_ns)

    def _tune(self, address: int, at_ns: int, channels: frozenset[int]) -> None:
        present = self._present[address]
        if not channels <= self._channels.keys():
            raise ValueError(f"there are not all of the channels {sorted(channels)}")
        present.tuned = channels
        if present.on_air_ns is not None:
            at_ns = max(at_ns, self._horizon_ns, present.on_air_ns)
            if present.on_air(at_ns):
                self._medium.tune(address, channels, at_ns)

    # ------------------------------------------------------------ time

    def waiting_for(self) -> list[int]:
        """The stations that have not yet done with the time they were granted."""
        return sorted(self._busy)

    def next_window(self, limit_ns: int) -> Window:
        """Let time go on: to the end of the window, or to `limit_ns` if that comes first.

        Whoever calls has made sure that nobody is waited for.
        """
        from_ns = self.now_ns
        sent: Sequence[Transmission] = ()
        self.write_truth()
        if from_ns >= self._horizon_ns:
            horizon_ns = from_ns - from_ns % WINDOW_NS + WINDOW_NS
            self._let_happen(horizon_ns)
            self._horizon_ns = horizon_ns
            settled = self._medium.settle(self._horizon_ns)
            self.load.take(settled)
            sent = settled.transmissions
            if self._truth is not None:
                self._untold.append(settled)
            self._roll = self._roll.now(self._present.keys())
            self._delivery = deliver(settled, self._roll)
        self.now_ns = min(self._horizon_ns, limit_ns)
        for address, (_, shown) in list(self._troubled.items()):
            if shown is not None and from_ns - shown > CALM_NS:
                self._over(address)
        self._handed_over.clear()
        self._busy |= self._granted
        troubles, self._troubles = self._troubles, []
        return Window(from_ns, self.now_ns, self._due(), troubles, sent)

    def _let_happen(self, until_ns: int) -> None:
        """Tell the medium of the events before an instant."""
        while self._events and self._events[0].at_ns < until_ns:
            event = self._events.popleft()
            present = None if event.address is None else self._present.get(event.address)
            if event.loss is not None:
                self._medium.set_loss(event.loss, event.at_ns)
            elif event.address is None or present is None:
                continue  # who is not there has it when it comes
            elif event.channels is not None:
                self._tune(event.address, event.at_ns, event.channels)
            elif event.power_dbm is not None and present.on_air(event.at_ns):
                self._medium.set_power(event.address, event.power_dbm, event.at_ns)

    def write_truth(self) -> None:
        """Write what is settled to the truth: while stations do their part, if there is time; else with the window."""
        for settled in self._untold:
            for line in truth_lines(settled, self._channels):
                assert self._truth is not None
                self._truth(line)
        self._untold.clear()

    def done(self, *addresses: int) -> None:
        """Stations are done with all the time that they were granted."""
        self._busy.difference_update(addresses)

    def _due(self) -> Delivery:
        """What is due before now: everything, but where a window is cut short."""
        if self.now_ns < self._horizon_ns:
            due, self._delivery = self._delivery.until(self.now_ns)
        else:
            due, self._delivery = self._delivery, EMPTY
        self._roll.count(due)
        return due

    def last_troubles(self) -> list[Trouble]:
        """What monitors have not been told yet, when the run is over."""
        troubles, self._troubles = self._troubles, []
        return troubles
