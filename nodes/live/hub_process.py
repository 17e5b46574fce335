"""The process of the hub."""

import resource
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import NamedTuple

import zmq

from nodes.live.child import GONE, Control, begin
from nodes.live.settings import Settings
from radio.hub import Hub, Plan
from radio.hub_memory import Flooded
from radio.hub_server import HubServer
from radio.propagation import PropagationError

LISTEN_S = 3.0
"""How long one that takes over tries to listen: the port may still be the lost one's."""
RETRY_S = 0.05


class HubStart(NamedTuple):
    """What a hub begins with: medium time, and how many lives everybody has had.

    `endpoint` is where one was that is lost; empty for the first.
    """

    plan: Plan
    endpoint: str
    settings: Settings
    truth: Path
    now_ns: int
    lives: Mapping[int, int]


def hub_process(control: Control, start: HubStart, horizon_ns: "Synchronized[int]") -> None:
    """Serve until told to stop. Says ("listening", endpoint) first, or ("failed", why).

    `horizon_ns` always shows up to when time has been granted: should this process be killed, another goes on there.
    """
    begin("hub")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # idle connections are not to keep a station out
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with start.truth.open("a", encoding="utf-8", newline="\n", buffering=1) as truth:  # a line is there or not
        hub = Hub(start.plan, truth.write, start.now_ns)
        hub.lives.update(start.lives)
        try:
            server = _listening(hub, start, horizon_ns)
        except zmq.ZMQError as error:
            where, why = start.endpoint or start.settings.listen, zmq.strerror(error.errno or 0)
            control.send(("failed", f"{where}: {why}; choose another port, or 0 for any that is free"))
            return
        with suppress(*GONE):
            try:
                control.send(("listening", server.endpoint))
                server.serve(control)
            except Flooded as error:
                control.send(("flooded", str(error)))
            except PropagationError as error:
                control.send(("stuck", str(error)))


def _listening(hub: Hub, start: HubStart, horizon_ns: "Synchronized[int]") -> HubServer:
    """Raises zmq.ZMQError if the port is in use."""
    limit_s = time.monotonic() + (LISTEN_S if start.endpoint else 0)
    while True:
        try:
            return HubServer(
                hub,
                start.endpoint or start.settings.listen,
                paced=start.settings.paced,
                patience_s=start.settings.patience_s,
                granted=lambda until_ns: setattr(horizon_ns, "value", until_ns),
            )
        except zmq.ZMQError:
            if time.monotonic() > limit_s:
                raise
            time.sleep(RETRY_S)
