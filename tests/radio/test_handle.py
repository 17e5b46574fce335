"""The handle: what it does by itself, what it refuses, what it says when things go wrong. Frames are in test_links."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import zmq
import zmq.asyncio

from radio import envelope, handle, link_zmq
from radio.check_link_tools import ALPHA, BRAVO, CHARLIE, KEY, MS, START_NS, plan
from radio.envelope import (
    NO_KEY,
    Alive,
    Bye,
    Done,
    End,
    FromHub,
    FromStation,
    Hello,
    OffAir,
    Place,
    Reception,
    Time,
    Transmit,
    Tune,
    Welcome,
)
from radio.handle import CutOff, LinkLost, Radio, Refused, RunOver, TooLate
from radio.hub import WINDOW_NS, Hub
from radio.hub_thread import served
from radio.link_local import LocalExchange, NotSettled, fly, local
from radio.link_zmq import ZmqLink

LIMIT_S = 60.0
WELCOME = Welcome(START_NS, START_NS + 1000 * MS, START_NS, WINDOW_NS, 0, '{"call_sign": "SOKOL 1"}')


@pytest.fixture(autouse=True)
async def limit() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()  # the test is a task of its own
    timer = loop.call_later(LIMIT_S, lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    yield
    timer.cancel()


class Script:
    """A link without a hub: the test says what comes, and sees what is sent."""

    def __init__(self, *said: FromHub):
        self.inbox: asyncio.Queue[FromHub | Exception] = asyncio.Queue()
        self.sent: list[FromStation] = []
        self.closed = 0
        self.said = asyncio.Event()
        for message in said:
            self.inbox.put_nowait(message)

    async def send(self, message: FromStation) -> None:
        envelope.pack(message)
        self.sent.append(message)
        self.said.set()

    async def receive(self) -> FromHub:
        message = await self.inbox.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def close(self) -> None:
        self.closed += 1

    async def until_sent(self, message: FromStation, count: int = 1) -> None:
        while self.sent.count(message) < count:
            self.said.clear()
            await self.said.wait()


def reception(at_ms: int, number: int) -> Reception:
    return Reception(START_NS + at_ms * MS, START_NS + at_ms * MS - 1, number, 1, -700, b"frame")


def window(from_ms: int, until_ms: int, *receptions: Reception) -> Time:
    return Time(START_NS + from_ms * MS, START_NS + until_ms * MS, receptions)


async def never_mind(radio: Radio) -> None:
    async for _ in radio:
        pass


# ---------------------------------------------------------------- granted time


async def test_it_hands_time_back_only_when_nothing_is_left_in_it():
    first, second = reception(10, 0), reception(50, 1)
    link = Script(WELCOME, window(0, 50, first), window(50, 100, second), End(START_NS + 100 * MS, "over"))
    async with Radio(link, ALPHA, key=KEY) as radio:
        assert link.sent == [Hello(ALPHA, True, KEY)]
        assert (radio.briefing, radio.life, radio.now_ns) == ({"call_sign": "SOKOL 1"}, 0, START_NS)
        assert await radio.receive() == first
        assert link.sent[1:] == [Done(START_NS)], "its first words are said before any time goes on"
        assert radio.now_ns == first.due_ns
        assert await radio.receive(START_NS + 49 * MS) is None
        assert (radio.now_ns, link.sent[2:]) == (START_NS + 49 * MS, [])
        assert await radio.receive(START_NS + 50 * MS) == second, "at equal instants receptions come first"
        assert link.sent[2:] == [Done(START_NS + 50 * MS)]
        assert await radio.receive() is None
        assert link.sent[3:] == [Done(START_NS + 100 * MS)]
        assert radio.over
        assert radio.now_ns == START_NS + 100 * MS
        with pytest.raises(RunOver):
            await radio.place(0, 0, 0)
    assert Bye() not in link.sent, "the hub knows that the run is over"
    assert link.closed == 1


async def test_what_it_says_carries_the_instant_it_is():
    link = Script(WELCOME, window(0, 50))
    async with Radio(link, ALPHA) as radio:
        await radio.receive(START_NS + 7 * MS)
        await radio.place(35, 36, 8000, north_mps=1, east_mps=2, up_mps=3)
        await radio.place(35, 36, 8000, at_ns=5)
        await radio.tune([1, 2])
        await radio.tune([], at_ns=6)
        await radio.off_air()
        await radio.off_air(at_ns=7)
        await radio.transmit(b"x", channel=1, start_ns=START_NS + 57 * MS, session=2, sequence=3)
        with pytest.raises(TooLate, match=r"49\.999999 ms after now; it takes at least 50 ms"):
            await radio.transmit(b"x", channel=1, start_ns=START_NS + 57 * MS - 1, session=2, sequence=3)
    now_ns = START_NS + 7 * MS
    assert link.sent[2:] == [
        Place(now_ns, 35, 36, 8000, 1, 2, 3),
        Place(5, 35, 36, 8000),
        Tune(now_ns, frozenset({1, 2})),
        Tune(6, frozenset()),
        OffAir(now_ns),
        OffAir(7),
        Transmit(START_NS + 57 * MS, 1, 2, 3, b"x"),
        Bye(),
    ]


async def test_a_hole_in_the_numbers_is_counted():
    link = Script(WELCOME, window(0, 50, reception(1, 0), reception(2, 3)), End(START_NS, ""))
    async with Radio(link, ALPHA) as radio:
        await never_mind(radio)
        assert radio.missed == 2


@pytest.mark.parametrize("make", [local, served])
async def test_one_waiter_at_a_time_and_one_that_gives_up_loses_nothing(make):
    async with make(plan()) as run, run.connect(ALPHA) as alpha, run.connect(BRAVO) as bravo:
        waiting = asyncio.create_task(bravo.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await bravo.receive()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await alpha.place(35, 36, 8000)
        await bravo.place(35, 36, 8000)
        await alpha.transmit(b"x", channel=1, start_ns=START_NS + 100 * MS, session=1, sequence=0)

        async def impatient() -> list[bytes]:
            heard = []
            while not bravo.over:
                task = asyncio.create_task(bravo.receive())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                task.cancel()
                for got in await asyncio.gather(task, return_exceptions=True):
                    heard += [got.data] if isinstance(got, Reception) else []
            return heard

        tasks = [asyncio.create_task(impatient()), asyncio.create_task(never_mind(alpha))]
        await run.until(START_NS + 500 * MS)
        await run.end("over")
        assert await tasks[0] == [b"x"]
        await tasks[1]


async def test_outside_of_a_run_it_says_so():
    radio = Radio(Script(), ALPHA)
    for ask in (lambda: radio.now_ns, lambda: radio.start_ns, lambda: radio.life):
        with pytest.raises(RuntimeError, match="async with"):
            ask()
    for call in (radio.receive(), radio.place(0, 0, 0), radio.tune([1]), radio.off_air()):
        with pytest.raises(RuntimeError, match="async with"):
            await call
    await radio.leave()
    async with Radio(Script(WELCOME), ALPHA) as radio:
        with pytest.raises(RuntimeError, match="in use"):
            await radio.__aenter__()


@pytest.mark.parametrize(
    ("said", "error", "reason"),
    [
        (envelope.Refused("no such station"), Refused, "no such station"),
        (End(START_NS, "stopped"), Refused, "the run is over: stopped"),
        (LinkLost("gone"), LinkLost, "gone"),
        (WELCOME._replace(briefing="[]"), LinkLost, "briefing"),
        (WELCOME._replace(briefing="{"), LinkLost, "briefing"),
    ],
)
async def test_who_is_not_let_in_has_closed_the_link(said, error, reason):
    link = Script(said)
    with pytest.raises(error, match=reason):
        await Radio(link, ALPHA).__aenter__()
    assert link.closed == 1


# ---------------------------------------------------------------- cut off, and anew


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize(
    ("said", "bye"), [(envelope.Refused("set aside"), False), (WELCOME._replace(life=1), True), (LinkLost("x"), True)]
)
async def test_cut_off_by_the_hub(granted, said, bye):
    link = Script(WELCOME, window(0, 50, reception(10, 0)), said)
    async with Radio(link, ALPHA, granted=granted) as radio:
        assert await radio.receive() is not None
        for _ in range(2):
            with pytest.raises(CutOff if not isinstance(said, LinkLost) else LinkLost):
                await radio.receive()
            if isinstance(said, LinkLost):
                break
        if not isinstance(said, LinkLost):
            with pytest.raises(CutOff):
                await radio.place(0, 0, 0)
    assert (Bye() in link.sent) == bye, "whoever was refused is not there any more"
    link.inbox.put_nowait(WELCOME._replace(life=2))
    async with radio:
        assert radio.life == 2
        await radio.place(0, 0, 0)


async def test_the_same_welcome_again_changes_nothing():
    link = Script(WELCOME, WELCOME._replace(now_ns=START_NS + 5), Alive(), window(0, 50, reception(10, 0)))
    async with Radio(link, ALPHA) as radio:
        assert await radio.receive() == reception(10, 0)


async def test_cut_off_in_process_and_back():
    hub = Hub(plan(), lambda line: None)
    exchange = LocalExchange(hub)
    alpha = Radio(exchange.connect(ALPHA), ALPHA)
    async with alpha:
        listening = asyncio.create_task(alpha.receive())
        await fly(exchange, START_NS + 100 * MS)
        exchange.cut(ALPHA, "set aside by the test")
        with pytest.raises(CutOff, match="set aside by the test"):
            await listening
    async with alpha:
        assert (alpha.life, alpha.now_ns) == (1, START_NS + 100 * MS)
        listening = asyncio.create_task(alpha.receive(START_NS + 175 * MS))
        flying = asyncio.create_task(fly(exchange, START_NS + 200 * MS))
        assert await listening is None
        await alpha.leave()
        await flying
    assert hub.now_ns == START_NS + 200 * MS


async def test_who_computes_for_too_long_is_set_aside_and_begins_anew():
    async with served(plan(), patience_s=1.0) as run, run.connect(ALPHA) as alpha, run.connect(BRAVO) as bravo:
        listening = asyncio.create_task(never_mind(bravo))
        run.go(START_NS + 500 * MS)
        while ("stalled", ALPHA) not in run.news:
            await run.heard()
        with pytest.raises(CutOff, match="no answer for 1 s"):
            await alpha.receive()
        await alpha.leave()
        async with alpha:
            assert alpha.life == 1
            again = asyncio.create_task(never_mind(alpha))
            await run.until(START_NS + 500 * MS)
            await run.end("over")
            await asyncio.gather(listening, again)
    assert run.hub.counts["malformed"] <= 1, "at most the DONE of the one that was set aside"


async def test_another_hub_at_the_same_address(monkeypatch):
    monkeypatch.setattr(link_zmq, "QUIET_S", 0.05)
    context = zmq.asyncio.Context()
    try:
        hub = context.socket(zmq.ROUTER)
        port = hub.bind_to_random_port("tcp://127.0.0.1")
        radio = Radio.connect(f"tcp://127.0.0.1:{port}", address=ALPHA)
        entering = asyncio.create_task(radio.__aenter__())
        identity, hello = await hub.recv_multipart()
        assert envelope.unpack_from_station(hello) == Hello(ALPHA, True)
        stranger = envelope.pack(WELCOME._replace(life=9))
        for nonsense in ([b""], [b"\x01G"], [stranger, b""], [envelope.pack(Bye())]):
            await hub.send_multipart([identity, *nonsense])
        await hub.send_multipart([identity, envelope.pack(WELCOME)])
        await entering
        receiving = asyncio.create_task(radio.receive())
        said = [(await hub.recv_multipart())[1] for _ in range(2)]
        while said[-1] != hello:  # after a while of silence
            said.append((await hub.recv_multipart())[1])
        await hub.send_multipart([identity, envelope.pack(WELCOME._replace(life=4))])
        with pytest.raises(CutOff, match="life 4"):
            await receiving
        assert radio._link.malformed == 4
        await radio.leave()
    finally:
        context.destroy(linger=0)


async def test_nobody_there(monkeypatch):
    monkeypatch.setattr(link_zmq, "QUIET_S", 0.02)
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    context.destroy(linger=0)
    link = ZmqLink(f"localhost:{port}", patience_s=0.1)
    with pytest.raises(LinkLost, match=f"no word from tcp://127.0.0.1:{port}"):
        await Radio(link, ALPHA).__aenter__()
    with pytest.raises(LinkLost, match="closed"):
        await link.receive()
    with pytest.raises(LinkLost, match="closed"):
        await link.send(Alive())
    await link.close()


# ---------------------------------------------------------------- in one process


async def test_a_station_that_does_not_wait_is_named():
    async with local(plan()) as run:
        hub, exchange = run.hub, LocalExchange(run.hub)
        exchange.connect(CHARLIE)  # made, and never used
        async with Radio(exchange.connect(ALPHA), ALPHA), Radio(exchange.connect(BRAVO), BRAVO) as bravo:
            listening = asyncio.create_task(never_mind(bravo))
            with pytest.raises(NotSettled, match=r"no answer from 155001, 155003 within 0\.05 s"):
                await fly(exchange, START_NS + 100 * MS, limit_s=0.05)
            assert hub.now_ns == START_NS
            exchange.end("over")
            await listening


async def test_only_granted_time_in_process_and_nonsense_is_counted():
    async with local(plan()) as run:
        exchange = LocalExchange(run.hub)
        with pytest.raises(Refused, match="granted time"):
            await Radio(exchange.connect(ALPHA), ALPHA, granted=False).__aenter__()
        with pytest.raises(Refused, match="this link is 155001's"):
            await Radio(exchange.connect(ALPHA), BRAVO).__aenter__()
        link = exchange.connect(ALPHA)
        await link.send(Alive())  # before HELLO
        async with Radio(link, ALPHA) as alpha:
            await alpha.transmit(b"x", channel=7, start_ns=START_NS + 100 * MS, session=1, sequence=0)
            await link.send(Done(START_NS + 1))
            assert run.hub.counts == {"malformed": 3, "refused": 2}
            exchange.end("enough")
            with pytest.raises(Refused, match="the run is over: enough"):
                await Radio(exchange.connect(BRAVO), BRAVO).__aenter__()


async def test_monitors_are_told_of_trouble_before_their_time():
    made = plan()
    berths = {**made.berths, CHARLIE: replace(made.berths[CHARLIE], monitor=True)}
    hub = Hub(replace(made, berths=berths), lambda line: None)
    exchange = LocalExchange(hub)
    link = exchange.connect(CHARLIE)
    await link.send(Hello(CHARLIE, True))
    assert isinstance(await link.receive(), Welcome)
    await link.send(Done(START_NS))
    alpha = exchange.connect(ALPHA)
    await alpha.send(Hello(ALPHA, True))
    await alpha.close()  # without a word
    await exchange.settled()
    exchange.deliver(hub.next_window(START_NS + 100 * MS))
    assert await link.receive() == envelope.Trouble(START_NS, ALPHA, START_NS, None)
    assert await link.receive() == window(0, 50)
    await link.close()


# ---------------------------------------------------------------- real time


async def test_in_real_time_it_says_that_it_is_alive_and_never_answers(monkeypatch):
    monkeypatch.setattr(handle, "BEAT_S", 0.01)
    link = Script(WELCOME, window(0, 0), window(10, 10, reception(10, 0)), window(30, 30))
    async with Radio(link, ALPHA, granted=False) as radio:
        await link.until_sent(Alive(), 3)
        assert await radio.receive() == reception(10, 0)
    assert set(link.sent) == {Hello(ALPHA, False), Alive(), Bye()}
    assert all(task.done() for task in radio._tasks)


async def test_in_real_time_now_follows_what_the_hub_says_and_never_goes_back(monkeypatch):
    clock = [0]
    monkeypatch.setattr(handle.time, "monotonic_ns", lambda: clock[0])
    link = Script(WELCOME)
    async with Radio(link, ALPHA, granted=False) as radio:

        async def told(at_ms: int) -> None:
            link.inbox.put_nowait(window(at_ms, at_ms, reception(at_ms, 0)))
            assert await radio.receive() is not None

        clock[0] = 500 * MS
        assert radio.now_ns == START_NS, "time has not begun"
        await told(50)
        assert radio.now_ns == START_NS + 50 * MS
        clock[0] += 60 * MS
        assert radio.now_ns == START_NS + 110 * MS
        clock[0] += 10_000 * MS
        assert radio.now_ns == START_NS + 250 * MS, "the run may have been held"
        await told(100)
        assert radio.now_ns == START_NS + 250 * MS
        await told(300)
        assert radio.now_ns == START_NS + 300 * MS
        assert await radio.receive(START_NS + 300 * MS) is None


async def test_in_real_time_who_does_not_read_does_not_fill_memory(monkeypatch):
    monkeypatch.setattr(handle, "MOST_WAITING", 10)
    link = Script(WELCOME, *(window(n, n, reception(n, n)) for n in range(100)))
    async with Radio(link, ALPHA, granted=False) as radio:
        for _ in range(1000):
            await asyncio.sleep(0)
        assert link.inbox.qsize() == 90
        for n in range(100):
            assert await radio.receive() == reception(n, n)
        assert link.inbox.qsize() == 0
        link.inbox.put_nowait(End(START_NS + 200 * MS, "over"))
        assert [got async for got in radio] == []
        assert radio.over
        assert radio.now_ns == START_NS + 200 * MS


async def test_in_real_time_a_link_that_fails_is_told_to_the_reader():
    link = Script(WELCOME)
    link.inbox.put_nowait(ZeroDivisionError("a fault of the link's own"))
    async with Radio(link, ALPHA, granted=False) as radio:
        with pytest.raises(ZeroDivisionError):
            await radio.receive()


async def test_two_stations_in_real_time_hear_each_other():
    async with served(plan(), paced=True) as run:
        alpha, bravo = (run.connect(address, granted=False) for address in (ALPHA, BRAVO))
        async with alpha, bravo:
            await alpha.place(35, 36, 8000)
            await bravo.place(35, 36, 8000)
            run.go(START_NS + 60_000 * MS)

            async def send() -> None:
                for n in range(10_000):  # a slow machine may be late with some
                    start_ns = alpha.now_ns + 200 * MS
                    await alpha.transmit(b"%d" % n, channel=1, start_ns=start_ns, session=1, sequence=n)
                    await alpha.receive(alpha.now_ns + 100 * MS)

            sending = asyncio.create_task(send())
            got = await bravo.receive()
            assert got is not None
            assert got.data.isdigit()
            assert bravo.now_ns >= got.due_ns - WINDOW_NS
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await run.end("over")
            await never_mind(bravo)
            assert bravo.over


# ---------------------------------------------------------------- from where


def test_from_the_environment():
    given = {"AIRACCORD_HUB": "tcp://127.0.0.1:5555", "AIRACCORD_ADDRESS": "0f5001", "AIRACCORD_KEY": KEY.hex()}
    radio = Radio.from_environment(environment=given)
    assert (radio.address, radio._key, radio.granted) == (0x0F5001, KEY, True)
    del given["AIRACCORD_KEY"]
    radio = Radio.from_environment(granted=False, environment=given)
    assert (radio._key, radio.granted) == (NO_KEY, False)


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"AIRACCORD_HUB": None}, "AIRACCORD_HUB is not set: let a run start"),
        ({"AIRACCORD_ADDRESS": None}, "AIRACCORD_ADDRESS is not set"),
        ({"AIRACCORD_ADDRESS": "0x155001"}, "AIRACCORD_ADDRESS is '0x155001', not 6 hex digits"),
        ({"AIRACCORD_ADDRESS": "15500"}, "not 6 hex digits"),
        ({"AIRACCORD_KEY": "00"}, "AIRACCORD_KEY is '00', not 32 hex digits"),
        ({"AIRACCORD_HUB": "tcp://10.0.0.1:5555"}, "only addresses of this machine"),
        ({"AIRACCORD_HUB": "tcp://127.0.0.1:0"}, "never on 0"),
    ],
)
def test_an_environment_that_is_not_right(changes, about):
    given = {"AIRACCORD_HUB": "tcp://127.0.0.1:5555", "AIRACCORD_ADDRESS": "155001", "AIRACCORD_KEY": KEY.hex()}
    changed = {k: v for k, v in {**given, **changes}.items() if v is not None}
    with pytest.raises(ValueError, match=about):
        Radio.from_environment(environment=changed)


def test_the_environment_of_the_process_is_the_one(monkeypatch):
    monkeypatch.setenv("AIRACCORD_HUB", "127.0.0.1:5555")
    monkeypatch.setenv("AIRACCORD_ADDRESS", "155001")
    monkeypatch.delenv("AIRACCORD_KEY", raising=False)
    assert Radio.from_environment().address == ALPHA


async def test_what_the_hub_would_drop_is_a_value_error_at_once() -> None:
    briefing = '{"agreement": {"channel": [{"number": 1}]}, "unagreed_channels": [9]}'
    link = Script(WELCOME._replace(briefing=briefing))
    async with Radio(link, ALPHA) as radio:
        await radio.place(35.0, 36.0, 8000.0, at_ns=START_NS + 10_000 * MS)
        await radio.tune({1, 9}, at_ns=START_NS + 10_000 * MS)
        said = len(link.sent)
        far_ns = START_NS + 10_001 * MS
        with pytest.raises(ValueError, match="more than 10 s after now"):
            await radio.place(35.0, 36.0, 8000.0, at_ns=far_ns)
        with pytest.raises(ValueError, match="more than 10 s after now"):
            await radio.tune({1}, at_ns=far_ns)
        with pytest.raises(ValueError, match="more than 10 s after now"):
            await radio.off_air(at_ns=far_ns)
        with pytest.raises(ValueError, match=r"\[1, 2\] exist: there are \[1, 9\]"):
            await radio.tune({1, 2})
        with pytest.raises(ValueError, match=r"\[2\] exist"):
            await radio.transmit(b"x", channel=2, start_ns=START_NS + 100 * MS, session=1, sequence=0)
        assert len(link.sent) == said
