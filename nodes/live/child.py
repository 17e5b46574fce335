"""What every process of a run does first: leave Ctrl-C to the director, and say in `ps` what it is."""

import signal
from multiprocessing.connection import Connection

import setproctitle
import zmq

Control = Connection
"""To the director. When it closes, the director is gone, and so is the process."""
GONE = (EOFError, BrokenPipeError, ConnectionResetError)
POLL_MS = 500


def begin(title: str) -> None:
    """To be called first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setproctitle.setproctitle(f"airaccord {title}")


def wait(control: Control, sockets: list["zmq.Socket[bytes]"]) -> bool:
    """Wait until somebody has something to say, or a little while; whether it is the director."""
    poller = zmq.Poller()
    poller.register(control.fileno(), zmq.POLLIN)
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    return control.fileno() in dict(poller.poll(POLL_MS))
