"""Stations inside one process: their links, and the exchange that brings them to a hub. No sockets, no copies.

There is only granted time here: medium time stands still until every station has handed it back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from radio.envelope import Bye, Done, End, FromHub, FromStation, Hello, Refused, Time, Welcome, pack
from radio.handle import Radio
from radio.hub import WINDOW_NS, Hub, NotAdmitted, Plan, Window
from radio.link import LinkLost

LIMIT_S = 30.0
"""How long stations may take over a window, by the clock on the wall, before the run is given up."""


class NotSettled(Exception):
    """A station neither waits nor leaves, so that time cannot go on; the text names it."""


class LocalLink:
    """One station's link. Made by `LocalExchange.connect`."""

    def __init__(self, exchange: "LocalExchange", address: int):
        self.address = address
        self._exchange = exchange
        self._inbox: deque[FromHub] = deque()
        self._news = asyncio.Event()
        self._closed = False

    async def send(self, message: FromStation) -> None:
        """Tell the hub, at once. Raises BadEnvelope for what no link can carry, so that all refuse the same."""
        pack(message)
        if isinstance(message, Hello):
            self._closed = False
        elif self._closed:
            raise LinkLost("the link is closed")
        self._exchange.take(self, message)

    async def receive(self) -> FromHub:
        """What the hub says next."""
        while not self._inbox:
            if self._closed:
                raise LinkLost("the link is closed")
            self._news.clear()
            await self._news.wait()
        return self._inbox.popleft()

    async def close(self) -> None:
        """Leave. Who does so without BYE is lost, as on any link."""
        self._closed = True
        self._inbox.clear()
        self._news.set()
        self._exchange.closed(self)

    def put(self, message: FromHub) -> None:
        """What the hub says. At most a window and a few words wait here: time stands still until they are read."""
        self._inbox.append(message)
        self._news.set()


class LocalExchange:
    """Brings the stations of this process to a hub, and what it delivers to them. Its user lets time go on:

        exchange.deliver(hub.next_window(until_ns))
        await exchange.settled()

    and awaits `settled` once before the first window, so that everybody who was connected has joined.
    """

    def __init__(self, hub: Hub):
        self.hub = hub
        self._linked: dict[int, LocalLink] = {}
        """Who takes part, by address."""
        self._beginning: list[LocalLink] = []
        """Who was connected and has not yet handed back any time: it is waited for, or its first words came late."""
        self._over: str | None = None
        self._news = asyncio.Event()

    def connect(self, address: int) -> LocalLink:
        """A link for a station. From now on time stands still until it has joined and waits, or its link is closed."""
        link = LocalLink(self, address)
        self._beginning.append(link)
        return link

    def deliver(self, window: Window) -> None:
        """Give every station its time and what it receives; monitors are told of trouble first."""
        for address, link in self._linked.items():
            if self.hub.plan.berths[address].monitor:
                for trouble in window.troubles:
                    link.put(trouble)
            link.put(Time(window.from_ns, window.until_ns, window.receptions(address)))

    def busy(self) -> bool:
        """Whether anybody takes part, or is about to."""
        return bool(self._linked or self._beginning)

    def waiting_for(self) -> list[int]:
        """The stations on these links that have not yet handed back their time, by rising address."""
        busy = {address for address in self.hub.waiting_for() if address in self._linked}
        return sorted(busy | {link.address for link in self._beginning})

    async def settled(self, limit_s: float = LIMIT_S) -> None:
        """Wait until everybody has handed back their time. Raises NotSettled after so long on the wall's clock."""
        try:
            async with asyncio.timeout(limit_s):
                while self.waiting_for():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            if waiting := self.waiting_for():
                names = ", ".join(f"{address:06x}" for address in waiting)
                raise NotSettled(
                    f"no answer from {names} within {limit_s:g} s: time goes on when each station waits in receive(), "
                    "in a task of its own, or has left"
                ) from None

    def cut(self, address: int, reason: str) -> None:
        """Cut a station off through no wish of its own; it may join again."""
        self.hub.lose(address)
        if link := self._forget(address):
            link.put(Refused(reason))

    def end(self, reason: str) -> None:
        """The run is over: everybody is told, and nobody is admitted any more."""
        self._over = reason
        for link in self._linked.values():
            link.put(End(self.hub.now_ns, reason))

    # ------------------------------------------------------------ what links call

    def take(self, link: LocalLink, said: FromStation) -> None:
        """What a station says: passed to the hub as it comes; what makes no sense is counted."""
        address = link.address
        if isinstance(said, Hello):
            self._hello(link, said)
        elif self._linked.get(address) is not link or not self.hub.present(address):
            self.hub.counts["malformed"] += 1
        elif isinstance(said, Bye):
            self.hub.leave(address)
            self._forget(address)
        else:
            try:
                self.hub.tell(address, said)
            except ValueError:
                self.hub.counts["malformed"] += 1
        if isinstance(said, Done | Bye):
            self._begun(link)
        self._news.set()

    def closed(self, link: LocalLink) -> None:
        """A link is closed; its station is lost if it has not said BYE."""
        if self._linked.get(link.address) is link:
            self._forget(link.address)
            self.hub.lose(link.address)
        self._begun(link)
        self._news.set()

    def _hello(self, link: LocalLink, hello: Hello) -> None:
        try:
            self._admit(link, hello)
        except NotAdmitted as error:
            self.hub.counts["refused"] += 1
            self._begun(link)
            link.put(Refused(str(error)))
            return
        hub, life = self.hub, self.hub.lives[link.address] - 1
        briefing = hub.plan.briefing_of(link.address)
        link.put(Welcome(hub.plan.start_ns, hub.plan.end_ns, hub.now_ns, WINDOW_NS, life, briefing))

    def _admit(self, link: LocalLink, hello: Hello) -> None:
        if self._over is not None:
            raise NotAdmitted(f"the run is over: {self._over}")
        if hello.address != link.address:
            raise NotAdmitted(f"this link is {link.address:06x}'s: one link for each station")
        if self._linked.get(link.address) is link:
            return
        if not hello.granted:
            raise NotAdmitted("in one process there is only granted time")
        self.hub.admit(hello)
        self._linked[link.address] = link
        if link not in self._beginning:
            self._beginning.append(link)

    def _begun(self, link: LocalLink) -> None:
        if link in self._beginning:
            self._beginning.remove(link)

    def _forget(self, address: int) -> LocalLink | None:
        link = self._linked.pop(address, None)
        if link is not None:
            self._begun(link)
        self._news.set()
        return link


async def fly(exchange: LocalExchange, until_ns: int, limit_s: float = LIMIT_S) -> None:
    """Let medium time go on to an instant, for a hub that has no other stations. Raises NotSettled."""
    await exchange.settled(limit_s)
    while exchange.hub.now_ns < until_ns:
        exchange.deliver(exchange.hub.next_window(until_ns))
        await exchange.settled(limit_s)


class LocalRun:
    """A run inside this process, for tests and examples: what `radio.check_link.Run` asks for."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self._exchange = LocalExchange(hub)

    def connect(self, address: int, **how: Any) -> Radio:
        """A handle for a station, not yet entered. `how` as for Radio."""
        return Radio(self._exchange.connect(address), address, **how)

    async def until(self, at_ns: int) -> None:
        """Let medium time go on to an instant."""
        await fly(self._exchange, at_ns)

    async def end(self, reason: str) -> None:
        """End the run."""
        self._exchange.end(reason)


@asynccontextmanager
async def local(plan: Plan) -> AsyncIterator[LocalRun]:
    """A run in one process; its truth is not kept. Time goes on only in `until`."""
    yield LocalRun(Hub(plan, lambda line: None))
