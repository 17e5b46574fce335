"""A station's link over ZeroMQ, to a hub on this machine: bytes and silence are seen to here, meaning is not."""

import asyncio
import contextlib
import time

import zmq
import zmq.asyncio

from radio.envelope import MAX_ENVELOPE_BYTES, BadEnvelope, FromHub, FromStation, Hello, pack, unpack_from_hub
from radio.link import LinkLost
from radio.loopback import loopback

QUIET_S = 1.0
"""After so long without a word from the hub HELLO is said again: it may be another hub."""
LINGER_MS = 300
"""How long a farewell may take to leave when the link is closed."""
MOST_QUEUED = 200
"""Messages that wait here to be read; what is more waits at the hub, which drops what is too much."""
RECONNECT_MS = 20


class ZmqLink:
    """A connection to the hub at a loopback address such as `tcp://127.0.0.1:5555`. Raises ValueError for any other.

    LinkLost is raised when the hub has not said a word for `patience_s`, though it was asked every second.
    `malformed` counts what came and was no message.
    """

    def __init__(self, address: str, *, patience_s: float = 30.0):
        self.endpoint = loopback(address)
        if self.endpoint.endswith(":0"):
            raise ValueError(f"{address!r}: a hub listens on a port of its own, never on 0")
        self.malformed = 0
        self._patience_s = patience_s
        self._context: zmq.asyncio.Context | None = None
        self._socket: zmq.asyncio.Socket | None = None
        self._arriving: asyncio.Future[list[bytes]] | None = None
        self._hello = b""
        self._last_s = 0.0
        """When the hub was last heard, or asked."""
        self._unanswered = 0

    async def send(self, message: FromStation) -> None:
        """Hand a message over. Waits while the hub takes nothing; LinkLost if it does so for too long."""
        data = pack(message)
        if isinstance(message, Hello):
            self._hello = data
            self._open()
        socket = self._opened()
        try:
            async with asyncio.timeout(self._patience_s):
                await socket.send(data)
        except TimeoutError:
            raise LinkLost(f"the hub at {self.endpoint} takes nothing") from None

    async def receive(self) -> FromHub:
        """What the hub says next. HELLO is said again whenever it was quiet for a second."""
        while True:
            try:
                return unpack_from_hub(await self._message())
            except BadEnvelope:
                self.malformed += 1

    async def close(self) -> None:
        """Close the connection; waits a moment for what was sent to leave."""
        context, socket, self._context, self._socket = self._context, self._socket, None, None
        self._arriving = None
        if context is not None and socket is not None:
            socket.close(linger=LINGER_MS)
            await asyncio.to_thread(context.term)  # it waits for the farewell, and others must not wait with it

    def _open(self) -> None:
        if self._socket is not None:
            return
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IPV6, "[" in self.endpoint)
        self._socket.setsockopt(zmq.RCVHWM, MOST_QUEUED)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_ENVELOPE_BYTES)
        self._socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self._socket.connect(self.endpoint)
        self._last_s, self._unanswered = time.monotonic(), 0

    def _opened(self) -> zmq.asyncio.Socket:
        if self._socket is None:
            raise LinkLost("the link is closed")
        return self._socket

    async def _message(self) -> bytes:
        """The next message of one part; others are counted."""
        while True:
            # the future outlives a waiter who gives up, so that nothing is lost with him
            arriving = self._arriving = self._arriving or asyncio.ensure_future(self._opened().recv_multipart())
            if not arriving.done():
                await asyncio.wait([arriving], timeout=max(0.0, self._last_s + QUIET_S - time.monotonic()))
            self._opened()
            if not arriving.done():
                self._ask_again()
                continue
            self._arriving = None
            self._last_s, self._unanswered = time.monotonic(), 0
            parts = arriving.result()
            if len(parts) == 1:
                return parts[0]
            self.malformed += 1

    def _ask_again(self) -> None:
        now_s = time.monotonic()
        if now_s - self._last_s < QUIET_S:
            return
        if self._unanswered * QUIET_S >= self._patience_s:
            raise LinkLost(f"no word from {self.endpoint} for {self._patience_s:g} s: is a hub running there?")
        self._last_s, self._unanswered = now_s, self._unanswered + 1
        # a queue that is full of what the hub does not take needs no HELLO
        with contextlib.suppress(zmq.Again):
            zmq.Socket.shadow(self._opened()).send(self._hello, zmq.DONTWAIT)
