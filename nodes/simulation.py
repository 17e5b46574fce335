"""The virtual driver: every station of a flight in one process, in virtual time, with no sleeping and no threads.

The hub's windows are the same as in a live run, and each station runs a window by the same code: so the same scenario
gives the same verdicts in both.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, BinaryIO, TextIO

from nodes.backlog import EVERYBODY, Backlog, Meaning
from nodes.flight import Flight
from nodes.line.virtual import VirtualLine
from nodes.monitor import Monitor, header_of, judge_for, monitors_of
from nodes.node import Node, StationFault, Told
from nodes.plan import plan_of
from nodes.stations.ledger import Roster
from nodes.together import hear_together
from protocol.accounts import Standing
from protocol.judge import Tally
from protocol.line.judging import Judging
from protocol.messages import Message
from protocol.units import NS_PER_S
from protocol.verdicts import Finding
from radio.envelope import Hello
from radio.hub import Hub, Window
from radio.medium import Outcome
from radio.recording import Writer


class Simulation:
    """One run. `advance` moves medium time on; `close` ends the run and its recordings.

    `open_file` gives the stream for a recording by the monitor's file name; `truth`, if anybody wants it, gets a line
    of JSON per frame.
    `broken` tells of stations whose own code failed: each is gone from then on.
    """

    mode = "simulate"

    def __init__(
        self,
        flight: Flight,
        seed: int,
        open_file: Callable[[str], BinaryIO],
        truth: TextIO | None = None,
        on_finding: Callable[[Finding], None] | None = None,
    ):
        self.flight, self.seed = flight, seed
        self.broken: list[str] = []
        self.told: list[str] = []
        self.stretched = (0, 0)
        self.waited_for: list[str] = []
        self._hub = Hub(plan_of(flight, seed), truth.write if truth is not None else None)
        self._monitors: dict[int, Monitor] = {}
        for name, entry in monitors_of(flight).items():
            # one judge: what further monitors record is judged by `check`
            judge = None if self._monitors else judge_for(entry, flight, on_finding)
            writer = Writer(open_file(name), header_of(entry, flight))
            self._monitors[entry.address] = Monitor(entry, flight, seed, writer, judge)
        self._line = self._line_of() if flight.line else None
        self._backlog = Backlog(Roster(s.address for s in flight.stations))
        self._nodes: dict[int, Node] = {}
        self._due: list[tuple[int, int]] = []
        """A heap of when something happens to a node next, with its address; what is no longer so stands there, too."""
        self._of_users = {s.address for s in flight.stations if s.python is not None}
        """Stations of the user's own classes, which may want every frame at its instant."""
        for entry in (s for s in flight.stations if not s.foreign):
            self._hub.admit(Hello(entry.address, granted=True))
            if entry.role == "monitor":
                self._tell(entry.address, self._monitors[entry.address].begin(flight.start_ns))
            else:
                self._begin(entry.address)
            self._hub.done(entry.address)

    def _begin(self, address: int) -> None:
        entry = next(s for s in self.flight.stations if s.address == address)
        try:
            node = self._nodes[address] = Node(entry, self.flight, self.seed, self.now_ns, backlog=self._backlog)
            self._run(address, node, self.now_ns)  # where it is, before the first window is settled
        except StationFault as fault:
            self._failed(fault)

    @property
    def now_ns(self) -> int:
        """Medium time."""
        return self._hub.now_ns

    def tallies(self) -> list[Tally]:
        """What the first monitor's judge has found so far."""
        return self._judge().so_far()

    def heard(self) -> Mapping[int, Counter[Standing]]:
        """What the frames that it heard were good for."""
        return self._judge().heard

    def _judge(self) -> Judging:
        judge = next(iter(self._monitors.values())).judge
        assert judge is not None
        return judge

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """What became of the frames so far."""
        return self._hub.load.outcomes

    @property
    def transmissions(self) -> int:
        """How many frames were on the air so far."""
        return self._hub.load.transmissions

    @property
    def load(self) -> Mapping[str, Any]:
        """How busy the channels were, as `radio.load` counts it."""
        return self._hub.load.to_json()

    @property
    def counts(self) -> Mapping[str, int]:
        """What did not go as it should between stations and hub."""
        return self._hub.counts

    @property
    def hub(self) -> Hub:
        """The run's hub, for stations that are not ours."""
        return self._hub

    def advance(self, until_ns: int) -> None:
        """Move medium time on to an instant; everything due before it happens."""
        while self.now_ns < until_ns:
            self.step(until_ns)

    def step(self, until_ns: int) -> Window:
        """Let all our stations run the next window, or what of it comes before an instant; return the window."""
        window = self._hub.next_window(until_ns)
        self._hub.write_truth()
        if self._line:
            self._line.step(window.until_ns, window.sent)
        for address, monitor in self._monitors.items():
            monitor.take(window.from_ns, window.receptions(address), window.troubles)
            if self._line:
                monitor.read(self._line.came(address), self._line.cuts(address, window.until_ns), window.until_ns)
            self._tell(address, monitor.switches(window.until_ns))
            self._hub.done(address)
        meaning = self._backlog.take(window.delivery)
        called, in_need = self._called(meaning), self._in_need(window.until_ns)
        hear_together((self._nodes[address].look() for address in in_need - called), self._backlog, window.until_ns)
        for address in sorted(called | in_need):
            node = self._nodes[address]
            try:
                if address in called:
                    node.called(window.delivery.received(address), meaning)
                if node.due_ns < window.until_ns:
                    self._run(address, node, window.until_ns)
            except StationFault as fault:
                self._failed(fault)
        self._hub.done(*self._nodes)
        return window

    def _line_of(self) -> VirtualLine:
        judges = {a: m.judge.so_far if m.judge else None for a, m in self._monitors.items()}
        return VirtualLine(self.flight, judges)

    def _called(self, meaning: Meaning) -> set[int]:
        """Who must be told of something in a delivery at its instant."""
        if EVERYBODY in meaning.calls:
            return set(self._nodes)
        return (meaning.calls.keys() | self._of_users) & self._nodes.keys()

    def _in_need(self, until_ns: int) -> set[int]:
        """Whom something happens to before an instant. Only these are looked at, however many there are."""
        due: set[int] = set()
        while self._due and self._due[0][0] < until_ns:
            due.add(heappop(self._due)[1])
        return due & self._nodes.keys()

    def _run(self, address: int, node: Node, until_ns: int) -> None:
        self._tell(address, node.run(until_ns))
        heappush(self._due, (node.due_ns, address))

    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None:
        """Let a station's transmitter send a message now."""
        node = self._nodes[address]
        self._run(address, node, self.now_ns)  # it may not have been touched for a while
        self._tell(address, node.send(message, channel, about_ns))
        heappush(self._due, (node.due_ns, address))

    def _tell(self, address: int, told: Sequence[Told]) -> None:
        for said in told:
            self._hub.tell(address, said)

    def remove(self, address: int) -> None:
        """Take a station away, without a word of farewell."""
        del self._nodes[address]
        self._hub.leave(address)

    def there(self) -> list[int]:
        """The addresses of our stations that are still running."""
        return list(self._nodes)

    def close(self) -> None:
        """End the run: recordings are closed, the judge gives its last findings."""
        for monitor in self._monitors.values():
            monitor.take(self.now_ns, (), self._hub.last_troubles())
            monitor.close(self.now_ns)

    def _failed(self, fault: StationFault) -> None:
        at_s = (self.now_ns - self.flight.start_ns) / NS_PER_S
        self.broken.append(f"at {at_s:.2f} s: {fault.about}; it is gone from then on")
        self._nodes.pop(fault.address, None)
        self._hub.lose(fault.address)
