"""The hub over real sockets: bytes that are no message, who is refused, who stalls, who is gone."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import zmq
import zmq.asyncio

from radio import hub_memory, hub_server
from radio.check_link_tools import ALPHA, BRAVO, CHARLIE, MS, NOBODY, START_NS, plan
from radio.envelope import (
    Alive,
    BadEnvelope,
    Bye,
    Done,
    FromHub,
    FromStation,
    Hello,
    Place,
    Refused,
    Transmit,
    Trouble,
    Welcome,
    pack,
    pack_reception,
    unpack_from_hub,
    unpack_from_station,
)
from radio.handle import Radio
from radio.hub import WINDOW_NS, Hub
from radio.hub_server import HubServer
from radio.hub_thread import ServedRun, served

LIMIT_S = 60.0


@pytest.fixture(autouse=True)
async def limit() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()  # the test is a task of its own
    timer = loop.call_later(LIMIT_S, lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    yield
    timer.cancel()


class Raw:
    """A DEALER that says what it is told to, and knows nothing."""

    def __init__(self, socket: "zmq.asyncio.Socket"):
        self.socket = socket

    async def say(self, *messages: FromStation) -> None:
        for message in messages:
            await self.socket.send(pack(message))

    async def hear(self) -> FromHub:
        return unpack_from_hub(await self.socket.recv())

    async def hello(self, address: int, granted: bool = True) -> Welcome | Refused:
        """Ask, and wait for the answer: all that was said before is then dealt with."""
        await self.say(Hello(address, granted))
        while True:
            said = await self.hear()
            if isinstance(said, Welcome | Refused):
                return said


@contextlib.contextmanager
def raw(run: ServedRun, **options: int) -> Iterator[Raw]:
    context = zmq.asyncio.Context()
    try:
        socket = context.socket(zmq.DEALER)
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        socket.connect(run.endpoint)
        yield Raw(socket)
    finally:
        context.destroy(linger=0)


async def listen(radio: Radio) -> list[bytes]:
    return [got.data async for got in radio]


# ---------------------------------------------------------------- what is no message


def nonsense(seed: int, count: int) -> list[bytes]:
    """Bytes that are no message, half of them nearly one."""
    draw = random.Random(seed)
    found = []
    while len(found) < count:
        data = draw.randbytes(draw.choice((0, 1, 2, 5, 10, 23, 58, 200)))
        if draw.random() < 0.5:
            data = bytes([1, draw.choice(b"HTPDCOABWG")]) + data
        try:
            unpack_from_station(data)
        except BadEnvelope:
            found.append(data)
    return found


async def test_ten_thousand_bad_envelopes_are_counted_and_do_no_harm() -> None:
    async with served(plan()) as run, run.connect(ALPHA) as alpha, run.connect(BRAVO) as bravo:
        with raw(run) as stranger, raw(run) as member:
            assert isinstance(await member.hello(CHARLIE), Welcome)
            for n, data in enumerate(nonsense(1, 10_000)):
                await (stranger if n % 2 else member).socket.send(data)
            for parts in ([b"\x01A", b""], [b"", b"\x01A"], [b"x"] * 5):
                await member.socket.send_multipart(parts)
            await stranger.say(Alive(), Done(START_NS), Bye())  # who are you?
            await member.say(Done(START_NS + 1), Transmit(START_NS, 9, 0, 0, b"no such channel"))
            for socket in (stranger, member):
                await socket.hello(CHARLIE)
            await member.say(Bye())
            await alpha.place(35, 36, 8000)
            await bravo.place(35, 36, 8000)
            await alpha.transmit(b"in peace", channel=1, start_ns=START_NS + 100 * MS, session=1, sequence=0)
            tasks = [asyncio.create_task(listen(radio)) for radio in (alpha, bravo)]
            await run.until(START_NS + 200 * MS)
            await run.end("over")
            assert await asyncio.gather(*tasks) == [[], [b"in peace"]]
    assert run.hub.counts == {"malformed": 10_008, "refused": 1}


async def test_an_envelope_that_is_far_too_long_ends_its_connection_and_no_other() -> None:
    async with served(plan()) as run:
        with raw(run) as huge, raw(run) as other:
            await huge.socket.send(bytes(2 << 20))
            assert isinstance(await other.hello(ALPHA), Welcome)
            await other.say(Bye())
        await run.end("over")
    assert run.hub.counts["malformed"] == 0


# ---------------------------------------------------------------- who is refused


async def test_who_is_refused_and_why() -> None:
    async with served(plan()) as run:
        with raw(run) as first, raw(run) as second:
            welcome = await first.hello(ALPHA)
            assert welcome == Welcome(START_NS, plan().end_ns, START_NS, WINDOW_NS, 0, "{}")
            assert await first.hello(ALPHA) == welcome, "the same again changes nothing"
            refusals = [
                (second, ALPHA, True, "155001 is taken"),
                (second, NOBODY, True, "155fff is expected"),
                (second, BRAVO, False, "does not keep to the clock"),
                (first, BRAVO, True, "this connection is 155001's"),
            ]
            for who, address, granted, about in refusals:
                refused = await who.hello(address, granted)
                assert isinstance(refused, Refused)
                assert about in refused.reason
        await run.end("over")
    assert run.hub.counts == {"refused": 4}
    assert [item[:2] for item in run.news if item[0] == "refused"] == [("refused", who[1]) for who in refusals]


@pytest.mark.parametrize("listen", ["tcp://0.0.0.0:0", "tcp://*:0", "192.168.1.7:5555", "ipc://hub"])
def test_a_hub_listens_on_this_machine_alone(listen: str) -> None:
    with pytest.raises(ValueError, match=r"only addresses of this machine|of the form"):
        HubServer(Hub(plan(), lambda line: None), listen, paced=False)


async def test_a_port_in_use_is_an_error_that_leaves_nothing_open() -> None:
    async with served(plan()) as run:
        with pytest.raises(zmq.ZMQError, match="in use"):
            HubServer(Hub(plan(), lambda line: None), run.endpoint, paced=False)


# ---------------------------------------------------------------- who is gone, who stalls


async def test_a_station_that_is_gone_without_a_word_is_lost_and_its_address_free() -> None:
    made = plan()
    made = replace(made, berths={**made.berths, CHARLIE: replace(made.berths[CHARLIE], monitor=True)})
    async with served(made) as run:
        with raw(run) as monitor:
            assert isinstance(await monitor.hello(CHARLIE), Welcome)
            with raw(run) as station:
                assert isinstance(await station.hello(ALPHA), Welcome)
                await station.say(Place(START_NS, 35, 36, 8000), Done(START_NS))
                run.go(START_NS + 60_000 * MS)
                await monitor.say(Done(START_NS))
            while ("lost", ALPHA) not in run.news:  # by talking to it, while it is waited for
                await run.heard()
            told: list[FromHub] = []
            while not (told and isinstance(told[-1], Trouble)):
                told.append(await monitor.hear())
                if hasattr(told[-1], "receptions"):
                    await monitor.say(Done(told[-1].until_ns))
            assert told[-1][1:] == (ALPHA, told[-1].from_ns, None)
            with raw(run) as station:
                welcome = await station.hello(ALPHA)
                assert isinstance(welcome, Welcome)
                assert welcome.life == 1
            await run.end("over")


async def test_a_station_that_does_not_take_its_messages_stalls_nobody_and_costs_no_memory() -> None:
    """It hands back its time without reading: the hub cannot know but by its own queue, which has a bound."""
    frames = 20
    async with served(plan()) as run, run.connect(ALPHA) as alpha, run.connect(BRAVO) as bravo:
        with raw(run, RCVHWM=1, RCVBUF=4096) as stalled:
            assert isinstance(await stalled.hello(CHARLIE), Welcome)
            await stalled.say(Place(START_NS, 35, 36, 8000), Done(START_NS))
            await alpha.place(35, 36, 8000)
            await bravo.place(35, 36, 8000)
            heard = asyncio.create_task(listen(bravo))
            run.go(START_NS + 3_600_000 * MS)

            await alpha.receive(START_NS + 1)

            async def window() -> None:
                """A window in which much is sent, and handed back by everybody."""
                until_ns = alpha.now_ns - alpha.now_ns % WINDOW_NS + WINDOW_NS
                for n in range(frames):
                    start_ns = until_ns + WINDOW_NS + n * 2_400_000
                    await alpha.transmit(bytes(255), channel=1, start_ns=start_ns, session=1, sequence=n)
                await stalled.say(Done(until_ns))
                await alpha.receive(until_ns)  # which is when the next one was granted to all

            windows = 0
            while not run.hub.counts["host_dropped"]:
                await window()
                windows += 1
            dropped = run.hub.counts["host_dropped"]
            for _ in range(50):
                await window()
            assert run.hub.counts["host_dropped"] >= dropped + 48 * frames, "what does not fit is dropped, all of it"
            most = hub_server.MOST_QUEUED + (16 << 20) // (frames * 255)  # the queue, and what the kernel holds at most
            assert windows < most, "what is held for a station has a bound"
            assert bravo.missed == 0
            await stalled.say(Bye())
            await alpha.leave()
            await run.end("over")
            assert len(await heard) >= (windows + 48) * frames


async def test_whoever_started_the_run_is_gone() -> None:
    async with served(plan()) as run, run.connect(ALPHA) as alpha:
        heard = asyncio.create_task(listen(alpha))
        asyncio.get_running_loop().remove_reader(run._ours.fileno())
        run._ours.close()
        assert await heard == []
        assert alpha.over
        await asyncio.to_thread(run._thread.join)
        run._gone = True


def test_what_is_held_for_a_station_that_follows_the_clock_is_not_for_its_next_life() -> None:
    server = HubServer(Hub(plan(), lambda line: None), "127.0.0.1:0", paced=True)
    try:
        for due_ns, address in ((START_NS + 2, ALPHA), (START_NS + 1, BRAVO), (START_NS, ALPHA)):
            server._timed.hold(address, [pack_reception(due_ns, due_ns, 0, 1, 0, b"x")])
        server._forget(ALPHA)
        assert [address for _, address, _ in server._timed.due(START_NS + 2)] == [BRAVO]
    finally:
        server._context.destroy(linger=0)


async def test_who_is_waited_for_in_vain_again_and_again_is_not_let_in_any_more() -> None:
    """Each time costs all others the patience of the run."""
    async with served(plan(), patience_s=0.05) as run:
        with raw(run) as stalls:
            for _ in range(hub_server.MOST_STALLS):
                assert isinstance(await stalls.hello(ALPHA), Welcome)
                while not isinstance(said := await stalls.hear(), Refused):
                    pass
                assert "set aside" in said.reason
            refused = await stalls.hello(ALPHA)
            assert refused == Refused(f"{ALPHA:06x} was waited for in vain {hub_server.MOST_STALLS} times")
            assert isinstance(await stalls.hello(BRAVO), Welcome), "it is the station that stalls, and no other"


async def test_a_socket_that_chooses_its_routing_id_is_refused() -> None:
    """Another socket with the same one would be taken for it, and never be told of its next life."""
    async with served(plan()) as run:
        context = zmq.asyncio.Context()
        try:
            dealer = context.socket(zmq.DEALER)
            dealer.setsockopt(zmq.ROUTING_ID, b"mine")
            dealer.connect(run.endpoint)
            refused = await Raw(dealer).hello(ALPHA)
        finally:
            context.destroy(linger=0)
        assert isinstance(refused, Refused)
        assert "routing id" in refused.reason
        with raw(run) as other:
            assert isinstance(await other.hello(ALPHA), Welcome)


async def test_a_hub_that_is_made_to_take_too_much_memory_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """ZeroMQ bounds no message of many parts, and gives it to nobody before its last part is there."""
    monkeypatch.setattr(hub_memory, "MOST_BYTES", hub_memory._memory_bytes() + (64 << 20))
    context = contextlib.AsyncExitStack()
    run = await context.enter_async_context(served(plan()))
    with raw(run) as flood:
        while not run._gone:
            await flood.socket.send(bytes(60_000), zmq.SNDMORE)
            await asyncio.sleep(0)
    with pytest.raises(hub_memory.Flooded, match="messages without end"):
        await context.aclose()
