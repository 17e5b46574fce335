"""A hub served over ZeroMQ from a thread of this process: for checks of links, tests and examples.

A real run has its hub in a process of its own; what a station sees is the same.
"""

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from radio.handle import Radio
from radio.hub import Hub, Plan
from radio.hub_server import HubServer, Status

GONE = (EOFError, BrokenPipeError, ConnectionResetError)


class ServedRun:
    """A run whose stations come over ZeroMQ, to `endpoint`: what `radio.check_link.Run` asks for. Made by `served`."""

    def __init__(self, hub: Hub, server: HubServer):
        self.hub, self.endpoint = hub, server.endpoint
        self._ours, theirs = multiprocessing.Pipe()
        self.news: list[tuple[Any, ...]] = []
        """What the hub has told so far, but for how it stands."""
        self._status: Status | None = None
        self._failure: BaseException | None = None
        self._gone = False
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._ours.fileno(), self._listen)
        self._thread = threading.Thread(target=self._serve, args=(server, theirs), name="hub")
        self._thread.start()

    def connect(self, address: int, **how: Any) -> Radio:
        """A handle for a station, not yet entered, for which time waits. `how` as for Radio."""
        self._ours.send(("expect", address))
        return Radio.connect(self.endpoint, address=address, **how)

    async def until(self, at_ns: int) -> None:
        """Let medium time go on to an instant, once all who were connected have joined."""
        self.go(at_ns)
        while self._status is None or self._status.now_ns < at_ns:
            await self.heard()

    def go(self, until_ns: int) -> None:
        """Let medium time go on to an instant, and do not wait for it."""
        self._status = None
        self._ours.send(("go", until_ns))

    async def end(self, reason: str) -> None:
        """End the run. Stations are told; the hub is gone when this returns."""
        with contextlib.suppress(*GONE):
            self._ours.send(("stop", reason))
        while not self._gone:
            await self.heard()

    async def heard(self) -> None:
        """Wait until the hub tells something. Raises RuntimeError if it is gone."""
        if self._gone:
            raise RuntimeError("the hub is gone") from self._failure
        self._news.clear()
        await self._news.wait()

    async def close(self) -> None:
        """End the run, if nobody has, and leave nothing behind. Raises what the hub failed with."""
        if not self._gone:
            await self.end("closed")
        await asyncio.to_thread(self._thread.join)
        self._ours.close()
        if self._failure is not None:
            raise self._failure

    def _listen(self) -> None:
        try:
            while self._ours.poll():
                match self._ours.recv():
                    case ("reached", status):
                        self._status = status
                    case ("status", _):
                        pass
                    case ("refused", address, reason):
                        self.news.append(("refused", address, reason))
                        with contextlib.suppress(*GONE):  # it may be over, with more news still to be read
                            self._ours.send(("unexpect", address))
                    case item:
                        self.news.append(item)
        except GONE:
            self._gone = True
            asyncio.get_running_loop().remove_reader(self._ours.fileno())
        self._news.set()

    def _serve(self, server: HubServer, theirs: Any) -> None:
        try:
            server.serve(theirs)
        except BaseException as error:  # it belongs to whoever closes the run
            self._failure = error
        finally:
            theirs.close()


@asynccontextmanager
async def served(
    plan: Plan, *, paced: bool = False, listen: str = "tcp://127.0.0.1:0", patience_s: float = 10.0
) -> AsyncIterator[ServedRun]:
    """A run with a hub at a loopback address; its truth is not kept. `paced`: stations may follow the clock."""
    hub = Hub(plan, lambda line: None)
    run = ServedRun(hub, HubServer(hub, listen, paced=paced, patience_s=patience_s))
    try:
        yield run
    finally:
        await run.close()
