"""What the checks of a link are written with: the run they need, their plan, stations that send and listen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, Protocol

from radio.envelope import NO_KEY, Reception
from radio.handle import Radio
from radio.hub import WINDOW_NS, Berth, Plan
from radio.link_local import NotSettled
from radio.medium import Channel, Equipment, Laws

LIMIT_S = 25.0
"""A link that lets a check wait for so long does not hold. They take less than one."""
START_NS = 1_445_418_000_000_000_000
END_NS = START_NS + 60_000_000_000
MS = 1_000_000
ALPHA, BRAVO, CHARLIE, NOBODY = 0x155001, 0x155002, 0x155003, 0x155FFF
KEYED = 0xAE1001
KEY = bytes(range(16))


class Run(Protocol):
    """A run over the link that is checked."""

    def connect(self, address: int, *, key: bytes = NO_KEY) -> Radio:
        """A handle for a station with granted time, not yet entered."""
        ...

    async def until(self, at_ns: int) -> None:
        """Let medium time go on, and return when it stands at `at_ns` and everybody has handed back their time."""
        ...

    async def end(self, reason: str) -> None:
        """End the run, and tell everybody who takes part."""
        ...


Make = Callable[[Plan], AbstractAsyncContextManager[Run]]
Check = Callable[[Make], Coroutine[Any, Any, None]]


def plan(*, seed: int = 1, loss: float = 0.0) -> Plan:
    """The plan of the checks: two channels, three stations without keys and one with."""
    channels = tuple(
        Channel(number=number, frequency_hz=1e9 + number * 1e6, bandwidth_hz=1e6, bit_rate_bps=1e6) for number in (1, 2)
    )
    berths = {
        address: Berth(
            equipment=Equipment(address=address), tuned=frozenset({1, 2}), key=KEY if address == KEYED else None
        )
        for address in (ALPHA, BRAVO, CHARLIE, KEYED)
    }
    return Plan(channels=channels, seed=seed, laws=Laws(loss=loss), start_ns=START_NS, end_ns=END_NS, berths=berths)


@asynccontextmanager
async def entered(run: Run, *addresses: int) -> AsyncIterator[list[Radio]]:
    """Stations that take part; those still there at the end leave."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(run.connect(address)) for address in addresses]


@asynccontextmanager
async def placed(made: AbstractAsyncContextManager[Run], *addresses: int) -> AsyncIterator[tuple[Run, list[Radio]]]:
    """A run with stations near each other, on the air before time goes on."""
    async with made as run, entered(run, *addresses) as radios:
        for radio in radios:
            await put(radio)
        yield run, radios


async def put(radio: Radio) -> None:
    await radio.place(35.0, 36.0 + (radio.address & 0xF) / 100, 8_000.0)


async def together(run: Run, until_ms: int, *doing: Coroutine[Any, Any, Any], end: bool = True) -> list[Any]:
    """Let stations do what they do while time goes on to so long after the start, and then the run ends."""

    async def time() -> None:
        await run.until(START_NS + until_ms * MS)
        if end:
            await run.end("the check is over")

    tasks = [asyncio.create_task(coroutine) for coroutine in (*doing, time())]
    try:
        return list(await asyncio.gather(*tasks))[:-1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def send(radio: Radio, frames: list[bytes], *, every_ns: int = 10 * MS, first_ms: int = 100) -> list[Reception]:
    """Send frames at a steady pace, each handed over two windows ahead; what it receives until the run is over."""
    heard = []
    for n, data in enumerate(frames):
        start_ns = START_NS + first_ms * MS + n * every_ns
        while (got := await radio.receive(start_ns - 2 * WINDOW_NS)) is not None:
            heard.append(got)
        await radio.transmit(data, channel=1, start_ns=start_ns, session=1, sequence=n)
    return heard + await listen(radio)


async def listen(radio: Radio) -> list[Reception]:
    """All that it receives until the run is over."""
    return [got async for got in radio]


async def then_listen(doing: Coroutine[Any, Any, Any], radio: Radio) -> list[Reception]:
    await doing
    return await listen(radio)


def limited(check: Check) -> Check:
    """The check, which says so if it would wait for ever: something was lost on its way."""

    @wraps(check)
    async def within(make: Make) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await check(make)
        except (TimeoutError, NotSettled) as error:
            about = f" ({error})" if isinstance(error, NotSettled) else ""
            raise AssertionError(
                f"{check.__name__} waits for what does not come: a message was lost, in one direction or the other, "
                f"or somebody is not told of the end{about}"
            ) from None

    return within


@contextmanager
def raises(kind: type[Exception], what: str, naming: str = "") -> Iterator[None]:
    try:
        yield
    except kind as error:
        holds(naming in str(error), f"{what} raises what names {naming}: {error!r}")
        return
    raise AssertionError(f"{what} did not raise {kind.__name__}")


def same(found: object, wanted: object, what: str) -> None:
    assert found == wanted, f"{what}: {_short(found)}, not {_short(wanted)}"


def holds(is_so: bool, what: str) -> None:
    assert is_so, f"not so: {what}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-200:]}"
