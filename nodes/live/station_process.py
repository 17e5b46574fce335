"""A process with one or more of our stations."""

from collections.abc import Mapping

import zmq

from nodes.flight import Flight
from nodes.live.child import GONE, Control, Waiting, begin
from nodes.live.client import Client
from nodes.node import Node, StationFault
from nodes.scenario import StationEntry
from radio.delivery import of_one
from radio.envelope import End, FromHub, Refused, Time, Welcome


def station_process(control: Control, endpoint: str, flight: Flight, seed: int, keys: Mapping[int, bytes]) -> None:
    """Fly the stations named by `keys` until the run is over.

    Takes ("send", address, message, channel, about_ns) and ("remove", address), and answers "ok"; ("hello",) if there
    may be another hub, and ("over", now_ns) if there is none any more. Tells ("fault", address, about) when a station's
    own code fails: it is gone then, the others go on.
    """
    entries = [s for s in flight.stations if s.address in keys]
    begin(f"station {', '.join(s.call_sign for s in entries)}")
    context = zmq.Context()
    try:
        clients = [Client(context, endpoint, s.address, keys[s.address]) for s in entries]
        _fly(control, {s.address: Flying(s, flight, seed, c) for s, c in zip(entries, clients, strict=True)})
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
                flying.client.close()
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
            flying.client.close()
            control.send("ok")
        case ("hello",):
            for flying in crew.values():
                flying.client.hello()
        case ("over", int()):
            crew.clear()


class Flying:
    """A station and its connection. The station begins anew with each life that the hub gives it."""

    def __init__(self, entry: StationEntry, flight: Flight, seed: int, client: Client):
        self.entry, self.client = entry, client
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
                self.node = Node(self.entry, self._flight, self._seed, said.now_ns, said.life)
                self.client.send(self.node.run(said.now_ns))
                self.client.done(said.now_ns)
            case Time() if self.node is not None:
                self.node.take(of_one(said.receptions))
                self.client.send(self.node.run(said.until_ns))
                self.client.done(said.until_ns)
            case Refused(reason=reason):
                self.node, self.refused = None, reason  # the client asks again after a while
            case End(reason=reason):
                self.why_over = reason
                return True
            case _:
                pass
        return False
