"""What every process of a run does first: leave Ctrl-C to the director, and say in `ps` what it is."""

import signal
from collections.abc import Iterable
from multiprocessing.connection import Connection

import setproctitle
import zmq

from nodes.live.forking import DEAF_TO

Control = Connection
"""To the director. When it closes, the director is gone, and so is the process."""
GONE = (EOFError, BrokenPipeError, ConnectionResetError)
POLL_MS = 500


def begin(title: str) -> None:
    """To be called first."""
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF_TO)
    setproctitle.setproctitle(f"airaccord {title}")


class Waiting:
    """Waits until the director or a hub has something to say, or a little while."""

    def __init__(self, control: Control, sockets: Iterable["zmq.Socket[bytes]"]):
        self._poller = zmq.Poller()
        self._control = control.fileno()
        self._poller.register(self._control, zmq.POLLIN)
        for socket in sockets:
            self._poller.register(socket, zmq.POLLIN)

    def __call__(self, at_most_ms: int = POLL_MS) -> bool:
        """Wait; whether it is the director."""
        return any(who == self._control for who, _ in self._poller.poll(at_most_ms))

    def forget(self, socket: "zmq.Socket[bytes]") -> None:
        """A socket is about to be closed."""
        self._poller.unregister(socket)
