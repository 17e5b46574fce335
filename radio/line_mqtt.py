"""The ground line over MQTT, for a process that polls: a client whose broker may come and go, and that loses nothing.

A thread with an event loop of its own carries; the process publishes, and reads what came when `fileno()` is readable.
QoS 1 throughout: the same document may come twice, and the order of each publisher is kept for those that come for the
first time. What this cannot save: what a broker held for somebody who was away, and forgot, for it stores nothing
(`configs/mosquitto.conf` and the embedded broker do); and what a process had not published yet when it died.
"""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from radio.broker_address import LineError, LineUnreachable, broker_address
from radio.line import Delivered, Gaps, Stretch, Will, check_document
from radio.line_session import Arrival, Document, Full, Outgoing, Session

MOST_UNREAD = 10_000
"""Documents that wait to be read; a broker sends more only once some have been. One that does so anyway is left."""
MOST_UNSENT = 100_000


class _Incoming:
    """What the session tells the process, and how the connection stands; for two threads."""

    def __init__(self, clock: Callable[[], int]):
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Delivered, Arrival]] = deque()
        self._taken: list[Arrival] = []
        self.readable, self._signal = socket.socketpair()
        self.changed = threading.Condition()
        self.connected = False
        self.trouble: LineError | None = None
        self.gaps = Gaps(clock())
        self._heard_ns = self._ticked_ns = 0

    def take(self) -> tuple[Delivered, bool] | None:
        """The oldest that waits, and whether it is the first to be taken since `taken` was asked."""
        with self._lock:
            if not self._waiting:
                return None
            delivered, arrival = self._waiting.popleft()
            if not self._waiting:
                self.readable.recv(1)
            self._taken.append(arrival)
            return delivered, len(self._taken) == 1

    def taken(self) -> list[Arrival]:
        """What has been taken since this was asked."""
        with self._lock:
            taken, self._taken = self._taken, []
            return taken

    def close(self) -> None:
        """Close what can be polled."""
        self.readable.close()
        self._signal.close()

    # ------------------------------------------------------------ told by the session

    def arrived(self, arrival: Arrival) -> None:
        self._heard_ns = self._clock()
        with self._lock:
            if len(self._waiting) >= MOST_UNREAD:
                raise Full(f"{MOST_UNREAD} documents wait to be read")
            self._waiting.append((Delivered(self._heard_ns, *arrival[:3]), arrival))
            if len(self._waiting) == 1:
                self._signal.send(b"!")

    def heard(self) -> None:
        self._heard_ns = self._clock()

    def ticked(self) -> None:
        self._ticked_ns = self._clock()

    def up(self) -> None:
        with self.changed:
            self._heard_ns = self._clock()
            self.connected, self.trouble = True, None
            self.gaps.end(self._heard_ns)
            self.changed.notify_all()

    def down(self, why: LineError, *, silent: bool, asleep: bool) -> None:
        with self.changed:
            self.gaps.begin(self._ticked_ns if asleep else self._heard_ns if silent else self._clock())
            self.connected, self.trouble = False, why
            self.changed.notify_all()


class LineMqtt:
    """A client of the line: `client_id` names its session at the broker, and no two may use one at a time.

    It reads every topic below `prefix`. `clock` gives the instant for `Delivered.at_ns` and for gaps, and is called by
    another thread. All methods are for one thread. Raises LineError for a URL or an environment that cannot be right
    (`radio.broker_address`).
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        prefix: str,
        will: Will | None = None,
        clock: Callable[[], int] = time.time_ns,
        environment: Mapping[str, str] = os.environ,
    ):
        address = broker_address(url, environment)
        if will is not None:
            check_document(will.topic, will.payload)
        self.url = address.url
        self._outgoing, self._incoming = Outgoing(), _Incoming(clock)
        self._session = Session(address, client_id, prefix, will, self._outgoing, self._incoming)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forget = False
        self._thread = threading.Thread(target=self._run, name=f"line of {client_id}", daemon=True)

    # ------------------------------------------------------------ from beginning to end

    def begin(self, patience_s: float = 10.0) -> bool:
        """Connect, now or whenever there is a broker; waits for so long at most. Returns whether it is connected."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        incoming = self._incoming
        with incoming.changed:
            incoming.changed.wait_for(lambda: incoming.connected or self._hopeless(), patience_s)
            return incoming.connected

    def connect(self, patience_s: float = 10.0) -> None:
        """Connect for the first time; from then on it is connected again whenever the broker is lost, for ever.

        Raises LineUnreachable if no broker answers for so long, and LineError at once if it does not let us in. The
        line is closed then.
        """
        if not self.begin(patience_s):
            trouble = self._incoming.trouble
            self.close(0.0)
            raise trouble or LineUnreachable(f"{self.url}: no answer in {patience_s:g} s: is it a broker's address?")

    def close(self, patience_s: float = 5.0, *, forget: bool = False) -> bool:
        """Take leave, after what was published has been acknowledged or patience is over; whether all of it was.

        There is no last will then. `forget`: the broker is to keep nothing for this client either.
        """
        settled = self.flush(patience_s)
        self._forget = forget
        self._tell(self._session.stop)
        if self._loop is not None:
            self._thread.join()
        self._incoming.close()
        return settled

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(0.0 if kind else 5.0)

    # ------------------------------------------------------------ documents

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a document, now or when there is a broker again; it is kept until one has acknowledged it.

        Raises ValueError for what cannot travel, and LineError if 100,000 wait already.
        """
        check_document(topic, payload)
        if len(self._outgoing) >= MOST_UNSENT:
            raise LineError(f"{self.url}: {MOST_UNSENT} documents wait for the broker: is it gone for good?")
        self._outgoing.add(Document(topic, payload, retain))
        self._tell(self._session.wake)

    @property
    def unsent(self) -> int:
        """How many documents no broker has acknowledged yet, or only just before it was lost."""
        return len(self._outgoing)

    def flush(self, patience_s: float) -> bool:
        """Wait until all that was published is acknowledged, but not for longer; whether it is."""
        with self._outgoing.changed:
            return self._outgoing.changed.wait_for(lambda: not len(self._outgoing), patience_s)

    def receive(self) -> Delivered | None:
        """The next document, if one has come. Never blocks. The broker is told that it has been taken."""
        got = self._incoming.take()
        if got is None:
            return None
        delivered, first = got
        if first:
            self._tell(lambda: self._session.acknowledge(self._incoming.taken()))
        return delivered

    def fileno(self) -> int:
        """Readable, for `select` or `zmq.Poller`, as long as `receive` has something to give."""
        return self._incoming.readable.fileno()

    # ------------------------------------------------------------ the connection

    @property
    def connected(self) -> bool:
        """Whether it is connected now, as far as is known."""
        return self._incoming.connected

    @property
    def trouble(self) -> LineError | None:
        """Why it is not connected."""
        return self._incoming.trouble

    def gaps(self, from_ns: int, until_ns: int) -> tuple[Stretch, ...]:
        """The stretches between two instants, by `clock`, in which it was not connected to a working broker.

        If a broker fell silent, from its last word on; this becomes known up to 20 s later.
        """
        with self._incoming.changed:
            return self._incoming.gaps.within(from_ns, until_ns)

    def _hopeless(self) -> bool:
        return self.trouble is not None and not isinstance(self.trouble, LineUnreachable)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        assert self._loop is not None
        loop = self._loop
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(self._session.run(forget=lambda: self._forget))
        except BaseException as error:  # whoever waits must not wait for ever
            self._incoming.down(LineError(f"{self.url}: the line itself broke ({error!r})"), silent=False, asleep=False)
            raise

    def _tell(self, what: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(what)
