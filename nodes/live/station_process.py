"""A process with one or more of our stations."""

from collections.abc import Mapping

import zmq

from nodes.flight import Flight
from nodes.live.child import GONE, Control, Waiting, begin
from nodes.live.client import Client
from nodes.live.line_client import LineClient, LineStart
from nodes.node import Node, StationFault
from nodes.scenario import StationEntry
from radio.delivery import of_one
from radio.envelope import End, Fleet, FromHub, Marks, Refused, Time, Welcome


def station_process(
    control: Control,
    endpoint: str,
    flight: Flight,
    seed: int,
    keys: Mapping[int, bytes],
    line: LineStart | None = None,
) -> None:
    """Fly the stations named by `keys` until the run is over; `line` is the ground line, for headquarters.

    Takes ("send", address, message, channel, about_ns) and ("remove", address), and answers "ok"; ("hello",) if there
    may be another hub, and ("over", now_ns) if there is none any more. Tells ("fault", address, about) when a station's
    own code fails: it is gone then, the others go on.
    """
    entries = [s for s in flight.stations if s.address in keys]
    begin(f"station {', '.join(s.call_sign for s in entries)}")
    context = zmq.Context()
    try:
        clients = [Client(context, endpoint, s.address, keys[s.address]) for s in entries]
        _fly(control, {s.address: Flying(s, flight, seed, c, line) for s, c in zip(entries, clients, strict=True)})
    except GONE:
        pass
    finally:
        context.destroy(linger=0)


def _fly(control: Control, crew: "dict[int, Flying]") -> None:
    waiting = Waiting(control, [f.client.socket for f in crew.values()])
    while crew:
        if waiting():
            _obey(control, crew, waiting)
        for address, flying in list(crew.items()):
            try:
                over = flying.turn()
            except StationFault as fault:
                control.send(("fault", address, fault.about))
                over = True
            if over:
                waiting.forget(flying.client.socket)
                flying.close()
                del crew[address]


def _obey(control: Control, crew: "dict[int, Flying]", waiting: Waiting) -> None:
    match control.recv():
        case ("send", int(address), message, int(channel), int(about_ns)):
            flying = crew[address]
            assert flying.node is not None
            flying.client.send(flying.node.send(message, channel, about_ns))
            control.send("ok")
        case ("remove", int(address)):
            flying = crew.pop(address)
            waiting.forget(flying.client.socket)
            flying.close()
            control.send("ok")
        case ("hello",):
            for flying in crew.values():
                flying.client.hello()
        case ("over", int()):
            crew.clear()


class Flying:
    """A station and its connection. The station begins anew with each life that the hub gives it."""

    def __init__(self, entry: StationEntry, flight: Flight, seed: int, client: Client, line: LineStart | None = None):
        self.entry, self.client = entry, client
        self._line_start = line if flight.line and entry.address in flight.line.clients else None
        self._line: LineClient | None = None
        self._flight, self._seed = flight, seed
        self.node: Node | None = None
        self.refused: str | None = None
        """Why the hub would not have it, the last time."""
        self.why_over = ""
        """Why the run is over, by the hub's word."""

    def turn(self) -> bool:
        """Do what the hub's messages ask for; whether the run is over."""
        while (said := self.client.receive()) is not None:
            if self._do(said):
                return True
        return False

    def _do(self, said: FromHub) -> bool:
        match said:
            case Welcome() if self.client.anew(said):
                self._come_to_the_line(said.now_ns)
                self.node = Node(self.entry, self._flight, self._seed, said.now_ns, said.life)
                self.client.send(self.node.run(said.now_ns))
                self.client.done(said.now_ns)
            case Time() if self.node is not None:
                self.node.take(of_one(said.receptions))
                self.client.send(self.node.run(said.until_ns))
                if self._line:
                    self._line.window(said.from_ns, said.until_ns)
                    if (mark := self._line.mark) is not None:
                        self.client.send([mark])
                self.client.done(said.until_ns)
            case Marks(marks=marks) if self._line:
                self._line.keep_up(marks)
            case Fleet(frames=frames) if self._line:
                self._line.aired(frames)
            case Refused(reason=reason):
                self.node, self.refused = None, reason  # the client asks again after a while
            case End(reason=reason):
                self.why_over = reason
                return True
            case _:
                pass
        return False

    def _come_to_the_line(self, now_ns: int) -> None:
        """A headquarters begins. On the line it goes on as it was when only the hub is another."""
        if self._line_start and self._line is None:
            self._line = LineClient(self._line_start, self.entry, self._flight, now_ns)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()
        self.leave_the_line()

    def leave_the_line(self) -> None:
        """A headquarters takes leave of the others."""
        if self._line:
            self._line.close()
            self._line = None
