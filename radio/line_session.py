"""A client's session at a broker, on an event loop: connect, subscribe, carry, and connect again for ever.

aiomqtt has the protocol and the socket; here is what makes a line of it. Two of paho's own settings, below aiomqtt, are
needed for that: documents are acknowledged by hand, once they have been taken, so that a broker holds back what nobody
takes instead of our dropping it; and whether the broker still had our session tells whether to subscribe again.
"""

import asyncio
import contextlib
import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import aiomqtt

from radio.broker_address import Address, LineError, LineUnreachable, explained
from radio.line import Will

KEEPALIVE_S = 10
WINDOW = 100
"""Documents on their way to the broker that it has not acknowledged."""
CONNECT_S = 3.0
ANSWER_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
KEPT_S, MOST_KEPT = 5.0, 1_000
"""What was acknowledged so lately is published again after a loss: a broker that was killed may not have stored it."""
MOST_RETAINED = 10_000
GRACE_S = 3.0
"""A broker that has forgotten our session has forgotten others' too: so long it is left to them to subscribe again."""
TICK_S = 1.0
ASLEEP_S = 3.0
"""A loop whose tick is so late was stopped itself, such as by Ctrl-Z."""
MUTE = logging.Logger("mqtt", logging.CRITICAL + 1)
"""What aiomqtt and paho would log is told by us, once."""
NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class Document(NamedTuple):
    """What is published."""

    topic: str
    payload: bytes
    retain: bool


class Outgoing:
    """Documents on their way to the broker, in order, until it has acknowledged them; for two threads."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._waiting: deque[list[Any]] = deque()
        """[document, whether it is acknowledged]."""
        self._handed = 0
        """How many of those have been given to the present connection."""
        self._kept: deque[tuple[float, Document]] = deque(maxlen=MOST_KEPT)
        self._retained: dict[str, Document] = {}
        """What of ours a broker should retain, by topic, the oldest first."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, document: Document) -> None:
        """One more."""
        with self.changed:
            self._waiting.append([document, False])
            if document.retain:
                self._retained.pop(document.topic, None)
                self._retained[document.topic] = document
                if len(self._retained) > MOST_RETAINED:
                    del self._retained[next(iter(self._retained))]

    def next(self) -> list[Any] | None:
        """What to publish next, if there is something and the window has room."""
        with self.changed:
            if self._handed >= min(WINDOW, len(self._waiting)):
                return None
            self._handed += 1
            return self._waiting[self._handed - 1]

    def acknowledged(self, entry: list[Any]) -> None:
        """The broker has it."""
        with self.changed:
            entry[1] = True
            while self._waiting and self._waiting[0][1]:
                self._kept.append((time.monotonic(), self._waiting.popleft()[0]))
                self._handed -= 1
            self.changed.notify_all()

    def begin_anew(self) -> None:
        """The connection is lost: what was not acknowledged, or only just, is to be published again, in order."""
        with self.changed:
            since_s = time.monotonic() - KEPT_S
            again = [document for at_s, document in self._kept if at_s >= since_s]
            self._kept.clear()
            for entry in self._waiting:
                entry[1] = False
            self._put_first(again)
            self._handed = 0

    def forgotten(self) -> None:
        """The broker retains nothing any more, and nothing has been published since: that is to be published first."""
        with self.changed:
            waiting = {document for document, _ in self._waiting}
            self._put_first([d for d in self._retained.values() if d not in waiting])

    def _put_first(self, documents: list[Document]) -> None:
        self._waiting.extendleft([document, False] for document in reversed(documents))


class Arrival(NamedTuple):
    """A document as it came, and how to acknowledge it: over which connection, as what."""

    topic: str
    payload: bytes
    retained: bool
    connection: Any
    number: int


class Told(Protocol):
    """Who is told what happens; by the thread of the loop."""

    def arrived(self, arrival: Arrival) -> None:
        """A document came. Raises `Full` if it cannot be taken: it comes again, with another connection."""

    def heard(self) -> None:
        """The broker has acknowledged something."""

    def ticked(self) -> None:
        """The loop is at work, and connected."""

    def up(self) -> None:
        """The session is connected, and subscribed."""

    def down(self, why: LineError, *, silent: bool, asleep: bool) -> None:
        """It is not, or an attempt failed. Silent: for some time before; asleep: it is we who were stopped."""


class Full(Exception):
    """Too much waits to be taken."""


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """Where aiomqtt puts messages: they go straight on, and none is dropped in silence."""

    def __init__(self, arrived: Callable[[aiomqtt.Message], None]):
        super().__init__()
        self._arrived = arrived

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self._arrived(item)


class Session:
    """To be made and run on the loop; `stop`, `wake` and `acknowledge` are called on it too."""

    def __init__(
        self, address: Address, client_id: str, prefix: str, will: Will | None, outgoing: Outgoing, told: Told
    ):
        self._address, self._client_id, self._prefix, self._will = address, client_id, prefix, will
        self._outgoing, self._told = outgoing, told
        self._stopping, self._more = asyncio.Event(), asyncio.Event()
        self._connection: Any = None
        """paho's client, while it is connected."""
        self._resumed = self._subscribed = False
        """Whether the broker knew our session, this time; whether this process has ever subscribed."""
        self._pause_s = FIRST_PAUSE_S
        self._ticked_s = 0.0

    async def run(self, *, forget: Callable[[], bool]) -> None:
        """Until stopped; then the session at the broker is ended as well if `forget` says so."""
        while not self._stopping.is_set():
            try:
                await self._live()
            except LineError as error:
                self._told.down(error, silent=False, asleep=False)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        if forget():
            with contextlib.suppress(aiomqtt.MqttError):
                async with self._client(clean=True):
                    pass

    def stop(self) -> None:
        """Disconnect, with no last will."""
        self._stopping.set()

    def wake(self) -> None:
        """There is more to publish."""
        self._more.set()

    def acknowledge(self, arrivals: list[Arrival]) -> None:
        """These have been taken; those of a connection that is gone come again anyway."""
        for arrival in arrivals:
            if arrival.number and arrival.connection is self._connection:
                self._connection.ack(arrival.number, 1)

    # ------------------------------------------------------------ one connection

    def _client(self, *, clean: bool) -> aiomqtt.Client:
        will = None if self._will is None or clean else aiomqtt.Will(*self._will[:2], qos=1, retain=self._will.retain)
        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.user,
            password=self._address.password,
            logger=MUTE,
            identifier=self._client_id,
            queue_type=lambda maxsize: _Inbox(self._arrived),  # type: ignore[arg-type]
            protocol=aiomqtt.ProtocolVersion.V311,
            will=will,
            clean_session=clean,
            timeout=ANSWER_S,
            keepalive=KEEPALIVE_S,
            max_inflight_messages=WINDOW,
            tls_context=self._address.tls,
            socket_options=NODELAY,
        )

    async def _live(self) -> None:
        """Connect, and carry until it is stopped or lost. Raises LineError if there is no way in."""
        client = self._client(clean=False)
        self._connection = paho = client._client
        paho.manual_ack_set(True)
        paho.connect_timeout = CONNECT_S
        told: Any = paho.on_connect

        def on_connect(paho: Any, data: Any, flags: Any, *rest: Any) -> None:
            self._resumed = flags.session_present
            told(paho, data, flags, *rest)

        paho.on_connect = on_connect
        entered = False
        try:
            async with client:
                entered = True
                forgotten = self._subscribed and not self._resumed
                await self._subscribe(client)
                self._told.up()
                await self._carry(client, forgotten=forgotten)
        except aiomqtt.MqttError as error:
            raise explained(self._address, error) from None
        finally:
            self._connection = None
            paho.disconnect()  # it may have a socket yet, where connecting got no further
            if entered:  # let it tell how it ended, or asyncio tells that nobody asked
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    await asyncio.wait_for(anext(client.messages), TICK_S)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """Once in the life of this process, and whenever the broker has no session of ours."""
        if self._resumed and self._subscribed:
            return
        granted = await client.subscribe(f"{self._prefix}/#", qos=1)
        if any(getattr(code, "value", code) >= 0x80 for code in granted):
            raise LineError(f"{self._address.url}: the broker does not let {self._client_id} read {self._prefix}/#")
        self._subscribed = True

    async def _carry(self, client: aiomqtt.Client, *, forgotten: bool) -> None:
        lost = asyncio.ensure_future(anext(client.messages))  # no message comes this way: it ends with the connection
        tasks = [lost, *map(asyncio.create_task, (self._send(client, forgotten), self._tick(), self._stopping.wait()))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not self._stopping.is_set():
                self._tell_loss(lost.exception() if lost.done() else None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not self._stopping.is_set():
            self._outgoing.begin_anew()

    def _tell_loss(self, error: BaseException | None) -> None:
        cause = error.__cause__ if error is not None else None
        silent = "alive" in str(cause)  # paho's word for a ping that was not answered
        asleep = time.monotonic() - self._ticked_s > ASLEEP_S
        how = "it fell silent" if silent else str(cause) if isinstance(cause, Full) else "it closed the connection"
        why = LineUnreachable(f"{self._address.url}: the broker is lost ({how}); trying to reach it again")
        self._told.down(why, silent=silent, asleep=asleep)

    async def _tick(self) -> None:
        while True:
            self._ticked_s = time.monotonic()
            self._told.ticked()
            await asyncio.sleep(TICK_S)
            self._pause_s = FIRST_PAUSE_S  # only now: it may be lost again at once, and again

    # ------------------------------------------------------------ documents

    async def _send(self, client: aiomqtt.Client, forgotten: bool) -> None:
        """Publish what waits, in order, up to a window ahead of the broker's word."""
        if forgotten:
            await asyncio.sleep(GRACE_S)
            self._outgoing.forgotten()
        publishing: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._more.clear()
                while (entry := self._outgoing.next()) is not None:
                    task = asyncio.create_task(self._publish(client, entry))
                    publishing.add(task)
                    task.add_done_callback(publishing.discard)
                await self._more.wait()
        finally:
            for task in list(publishing):
                task.cancel()
            await asyncio.gather(*publishing, return_exceptions=True)

    async def _publish(self, client: aiomqtt.Client, entry: list[Any]) -> None:
        document: Document = entry[0]
        with contextlib.suppress(aiomqtt.MqttError):  # then the connection is lost, which is seen to elsewhere
            await client.publish(document.topic, document.payload, 1, document.retain, timeout=math.inf)
            self._told.heard()
            self._outgoing.acknowledged(entry)
            self._more.set()

    def _arrived(self, message: aiomqtt.Message) -> None:
        number = message.mid if message.qos else 0
        retained = bool(message.retain)
        self._told.arrived(Arrival(str(message.topic), message.payload, retained, self._connection, number))
