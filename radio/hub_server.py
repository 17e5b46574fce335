"""The hub as a process: carries what stations say over ZeroMQ, keeps the pace, and answers to whoever started it.

Only carrying lives here; what it means is in `radio.hub`, how it is written in `radio.envelope`. One thread, no queue
without a bound: a station that does not take its messages loses them, and nobody waits for it but for its time. What
ZeroMQ itself cannot bound, a message whose parts never end, ends the hub before it takes all memory.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import zmq

from radio import envelope
from radio.envelope import Alive, BadEnvelope, Bye, Done, End, FromHub, Hello, Refused, Trouble, Welcome
from radio.hub import WINDOW_NS, Hub, NotAdmitted
from radio.hub_asked import Asked
from radio.hub_memory import check_memory
from radio.hub_pace import Pace
from radio.hub_timed import TimedStations
from radio.loopback import loopback

MOST_QUEUED = 1000
"""Messages that wait for one station; what is more is dropped and counted."""
MOST_UNREAD = 100
"""Messages of one station that wait to be taken in."""
MOST_AT_ONCE = 1000
"""Messages taken from stations before time and control are looked at again."""
MOST_REFUSED = 20
"""Refusals that are told one by one; all are counted."""
MOST_STALLS = 3
"""A station from elsewhere that was waited for in vain so often is not let in again: each time costs all others."""
SUSPENDED_NS = 1_000_000_000
"""A hub that takes so long for a turn was stopped itself, such as by Ctrl-Z."""
POKE_NS = 250_000_000
REPORT_NS = 100_000_000
LINGER_MS = 300
FIRST_PART = zmq.DONTWAIT | zmq.SNDMORE
ZEROMQ_MADE = b"\0"
"""The first byte of the routing ids that ZeroMQ makes, a new one for each connection."""


class Status(NamedTuple):
    """How a run stands, as the hub reports it. `waiting` are the stations without which time cannot go on."""

    now_ns: int
    transmissions: int
    outcomes: dict[str, int]
    load: dict[str, Any]
    counts: dict[str, int]
    stretched: int
    stretched_ns: int
    waiting: tuple[int, ...]


class HubServer:
    """Serves one hub at a loopback endpoint (port 0: a free one).

    Raises ValueError for any other endpoint, and zmq.ZMQError if the port is in use.

    `paced`: medium time does not run ahead of the clock, and stations may follow the clock. `patience_s` is how long a
    station that is granted time may take before it is set aside. `granted` is told of each window before anybody else.
    """

    def __init__(
        self,
        hub: Hub,
        listen: str,
        *,
        paced: bool,
        patience_s: float = 10.0,
        granted: Callable[[int], object] = lambda until_ns: None,
    ):
        self._hub, self._pace, self._patience_ns, self._granted = hub, Pace(paced), round(patience_s * 1e9), granted
        listen = loopback(listen)
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._router.setsockopt(zmq.SNDHWM, MOST_QUEUED)
        self._router.setsockopt(zmq.MAXMSGSIZE, envelope.MAX_FROM_STATION_BYTES)
        self._router.setsockopt(zmq.RCVHWM, MOST_UNREAD)
        self._router.setsockopt(zmq.LINGER, LINGER_MS)
        self._router.setsockopt(zmq.IPV6, "[" in listen)
        try:
            self._router.bind(listen)
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise
        self.endpoint: str = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        self._address: dict[bytes, int] = {}
        self._identity: dict[int, bytes] = {}
        self._expected: set[int] = set()
        self._limit_ns = hub.now_ns
        self._opened_ns = self._poked_ns = self._reported_ns = self._turned_ns = time.monotonic_ns()
        self._asked_ns: dict[int, int] = {}
        """When, by the clock, each station joined."""
        self._stalls: Counter[int] = Counter()
        self._timed = TimedStations(hub)
        self._reached = True
        self._over = False
        self._done = envelope.pack(Done(hub.now_ns))
        """What all who were granted time say when they are done with it."""
        self._told: list[Trouble] = []
        """Told to the monitors with the last window; one that comes back may not have got it."""
        self._asked = Asked(hub.plan, hub.marks)
        self._news: list[tuple[Any, ...]] = []
        """What whoever started the run must be told."""

    def serve(self, control: Connection) -> None:
        """Serve until told to stop, or until whoever started it is gone. Raises Flooded.

        Takes ("go", until_ns), ("expect", address), ("unexpect", address), ("lost", address), ("remove", address),
        ("trouble", address, from_ns) and ("stop", reason); tells ("joined", address, life), ("left", address), ("lost",
        address), ("stalled", address), ("refused", address, reason), ("status", Status), ("reached", Status), ("ended",
        Status).
        """
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(control.fileno(), zmq.POLLIN)
        try:
            while not self._over:
                self._time_goes_on()
                self._tell(control)
                self._hub.write_truth()
                ready = dict(poller.poll(self._idle_ms()))
                if control.fileno() in ready:
                    self._obey(control)
                if self._router in ready:
                    self._listen()
            self._tell(control)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._end("whoever started the run is gone")
        finally:
            self._context.destroy(linger=LINGER_MS)

    def status(self) -> Status:
        """How the run stands."""
        hub = self._hub
        outcomes = {outcome.value: count for outcome, count in hub.load.outcomes.items()}
        waiting = tuple(sorted({*hub.waiting_for(), *self._expected}))
        stretched = (self._pace.stretched, self._pace.stretched_ns)
        so_far = (hub.load.transmissions, outcomes, hub.load.to_json(), dict(hub.counts))
        return Status(hub.now_ns, *so_far, *stretched, waiting)

    # ------------------------------------------------------------ whoever started it

    def _obey(self, control: Connection) -> None:
        while control.poll():
            match control.recv():
                case ("go", int(until_ns)):
                    self._limit_ns, self._reached = until_ns, False
                    self._pace.begin_anew()
                case ("expect", int(address)):
                    if self._hub.present(address):  # it was faster
                        self._news.append(("joined", address, self._hub.lives[address] - 1))
                    else:
                        self._expected.add(address)
                case ("unexpect", int(address)):
                    self._expected.discard(address)
                case ("lost", int(address)):
                    self._lose(address)
                case ("remove", int(address)):
                    self._hub.leave(address)
                    self._forget(address)
                    self._expected.discard(address)
                case ("trouble", int(address), int(from_ns)):
                    self._hub.trouble(address, from_ns, lasting=False)
                case ("stop", str(reason)):
                    self._end(reason)
                    self._news.append(("ended", self.status()))

    def _tell(self, control: Connection) -> None:
        for item in self._news:
            control.send(item)
        self._news.clear()

    def _report(self) -> None:
        now_ns = time.monotonic_ns()
        if not self._reached and self._hub.now_ns >= self._limit_ns and not self._hub.waiting_for():
            self._reached = True
            self._news.append(("reached", self.status()))
        elif now_ns - self._reported_ns > REPORT_NS:
            self._reported_ns = now_ns
            self._news.append(("status", self.status()))
            check_memory()

    def _end(self, reason: str) -> None:
        for trouble in self._hub.last_troubles():
            self._tell_monitors(trouble)
        self._deliver_timed(self._hub.now_ns)
        for address in list(self._identity):
            self._send(address, End(self._hub.now_ns, reason))
        self._over = True

    # ------------------------------------------------------------ time

    def _time_goes_on(self) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._turned_ns > SUSPENDED_NS:  # nobody was asked anything meanwhile
            self._opened_ns += now_ns - self._turned_ns
            self._timed.pardon(now_ns - self._turned_ns)
        self._turned_ns = now_ns
        if (medium_ns := self._pace.medium_ns(now_ns)) is not None:
            self._deliver_timed(medium_ns)
        waiting = self._hub.waiting_for()
        if waiting:
            self._wait(waiting, now_ns)
        elif not self._expected and self._hub.now_ns < self._limit_ns and self._pace.due(now_ns, self._hub.now_ns):
            self._open(now_ns)
        self._report()

    def _idle_ms(self) -> int:
        """How long nothing is due but what others say."""
        if self._reached or self._hub.waiting_for() or self._expected:
            return 50
        due_ns = self._timed.next_due_ns
        instants = (self._hub.now_ns,) if due_ns is None else (self._hub.now_ns, due_ns)
        return max(0, min(50, -(-self._pace.left_ns(time.monotonic_ns(), *instants) // 1_000_000)))

    def _open(self, now_ns: int) -> None:
        self._opened_ns = self._poked_ns = now_ns
        window = self._hub.next_window(self._limit_ns)
        self._granted(window.until_ns)
        self._done = envelope.pack(Done(window.until_ns))
        self._told = window.troubles
        for trouble in window.troubles:
            self._tell_monitors(trouble)
        packed = window.delivery.packed()
        for address in list(self._identity):
            for told in self._asked.told(address, window.sent):
                self._send(address, told)
            receptions = packed.get(address, [])
            if self._hub.granted(address):
                data = envelope.pack_time(window.from_ns, window.until_ns, receptions)
                self._put(address, data, len(receptions))
            else:
                if self._put(address, envelope.pack_time(window.from_ns, window.from_ns, ()), 0):
                    self._timed.hold(address, receptions)
        self._timed.look_after(now_ns)

    def _tell_monitors(self, trouble: Trouble) -> None:
        for address in list(self._identity):
            if self._hub.plan.berths[address].monitor:
                self._send(address, trouble)

    def _wait(self, waiting: list[int], now_ns: int) -> None:
        """Who does not answer for too long is set aside; who is gone is noticed by talking to it."""
        for address in waiting:
            if now_ns - max(self._opened_ns, self._asked_ns.get(address, 0)) > self._patience_ns:
                reason = f"set aside: no answer for {self._patience_ns / 1e9:g} s; say HELLO to begin anew"
                self._send(address, Refused(reason))
                self._news.append(("stalled", address))
                self._stalls[address] += 1
                self._lose(address)
        if now_ns - self._poked_ns > POKE_NS:
            self._poked_ns = now_ns
            for address in waiting:
                self._send(address, Alive())

    def _deliver_timed(self, medium_ns: int) -> None:
        for due_ns, address, got in self._timed.due(medium_ns):
            self._put(address, envelope.pack_time(due_ns, due_ns, (got,)), 1)

    # ------------------------------------------------------------ stations

    def _listen(self) -> None:
        recv, hub = self._router.recv, self._hub
        for _ in range(MOST_AT_ONCE):
            try:
                identity = recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            part = recv(zmq.DONTWAIT, copy=False)
            data: bytes = part.bytes
            if data == self._done and identity in self._address and not part.more:  # by far the most frequent
                hub.done(self._address[identity])
                continue
            try:
                if part.more:
                    self._swallow()
                    raise BadEnvelope("a message of several parts")
                self._take(identity, envelope.unpack_from_station(data))
            except ValueError:  # a bad envelope, or one that makes no sense now
                hub.counts["malformed"] += 1

    def _swallow(self) -> None:
        """Take the rest of a message that has too many parts."""
        while self._router.recv(zmq.DONTWAIT, copy=False).more:
            pass

    def _take(self, identity: bytes, said: envelope.FromStation) -> None:
        address = self._address.get(identity)
        if isinstance(said, Hello):
            self._hello(identity, said)
            return
        if address is None:
            raise ValueError("nobody here has said HELLO")
        if not self._hub.granted(address):
            self._timed.spoke(address, time.monotonic_ns())
        if isinstance(said, Bye):
            self._hub.leave(address)
            self._forget(address)
            self._news.append(("left", address))
        else:
            self._hub.tell(address, said)

    def _hello(self, identity: bytes, hello: Hello) -> None:
        known = self._address.get(identity)
        if known == hello.address:
            self._welcome(identity, known)
            return
        try:
            if known is not None:
                raise NotAdmitted(f"this connection is {known:06x}'s: one connection for each station")
            if identity[:1] != ZEROMQ_MADE:
                raise NotAdmitted("this socket has a routing id of its own, and another could pass for it: set none")
            if self._stalls[hello.address] >= MOST_STALLS and self._hub.open_to_all(hello.address):
                raise NotAdmitted(f"{hello.address:06x} was waited for in vain {MOST_STALLS} times")
            if not hello.granted and not self._pace.paced:
                raise NotAdmitted("this run does not keep to the clock: ask for granted time, or run it at pace real")
            self._send(hello.address, Alive())  # if whoever has the address is gone, this shows it
            self._hub.admit(hello)
        except NotAdmitted as error:
            with contextlib.suppress(zmq.ZMQError):
                self._carry(identity, envelope.pack(Refused(str(error))))
            self._hub.counts["refused"] += 1
            if self._hub.counts["refused"] <= MOST_REFUSED:
                self._news.append(("refused", hello.address, str(error)))
            return
        self._address[identity], self._identity[hello.address] = hello.address, identity
        self._asked.begin_anew(hello.address)
        self._expected.discard(hello.address)
        # medium time may long stand still: it has as long as all others have had from the window's beginning
        self._asked_ns[hello.address] = time.monotonic_ns()
        if not hello.granted:
            self._timed.spoke(hello.address, self._asked_ns[hello.address])
        self._welcome(identity, hello.address)
        if self._hub.plan.berths[hello.address].monitor:
            for trouble in (*self._told, *self._hub.lasting()):
                self._send(hello.address, trouble)
        self._news.append(("joined", hello.address, self._hub.lives[hello.address] - 1))

    def _welcome(self, identity: bytes, address: int) -> None:
        hub = self._hub
        life = hub.lives[address] - 1
        briefing = hub.plan.briefing_of(address)
        self._send(address, Welcome(hub.plan.start_ns, hub.plan.end_ns, hub.now_ns, WINDOW_NS, life, briefing))

    def _send(self, address: int, message: FromHub) -> bool:
        return self._put(address, envelope.pack(message), 0)

    def _put(self, address: int, data: bytes, receptions: int) -> bool:
        """Send to a station that may not take it, or not be there any more. Returns whether it is there."""
        identity = self._identity.get(address)
        if identity is None:
            return False
        try:
            self._carry(identity, data)
        except zmq.Again:
            self._hub.dropped(address, max(receptions, 1))
        except zmq.ZMQError:  # no route: its connection is closed
            self._lose(address)
            return False
        return True

    def _carry(self, identity: bytes, data: bytes) -> None:
        """Send at once or not at all; two calls take a third of `send_multipart`'s time. Raises zmq.ZMQError."""
        self._router.send(identity, FIRST_PART)
        self._router.send(data, zmq.DONTWAIT)

    def _lose(self, address: int) -> None:
        if self._hub.present(address):
            self._hub.lose(address)
            self._news.append(("lost", address))
            if self._hub.plan.berths[address].monitor:
                self._expected.add(address)  # time stands still without its witness
        self._forget(address)

    def _forget(self, address: int) -> None:
        identity = self._identity.pop(address, None)
        if identity is not None:
            del self._address[identity]
        self._timed.forget(address)
