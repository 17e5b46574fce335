"""One of our own stations' or monitors' end of a link, without asyncio: what the processes of a run share."""

import time
from collections.abc import Iterable

import zmq

from radio import envelope
from radio.envelope import Done, FromHub, FromStation, Hello, Welcome

QUIET_S = 1.0
"""After so long without a word from the hub, HELLO is said again: it may be another hub."""


class Client:
    """A connection for one address. `receive` never blocks; `socket` is there to be polled."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, address: int, key: bytes):
        self.address = address
        self.life: int | None = None
        self.last_word_s = time.monotonic()
        """When the hub was last heard, by the clock; until then, since when it was not."""
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.IPV6, "[" in endpoint)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.connect(endpoint)
        self._hello = Hello(address, True, key)
        self.hello()

    def hello(self) -> None:
        """Ask to take part, for the first time or again."""
        self._heard_s = time.monotonic()
        self.send([self._hello])

    def send(self, messages: Iterable[FromStation]) -> None:
        """Say something; a hub that is gone loses it."""
        for message in messages:
            try:
                self.socket.send(envelope.pack(message), zmq.DONTWAIT)
            except zmq.Again:
                return

    def done(self, until_ns: int) -> None:
        """Hand back the time that was granted."""
        self.send([Done(until_ns)])

    def receive(self) -> FromHub | None:
        """What the hub says next, if it has said something. HELLO is said again if it was quiet for long."""
        try:
            data = self.socket.recv(zmq.DONTWAIT)
        except zmq.Again:
            if time.monotonic() - self._heard_s > QUIET_S:
                self.hello()
            return None
        self._heard_s = self.last_word_s = time.monotonic()
        return envelope.unpack_from_hub(data)

    def anew(self, welcome: Welcome) -> bool:
        """Whether a welcome begins another life, after the first or after the hub was replaced."""
        if welcome.life == self.life:
            return False
        self.life = welcome.life
        return True

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()
