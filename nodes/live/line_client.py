"""A client of the ground line in a live run: its desk, its connection to the broker, and medium time between the two.

A document that is published in a window is acknowledged by the broker before its sender says that it is done with the
window; the hub tells everybody how far everybody else has come; and nobody begins a window before it has got all of
that. So each document is read at the instant at which it would be in virtual time, however fast medium time goes, and
however slow the broker is. While a client is cut off from the broker, nobody waits.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable
from hashlib import sha256
from threading import Thread
from typing import NamedTuple

from nodes.flight import Flight
from nodes.line.desk import Posted
from nodes.line.office import desk_of
from nodes.line.virtual import COMES_NS, Cut
from nodes.scenario import StationEntry
from nodes.stations.headquarters import Headquarters
from protocol.judge import Tally
from protocol.line.documents import Gone
from protocol.line.names import prefix
from radio.broker_address import LineError
from radio.envelope import Aired, Mark
from radio.line import DELAY_NS, Delivered, Will
from radio.line_mqtt import LineMqtt

PATIENCE_S = 2.5
"""How long to wait for what others have published, or for the broker to acknowledge. In one window both may be waited
for in vain, and who does so must not be taken for one that hangs."""
SHARE = 4
"""Of the patience of the run, to wait at most a part."""
LEAVE_S = 0.5
"""How long taking leave may take: the run may have been interrupted."""
MOST_MISSED = 10
"""Who was waited for in vain so often is not waited for any more: each time costs all others."""
MOST_AT_ONCE = 100
"""Documents that are taken in before it is looked whether it is enough: who floods the line holds nobody up."""
MOST_WAITING = 10_000
FARTHEST_NS = 60_000_000_000
"""What is dated further ahead than this is read at once: whoever dates it so gains nothing."""
POLL_S = 0.002


class _Waiting(NamedTuple):
    """What came and is not due yet. Sorted as it would come in virtual time."""

    due_ns: int
    sender: str
    mark: Mark
    came: Delivered


class LineStart(NamedTuple):
    """What a client begins with. `url` is the broker's, `run_id` the run's: no session of another run is resumed."""

    url: str
    run_id: str
    patience_s: float = PATIENCE_S


class LineClient:
    """One client, from `now_ns` on; `window` does all that is to be done in one."""

    def __init__(
        self,
        start: LineStart,
        entry: StationEntry,
        flight: Flight,
        now_ns: int,
        tallies: Callable[[], list[Tally]] | None = None,
        known: Container[bytes] = frozenset(),
    ):
        """`known`: the `fingerprint`s of what a life before has read; it may be delivered once more."""
        assert flight.line is not None
        self._patience_s, self._known = start.patience_s, known
        self._in_vain = 0
        """How much the broker had not acknowledged when it was last waited for in vain."""
        self._names = flight.line.clients
        self._name = self._names[entry.address]
        self._fleet: list[Aired] = []
        self._marks: dict[str, Mark] = {}
        """How far others have come, by the hub's word."""
        self._got: dict[str, Mark] = {}
        self._missed: Counter[str] = Counter()
        """How often each was waited for in vain."""
        self._waiting: list[_Waiting] = []
        self._session, self._published = now_ns, 0
        self._now_ns = self._began_ns = now_ns
        self._told: dict[int, int | None] = {}
        """Until when each gap was, by since when, as told."""
        self._desk = desk_of(entry, flight, now_ns, tallies)
        (will,) = self._desk.write([Gone()])
        topics = prefix(flight.agreement.digest())
        self._line = LineMqtt(
            start.url,
            f"{self._name}-{start.run_id}",
            prefix=topics,
            will=Will(*will.sealed),
            clock=lambda: self._now_ns,
        )
        self._line.begin(self._patience_s)
        if isinstance(self._desk.clerk, Headquarters):
            self._publish(self._desk.earlier(self._desk.clerk.earlier))

    def keep_up(self, marks: Iterable[tuple[int, Mark]]) -> None:
        """How far others have come."""
        self._marks = {self._names[address]: mark for address, mark in marks if address in self._names}

    def aired(self, frames: Iterable[Aired]) -> None:
        """What its stations have put on the air."""
        self._fleet += frames

    @property
    def mark(self) -> Mark | None:
        """How far it has come: its last document that the broker has acknowledged. The first number is its will's."""
        acknowledged = self._published - self._line.unsent
        return Mark(self._session, 1 + acknowledged) if acknowledged > 0 else None

    def window(self, from_ns: int, until_ns: int) -> list[Delivered]:
        """Do all that is to be done before an instant; returns what came in this window."""
        self._wait_for_the_others()
        came = self._due(from_ns, until_ns)
        posted = self._desk.run(until_ns, came)
        if isinstance(clerk := self._desk.clerk, Headquarters):
            for frame in self._fleet:
                said = clerk.sent(frame.start_ns, frame.source, frame.session, frame.sequence, frame.data)
                posted += self._desk.write(said)
        self._fleet.clear()
        self._now_ns = until_ns
        self._publish(posted)
        return came

    def cuts(self, until_ns: int) -> list[Cut]:
        """What it has learnt of its own connection until an instant: gaps that begin, and that end."""
        changed: list[Cut] = []
        for from_ns, to_ns in self._line.gaps(self._began_ns, until_ns):
            if from_ns == self._began_ns and to_ns - from_ns <= COMES_NS:
                continue
            end_ns = None if to_ns >= until_ns and not self._line.connected else to_ns
            if from_ns not in self._told or self._told[from_ns] != end_ns:
                self._told[from_ns] = end_ns
                changed.append((from_ns, end_ns))
        return changed

    def close(self) -> None:
        """Take leave, which a broker that does not answer cannot hold up. What it has not taken by then is lost."""
        leaving = Thread(target=lambda: self._line.close(LEAVE_S, forget=True), daemon=True)
        leaving.start()
        leaving.join(LEAVE_S)

    def _publish(self, posted: Iterable[Posted]) -> None:
        """Publish, and wait until the broker has it, as long as there is one that acknowledges."""
        for _, sealed in posted:
            self._published += 1
            self._line.publish(sealed.topic, sealed.payload, retain=sealed.retain)
        limit_s = time.monotonic() + self._patience_s
        while self._line.connected and (unsent := self._line.unsent):
            if time.monotonic() > limit_s or 0 < self._in_vain <= unsent:
                self._in_vain = unsent
                return
            self._line.flush(POLL_S)
        self._in_vain = 0

    def _wait_for_the_others(self) -> None:
        """Take in what has come, until it is as much as the hub says that there is. Each mark is waited for once."""
        limit_s = time.monotonic() + self._patience_s
        while True:
            more = self._take_in()
            behind = [name for name, mark in self._marks.items() if self._waits_for(name, mark)]
            if not behind or not self._line.connected or self._full:
                return
            if time.monotonic() > limit_s:  # it came to a life before, or never will
                self._got |= {name: self._marks[name] for name in behind}
                self._missed.update(behind)
                return
            if not more:
                time.sleep(POLL_S)

    def _waits_for(self, name: str, mark: Mark) -> bool:
        return self._got.get(name, NOTHING) < mark and self._missed[name] < MOST_MISSED

    @property
    def _full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    def _take_in(self) -> bool:
        """Take in some of what has come; whether there may be more."""
        for _ in range(MOST_AT_ONCE):
            if self._full or (came := self._line.receive()) is None:
                return False
            sender, mark, at_ns = _dated(came.payload) or ("", NOTHING, 0)
            if sender in self._names.values():
                self._got[sender] = max(self._got.get(sender, NOTHING), mark)
            if fingerprint(came.topic, came.payload) not in self._known:
                self._waiting.append(_Waiting(max(at_ns, mark.major) + DELAY_NS, sender, mark, came))
        return True

    def _due(self, from_ns: int, until_ns: int) -> list[Delivered]:
        farthest_ns = until_ns if self._full else until_ns + FARTHEST_NS
        due = sorted(w for w in self._waiting if w.due_ns <= until_ns or w.due_ns > farthest_ns)
        self._waiting = [w for w in self._waiting if until_ns < w.due_ns <= farthest_ns]
        late_ns = min(from_ns + 1, until_ns)
        return [w.came._replace(at_ns=w.due_ns if late_ns <= w.due_ns <= until_ns else late_ns) for w in due]


NOTHING = Mark(-1, -1)


def fingerprint(topic: str, payload: bytes) -> bytes:
    """Tells one document from all others."""
    return sha256(topic.encode() + b"\0" + payload).digest()


def _dated(payload: bytes) -> tuple[str, Mark, int] | None:
    """What a document says of its sender, place and date, unchecked; None if it does not."""
    try:
        said = json.loads(payload)
        sender, session, number, at_ns = (said[key] for key in ("sender", "session", "number", "at_ns"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(sender, str) and all(type(n) is int and 0 <= n < 1 << 63 for n in (session, number, at_ns)):
        return sender, Mark(session, number), at_ns
    return None


def reach(url: str, flight: Flight, patience_s: float) -> LineMqtt:
    """Come to the line as nobody in particular. Raises LineError, which says what is wrong."""
    line = LineMqtt(url, f"airaccord-{time.time_ns():x}", prefix=prefix(flight.agreement.digest()))
    line.connect(patience_s)
    return line


def prepare(url: str, flight: Flight, patience_s: float) -> None:
    """Make sure that there is a broker, and that nothing of an earlier run is left in the names of this one's clients.

    Raises LineError, which says what is wrong.
    """
    assert flight.line is not None
    names = set(flight.line.clients.values())
    line = reach(url, flight, patience_s)
    try:
        line.publish(probe := f"{prefix(flight.agreement.digest())}/probe/{time.time_ns():x}", b"probe")
        limit_s = time.monotonic() + patience_s
        while time.monotonic() < limit_s:
            came = line.receive()
            if came is None:
                time.sleep(POLL_S)
                continue
            if came.topic == probe:
                break
            if came.retained and came.payload and names & set(came.topic.split("/")):
                line.publish(came.topic, b"", retain=True)
        else:
            raise LineError(f"{url}: the broker does not give back what is published: may this user subscribe?")
        line.flush(patience_s)
    finally:
        line.close(1.0, forget=True)
