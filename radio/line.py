"""The ground line in virtual time: a broker and its clients' connections as one plain object, without input or output.

It behaves as MQTT does at QoS 1, seen from clients whose sessions persist: the order of each publisher is kept; a
client that is away finds what was published meanwhile; documents that are retained go to whoever connects anew; a last
will is published for who is lost; while the broker is down, what clients publish waits with them. It knows topics,
bytes and `retain`, and not what they mean. The same over a real broker is `radio.line_mqtt`.

What MQTT leaves open is chosen here once: all that a client does is felt `delay_ns` later, and then delivered at once;
at the same instant, the broker's and the cuts' edges come first, then the clients by name; retained documents come
in the order of their topics, for a broker need not keep them in the order of publication. Nothing is delivered twice
within one life of a client; a real broker may do that.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

DELAY_NS = 100_000_000
"""From what a client does to what others see of it."""
LOST_NS = 15_000_000_000
"""After so long without a word from a client the broker publishes its last will: 1.5 times `line_mqtt.KEEPALIVE_S`."""
MOST_TOPIC_BYTES = 1_000
MOST_PAYLOAD_BYTES = 1 << 20

Stretch = tuple[int, int]
"""From an instant until another, nanoseconds."""


class Will(NamedTuple):
    """What is published for a client that is lost without having said so."""

    topic: str
    payload: bytes
    retain: bool = False


class Delivered(NamedTuple):
    """A document as a client gets it: when, and whether it had been retained rather than published since."""

    at_ns: int
    topic: str
    payload: bytes
    retained: bool


def check_document(topic: str, payload: bytes) -> None:
    """Raise ValueError for what cannot travel: an empty or long topic, wildcards in it, more than a mebibyte."""
    if not topic or len(topic.encode()) > MOST_TOPIC_BYTES or set(topic) & set("+#\0") or topic.startswith("$"):
        raise ValueError(f"{topic[:80]!r} is no topic that can be published to")
    if len(payload) > MOST_PAYLOAD_BYTES:
        raise ValueError(f"{topic}: {len(payload)} bytes; a document may have {MOST_PAYLOAD_BYTES}")


class Gaps:
    """The stretches in which something was not connected: it begins cut off. Times do not go back."""

    MOST = 1_000
    """Of more, the oldest two are made one: a gap too long accuses nobody."""

    def __init__(self, from_ns: int):
        self._ended: list[Stretch] = []
        self._since_ns: int | None = from_ns

    def begin(self, at_ns: int) -> None:
        """It is cut off from an instant on, unless it was already."""
        if self._since_ns is None:
            last_ns = self._ended[-1][1] if self._ended else at_ns
            self._since_ns = max(at_ns, last_ns)

    def end(self, at_ns: int) -> None:
        """It is connected from an instant on, unless it was already."""
        if self._since_ns is not None:
            self._ended.append((self._since_ns, max(at_ns, self._since_ns)))
            self._since_ns = None
            if len(self._ended) > self.MOST:
                self._ended[:2] = [(self._ended[0][0], self._ended[1][1])]

    def within(self, from_ns: int, until_ns: int) -> tuple[Stretch, ...]:
        """Those, or the parts of them, that lie between two instants; in order, none empty."""
        now = [] if self._since_ns is None else [(self._since_ns, until_ns)]
        clipped = [(max(a, from_ns), min(b, until_ns)) for a, b in [*self._ended, *now]]
        return tuple((a, b) for a, b in clipped if a < b)


class _Client:
    """What the line knows of one client: its process, its connection and its session at the broker."""

    def __init__(self, start_ns: int):
        self.prefix = ""
        self.will: Will | None = None
        self.latest_ns = start_ns
        self.present = self.attached = self.anew = False
        """The process wants to be connected; it is; it is in a life that has not yet got what is retained."""
        self.cuts = 0
        self.has_session = False
        self.will_at_broker: Will | None = None
        self.unsent: deque[tuple[str, bytes, bool]] = deque()
        """What it published and no broker took."""
        self.queue: deque[tuple[str, bytes, bool]] = deque()
        """What the broker has for it, and cannot deliver."""
        self.inbox: deque[Delivered] = deque()
        self.gaps = Gaps(start_ns)


class Line:
    """A broker that is down during `outages`, and clients that are cut off from it during their `cuts`, by name.

    Instants of one client must not go back, and nobody may act `delay_ns` or more before an instant up to which
    somebody has received: ValueError. So drivers may run clients one after the other in windows shorter than the delay.
    Equal calls give equal deliveries, in whatever order calls of different clients for the same stretch are made.
    """

    def __init__(
        self,
        start_ns: int,
        *,
        outages: Iterable[Stretch] = (),
        cuts: Mapping[str, Iterable[Stretch]] | None = None,
        delay_ns: int = DELAY_NS,
    ):
        self._start_ns = self._now_ns = start_ns
        self._delay_ns = delay_ns
        self._clients: dict[str, _Client] = {}
        self._retained: dict[str, bytes] = {}
        self._outages = 0
        """How many of them last."""
        self._number = 0
        self._events: list[tuple[int, int, str, int, Callable[[int], None]]] = []
        for from_ns, until_ns in outages:
            self._edge(from_ns, "", self._fall)
            self._edge(until_ns, "", self._rise)
        for name in sorted(cuts or {}):
            for from_ns, until_ns in (cuts or {})[name]:
                self._cut_off(name, from_ns, until_ns)

    # ------------------------------------------------------------ what clients do

    def connect(self, name: str, at_ns: int, *, prefix: str, will: Will | None = None) -> None:
        """A client's process starts: it wants all topics below `prefix`, and keeps trying to be connected."""
        self._do(name, at_ns, lambda felt_ns: self._enter(name, felt_ns, prefix, will))

    def disconnect(self, name: str, at_ns: int) -> None:
        """It says that it goes: no will. Its session stays, and collects what is published."""
        self._do(name, at_ns, lambda felt_ns: self._leave(name, felt_ns, lost=False))

    def lose(self, name: str, at_ns: int) -> None:
        """Its process dies: what no broker had taken is lost with it, and its will is published."""
        self._do(name, at_ns, lambda felt_ns: self._leave(name, felt_ns, lost=True))

    def publish(self, name: str, at_ns: int, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a document to all who want it, oneself included. Raises ValueError for what cannot travel.

        Retained without bytes: nothing is retained under that topic any more.
        """
        check_document(topic, payload)
        self._do(name, at_ns, lambda felt_ns: self._arrive(name, felt_ns, (topic, payload, retain)))

    # ------------------------------------------------------------ what they get

    def receive(self, name: str, until_ns: int) -> list[Delivered]:
        """What is delivered to a client up to an instant, included, since it last asked; in order."""
        self._advance(until_ns)
        inbox, got = self._client(name).inbox, []
        while inbox and inbox[0].at_ns <= until_ns:
            got.append(inbox.popleft())
        return got

    def next_ns(self) -> int | None:
        """No delivery comes before this instant unless somebody acts; None: none at all."""
        waiting = [c.inbox[0].at_ns for c in self._clients.values() if c.inbox]
        return min([*waiting, *(event[0] for event in self._events[:1])], default=None)

    def gaps(self, name: str, from_ns: int, until_ns: int) -> tuple[Stretch, ...]:
        """The stretches between two instants in which a client was not connected to a working broker."""
        self._advance(until_ns)
        return self._client(name).gaps.within(from_ns, until_ns)

    # ------------------------------------------------------------ time

    def _do(self, name: str, at_ns: int, act: Callable[[int], None]) -> None:
        client = self._client(name)
        if at_ns < client.latest_ns or at_ns + self._delay_ns <= self._now_ns:
            raise ValueError(f"{name} acts at {at_ns}, which is past on the line")
        client.latest_ns = at_ns
        self._put(at_ns + self._delay_ns, 1, name, act)

    def _edge(self, at_ns: int, name: str, act: Callable[[int], None]) -> None:
        self._put(at_ns, 0, name, act)

    def _put(self, at_ns: int, rank: int, name: str, act: Callable[[int], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at_ns, rank, name, self._number, act))

    def _advance(self, until_ns: int) -> None:
        while self._events and self._events[0][0] <= until_ns:
            at_ns, _, _, _, act = heapq.heappop(self._events)
            act(at_ns)
        self._now_ns = max(self._now_ns, until_ns)

    def _client(self, name: str) -> _Client:
        if name not in self._clients:
            self._clients[name] = _Client(self._start_ns)
        return self._clients[name]

    # ------------------------------------------------------------ connections

    def _cut_off(self, name: str, from_ns: int, until_ns: int) -> None:
        client = self._client(name)

        def begin(at_ns: int) -> None:
            client.cuts += 1
            self._detach(client, at_ns)

        def end(at_ns: int) -> None:
            client.cuts -= 1
            self._try_again(name, at_ns)

        self._edge(from_ns, name, begin)
        self._edge(until_ns, name, end)
        if until_ns - from_ns > LOST_NS:
            self._edge(from_ns + LOST_NS, name, lambda at_ns: self._publish_will(client, at_ns))

    def _fall(self, at_ns: int) -> None:
        self._outages += 1
        for client in self._clients.values():
            self._detach(client, at_ns)
            client.will_at_broker = None  # a broker that comes back publishes no wills of before

    def _rise(self, at_ns: int) -> None:
        self._outages -= 1
        for name in self._clients:
            self._try_again(name, at_ns)

    def _try_again(self, name: str, at_ns: int) -> None:
        self._put(at_ns + self._delay_ns, 1, name, lambda felt_ns: self._attach(name, felt_ns))

    def _enter(self, name: str, at_ns: int, prefix: str, will: Will | None) -> None:
        client = self._client(name)
        client.prefix, client.will, client.present, client.anew = f"{prefix}/", will, True, True
        self._detach(client, at_ns)
        self._attach(name, at_ns)

    def _leave(self, name: str, at_ns: int, *, lost: bool) -> None:
        client = self._client(name)
        reached = client.attached
        client.present = False
        self._detach(client, at_ns)
        if lost:
            client.unsent.clear()
        if reached and lost:
            self._publish_will(client, at_ns)
        elif reached:
            client.will_at_broker = None

    def _attach(self, name: str, at_ns: int) -> None:
        client = self._client(name)
        if client.attached or not client.present or client.cuts or self._outages:
            return
        client.attached, client.has_session, client.will_at_broker = True, True, client.will
        client.gaps.end(at_ns)
        if client.anew:  # what its former life was given and did not take comes again, then what is retained
            again = [(d.topic, d.payload, d.retained) for d in client.inbox]
            client.inbox.clear()
            client.queue.extendleft(reversed(again))
            retained = sorted(self._retained.items())
            client.queue.extend((t, p, True) for t, p in retained if t.startswith(client.prefix))
            client.anew = False
        while client.queue:
            client.inbox.append(Delivered(at_ns, *client.queue.popleft()))
        while client.unsent:
            self._route(at_ns, *client.unsent.popleft())

    def _detach(self, client: _Client, at_ns: int) -> None:
        if client.attached:
            client.attached = False
            client.gaps.begin(at_ns)

    # ------------------------------------------------------------ documents

    def _arrive(self, name: str, at_ns: int, document: tuple[str, bytes, bool]) -> None:
        client = self._client(name)
        if client.attached:
            self._route(at_ns, *document)
        else:
            client.unsent.append(document)

    def _publish_will(self, client: _Client, at_ns: int) -> None:
        will, client.will_at_broker = client.will_at_broker, None
        if will is not None and not self._outages and not client.attached:
            self._route(at_ns, *will)

    def _route(self, at_ns: int, topic: str, payload: bytes, retain: bool) -> None:
        if retain and payload:
            self._retained[topic] = payload
        elif retain:
            self._retained.pop(topic, None)
        for client in self._clients.values():
            if client.attached and topic.startswith(client.prefix):
                client.inbox.append(Delivered(at_ns, topic, payload, False))
            elif client.has_session and topic.startswith(client.prefix):
                client.queue.append((topic, payload, False))
