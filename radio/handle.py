"""The handle by which a Python program is a station: `Radio`, the same over every link. docs/links.md shows its use.

What a station must do by the link protocol and need not think of is done here: HELLO, handing back time, the numbers of
receptions, ALIVE. What to send, when and where to be is the program's.
"""

import asyncio
import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from radio import envelope
from radio.envelope import (
    FARTHEST_AHEAD_NS,
    NO_KEY,
    Alive,
    Bye,
    Done,
    End,
    FromHub,
    Hello,
    OffAir,
    Place,
    Reception,
    Time,
    Transmit,
    Tune,
    Welcome,
)
from radio.link import CutOff, Link, LinkError, LinkLost, Refused, RunOver
from radio.link_zmq import ZmqLink

__all__ = ["CutOff", "LinkError", "LinkLost", "Radio", "Reception", "Refused", "RunOver", "TooLate"]

MOST_WAITING = 1000
"""Receptions that wait to be read, in real time; while so many do, nothing more is taken from the link."""
BEAT_S = 0.5
"""How often ALIVE is said, in real time."""
TRUST_NS = 200_000_000
"""How far the own clock is trusted behind the last word of medium time: the run may have been held."""


class TooLate(ValueError):
    """A frame would start less than a window after now, so that its window may be settled already."""


class Radio:
    """One station on the emulated channel: `async with Radio(link, address) as radio`.

    Granted time (the default): medium time stands still while the program computes, and goes on only while `receive`
    waits. Real time (`granted=False`): it follows the clock, and goes on in any case. Instants are ns UTC of medium
    time. Entering raises Refused, or LinkLost; a Radio that was left can be entered again.
    """

    def __init__(self, link: Link, address: int, *, granted: bool = True, key: bytes = NO_KEY):
        self.address, self.granted = address, granted
        self.over = False
        """Whether the run is over."""
        self.missed = 0
        """Receptions that were lost on their way from the hub, by the holes in their numbers."""
        self._link, self._key = link, key
        self._inside = self._receiving = False
        self._welcome: Welcome | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._news, self._room = asyncio.Event(), asyncio.Event()

    @classmethod
    def connect(cls, hub: str, *, address: int, granted: bool = True, key: bytes = NO_KEY) -> "Radio":
        """A station on the hub at an address such as `tcp://127.0.0.1:5555`; enter it to connect.

        Raises ValueError for an address that is not of this machine.
        """
        return cls(ZmqLink(hub), address, granted=granted, key=key)

    @classmethod
    def from_environment(cls, *, granted: bool = True, environment: Mapping[str, str] | None = None) -> "Radio":
        """The station as which a run started this program, from AIRACCORD_HUB, AIRACCORD_ADDRESS and AIRACCORD_KEY.

        The key may be left out for a station that is external to the run. Raises ValueError for what is not set.
        """
        given = os.environ if environment is None else environment
        for name in ("AIRACCORD_HUB", "AIRACCORD_ADDRESS"):
            if name not in given:
                raise ValueError(f"{name} is not set: let a run start this program, or use Radio.connect")
        address = _hex(given, "AIRACCORD_ADDRESS", 3)
        key = _hex(given, "AIRACCORD_KEY", envelope.KEY_BYTES) if "AIRACCORD_KEY" in given else NO_KEY
        return cls.connect(given["AIRACCORD_HUB"], address=int.from_bytes(address), granted=granted, key=key)

    # ------------------------------------------------------------ taking part

    async def __aenter__(self) -> "Radio":
        if self._inside:
            raise RuntimeError("this Radio is in use: one `async with` at a time")
        try:
            await self._link.send(Hello(self.address, self.granted, self._key))
            self._begin(await self._welcomed())
        except BaseException:
            await self._link.close()
            raise
        if not self.granted:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Leave the run; the end of `async with` does it too. Once more does no harm."""
        if not self._inside:
            return
        self._inside = False
        self._news.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            if self._there and not self.over:
                with contextlib.suppress(LinkError):
                    await self._link.send(Bye())
        finally:
            await self._link.close()

    async def _welcomed(self) -> Welcome:
        while True:
            match await self._link.receive():
                case Welcome() as welcome:
                    return welcome
                case envelope.Refused(reason=reason):
                    raise Refused(reason)
                case End(reason=reason):
                    raise Refused(f"the run is over: {reason}")

    def _begin(self, welcome: Welcome) -> None:
        self.briefing = _object(welcome.briefing)
        """What the run tells the station about itself and the terms; docs/link-protocol.md has the keys."""
        self._channels = _channels(self.briefing)
        """Those that exist; none where the briefing does not say."""
        self._welcome, self._inside, self.over, self.missed = welcome, True, False, 0
        self._there = True
        """Whether the hub takes us for present."""
        self._failure: Exception | None = None
        self._inbox: deque[Reception] = deque()
        self._number = 0
        self._now_ns = self._until_ns = welcome.now_ns
        self._owed = True
        """Whether the time up to `_until_ns` is still to be handed back; so it is at first, after our first words."""
        self._told_ns: int | None = None
        self._told_at_ns = 0

    def _known(self) -> Welcome:
        if self._welcome is None:
            raise RuntimeError("not in a run yet: use `async with radio`")
        return self._welcome

    @property
    def start_ns(self) -> int:
        """When the scenario starts."""
        return self._known().start_ns

    @property
    def end_ns(self) -> int:
        """When the scenario ends; a run may be ended before."""
        return self._known().end_ns

    @property
    def window_ns(self) -> int:
        """The window: a frame is handed over at least so long before its start."""
        return self._known().window_ns

    @property
    def life(self) -> int:
        """How often this address has taken part before: what was sent in different lives needs different sessions."""
        return self._known().life

    @property
    def now_ns(self) -> int:
        """Medium time. It never goes back; in real time it is at most 0.2 s past what the hub said last."""
        self._known()
        if self._told_ns is not None and not self.over:
            passed_ns = min(time.monotonic_ns() - self._told_at_ns, TRUST_NS)
            self._now_ns = max(self._now_ns, self._told_ns + passed_ns)
        return self._now_ns

    # ------------------------------------------------------------ saying

    async def transmit(
        self, data: bytes, *, channel: int, start_ns: int, session: int, sequence: int, slot: int | None = None
    ) -> None:
        """Put a frame of 1 to 255 bytes on the air at `start_ns`, on a channel from 0 to 63.

        `session` and `sequence` are those in the frame; `slot` is the one that is meant, for the truth. Raises TooLate
        (granted time only: in real time the hub counts what comes too late), ValueError for what cannot be sent,
        CutOff, RunOver and LinkLost.
        """
        self._check_on()
        self._check_near(start_ns)
        self._check_there([channel])
        if self.granted and start_ns < self.now_ns + self.window_ns:
            ahead_ms, least_ms = (start_ns - self.now_ns) / 1e6, self.window_ns / 1e6
            raise TooLate(f"a start at {start_ns} is {ahead_ms:.9g} ms after now; it takes at least {least_ms:g} ms")
        await self._link.send(Transmit(start_ns, channel, session, sequence, data, slot))

    async def place(
        self,
        latitude_deg: float,
        longitude_deg: float,
        height_m: float,
        *,
        north_mps: float = 0.0,
        east_mps: float = 0.0,
        up_mps: float = 0.0,
        at_ns: int | None = None,
    ) -> None:
        """Say where the station is (WGS-84, height over the ellipsoid) and how it moves on, from now or from `at_ns`.

        The first place puts it on the air. Say it at least once a second while moving. Raises as `transmit`.
        """
        self._check_on()
        at_ns = self._near(at_ns)
        await self._link.send(Place(at_ns, latitude_deg, longitude_deg, height_m, north_mps, east_mps, up_mps))

    async def tune(self, channels: Iterable[int], at_ns: int | None = None) -> None:
        """Listen to these channels and no others, from now or from `at_ns`. Raises as `transmit`."""
        self._check_on()
        channels = frozenset(channels)
        self._check_there(channels)
        await self._link.send(Tune(self._near(at_ns), channels))

    async def off_air(self, at_ns: int | None = None) -> None:
        """Be off the air from now or from `at_ns`, until the next place. Raises as `transmit`."""
        self._check_on()
        await self._link.send(OffAir(self._near(at_ns)))

    def _check_on(self) -> None:
        if not self._inside:
            raise RuntimeError("not in a run: use `async with radio`")
        if self._failure is not None:
            raise self._failure
        if self.over:
            raise RunOver("the run is over")

    def _near(self, at_ns: int | None) -> int:
        """An instant, or now."""
        if at_ns is None:
            return self.now_ns
        self._check_near(at_ns)
        return at_ns

    def _check_near(self, at_ns: int) -> None:
        """What is told for later, the hub would drop."""
        if at_ns > self.now_ns + FARTHEST_AHEAD_NS:
            raise ValueError(f"{at_ns} is more than {FARTHEST_AHEAD_NS / 1e9:g} s after now, which is {self.now_ns}")

    def _check_there(self, channels: Iterable[int]) -> None:
        """What is said of a channel that does not exist, the hub would drop."""
        if self._channels and not self._channels.issuperset(channels):
            raise ValueError(f"not all of the channels {sorted(channels)} exist: there are {sorted(self._channels)}")

    # ------------------------------------------------------------ hearing

    async def receive(self, until_ns: int | None = None) -> Reception | None:
        """The next reception; None when medium time has come to `until_ns`, or the run is over.

        What is received at `until_ns` itself comes before. Raises RuntimeError if another task waits already, CutOff
        and LinkLost.
        """
        if self._receiving:
            raise RuntimeError("another task waits in receive() already: a station has one reader")
        self._receiving = True
        try:
            return await (self._granted(until_ns) if self.granted else self._timed(until_ns))
        finally:
            self._receiving = False

    def __aiter__(self) -> "Radio":
        return self

    async def __anext__(self) -> Reception:
        got = await self.receive()
        if got is None:
            raise StopAsyncIteration
        return got

    async def _granted(self, until_ns: int | None) -> Reception | None:
        while True:
            if (got := self._next(until_ns)) is not None:
                self._now_ns = max(self._now_ns, got.due_ns)
                return got
            if until_ns is not None and until_ns < self._until_ns:  # what is due at the end itself is not known yet
                self._now_ns = max(self._now_ns, until_ns)
                return None
            if self._ended():
                return None
            if self._owed:
                self._now_ns = self._until_ns
                await self._link.send(Done(self._until_ns))
                self._owed = False
            self._take(await self._link.receive())

    async def _timed(self, until_ns: int | None) -> Reception | None:
        while True:
            if (got := self._next(until_ns)) is not None:
                self._room.set()
                return got
            if until_ns is not None and self.now_ns >= until_ns:
                return None
            if self._ended():
                return None
            self._news.clear()
            left_s = None if until_ns is None else max(0.001, (until_ns - self.now_ns) / 1e9)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._news.wait()

    def _next(self, until_ns: int | None) -> Reception | None:
        if not self._inside:
            raise RuntimeError("not in a run: use `async with radio`")
        if self._inbox and (until_ns is None or self._inbox[0].due_ns <= until_ns):
            return self._inbox.popleft()
        return None

    def _ended(self) -> bool:
        if self._failure is not None:
            raise self._failure
        return self.over

    def _take(self, said: FromHub) -> None:
        match said:
            case Time(from_ns=from_ns, until_ns=until_ns, receptions=receptions):
                for got in receptions:
                    self.missed += (got.number - self._number) & 0xFFFFFFFF
                    self._number = got.number + 1
                self._inbox.extend(receptions)
                if self.granted:
                    self._now_ns, self._until_ns, self._owed = max(self._now_ns, from_ns), until_ns, True
                else:
                    self._told_ns, self._told_at_ns = until_ns, time.monotonic_ns()
            case Welcome(life=life) if life != self.life:
                self._failure = CutOff(
                    f"the hub was replaced, or lost us: this is life {life}; enter again to begin anew"
                )
            case envelope.Refused(reason=reason):
                self._there = False
                self._failure = CutOff(reason)
            case End(now_ns=now_ns):
                self._now_ns = max(self.now_ns, now_ns)
                self.over = True

    # ------------------------------------------------------------ real time

    async def _read(self) -> None:
        """Take what comes, but not without bound: when nobody reads, the hub is to notice, and to count it."""
        try:
            while not self.over and self._failure is None:
                self._room.clear()
                if len(self._inbox) >= MOST_WAITING:
                    await self._room.wait()
                self._take(await self._link.receive())
                self._news.set()
        except Exception as error:  # whatever it is, it belongs to whoever waits in receive()
            self._failure = error
            self._news.set()

    async def _beat(self) -> None:
        with contextlib.suppress(LinkError):  # the reader meets it too, and says so
            while not self.over:
                await asyncio.sleep(BEAT_S)
                await self._link.send(Alive())


def _object(briefing: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(value := json.loads(briefing), dict):
            return value
    raise LinkLost("the hub cannot be understood: its briefing is no JSON object")


def _channels(briefing: Mapping[str, Any]) -> frozenset[int]:
    try:
        agreed = briefing.get("agreement", {}).get("channel", ())
        return frozenset((*(channel["number"] for channel in agreed), *briefing.get("unagreed_channels", ())))
    except (AttributeError, KeyError, TypeError):
        raise LinkLost("the hub cannot be understood: its briefing does not name the channels") from None


def _hex(given: Mapping[str, str], name: str, n_bytes: int) -> bytes:
    try:
        value = bytes.fromhex(given[name])
    except ValueError:
        value = b""
    if len(value) != n_bytes:
        raise ValueError(f"{name} is {given[name]!r}, not {2 * n_bytes} hex digits")
    return value
