"""What every link must hold, as functions that its author calls; docs/links.md shows how. Needs no pytest.

Each check takes a factory: given a `radio.hub.Plan` it makes a run whose stations come over the link in question. It
raises AssertionError, with a sentence, when the link does not hold; and whatever the link itself raises.
"""

import asyncio
from typing import Any

from radio.check_link_tools import (
    ALPHA,
    BRAVO,
    CHARLIE,
    END_NS,
    KEY,
    KEYED,
    MS,
    NOBODY,
    START_NS,
    Check,
    Make,
    Run,
    entered,
    holds,
    limited,
    listen,
    placed,
    plan,
    put,
    raises,
    same,
    send,
    then_listen,
    together,
)
from radio.envelope import MAX_DATA_BYTES, Reception
from radio.handle import Radio, Refused, RunOver, TooLate
from radio.hub import WINDOW_NS

__all__ = ["ALL", "Check", "Make", "Run", "plan"]

# ---------------------------------------------------------------- frames


@limited
async def check_frames_arrive_once_and_unchanged(make: Make) -> None:
    """A frame is heard by everybody else, once, with the same bytes, after it was sent; never by its sender."""
    frames = [bytes([n]) * length for n, length in enumerate((1, 40, MAX_DATA_BYTES), start=1)]
    async with placed(make(plan()), ALPHA, BRAVO, CHARLIE) as (run, (alpha, bravo, charlie)):
        heard = await together(run, 2_000, send(alpha, frames), listen(bravo), listen(charlie))
    same(heard[0], [], "its own frames, heard by the sender")
    for got in heard[1:]:
        same([g.data for g in got], frames, "the frames received")
        for n, reception in enumerate(got):
            start_ns = START_NS + 100 * MS + n * MS * 10
            holds(start_ns <= reception.arrival_ns < reception.due_ns < start_ns + 10 * MS, f"{reception} is in time")
            same((reception.channel, reception.number), (1, n), "channel and number")


@limited
async def check_many_frames_all_arrive_in_order(make: Make) -> None:
    """Of 2,000 frames from two stations none is lost, and they come by `due_ns`, numbered without a hole."""
    count = 1000
    async with placed(make(plan()), ALPHA, BRAVO, CHARLIE) as (run, (alpha, bravo, charlie)):
        frames = [n.to_bytes(2, "big") for n in range(count)]
        heard = await together(
            run,
            3_000,
            send(alpha, [b"a" + frame for frame in frames], every_ns=2 * MS),
            send(bravo, [b"b" + frame for frame in frames], every_ns=2 * MS, first_ms=101),
            listen(charlie),
        )
    got = heard[2]
    same([g.data for g in got], [who + frame for frame in frames for who in (b"a", b"b")], "the frames received")
    same([g.number for g in got], list(range(2 * count)), "the numbers")
    holds(got == sorted(got, key=lambda g: g.due_ns), "receptions come by due_ns")
    same(charlie.missed, 0, "receptions missed")


@limited
async def check_bad_frames_are_refused_at_the_sender(make: Make) -> None:
    """A frame without bytes, or with too many, on no channel, or from nowhere, is a ValueError where it is sent."""
    async with placed(make(plan()), ALPHA) as (_, (alpha,)):
        start_ns = START_NS + 100 * MS
        for data, channel in ((b"", 1), (bytes(MAX_DATA_BYTES + 1), 1), (b"x", 64), (b"x", -1)):
            with raises(ValueError, f"{len(data)} bytes on channel {channel}"):
                await alpha.transmit(data, channel=channel, start_ns=start_ns, session=1, sequence=0)
        with raises(ValueError, "a place at 91 degrees north"):
            await alpha.place(91.0, 0.0, 0.0)
        with raises(ValueError, "an instant an hour ahead"):
            await alpha.transmit(b"x", channel=1, start_ns=START_NS + 3_600_000 * MS, session=1, sequence=0)


# ---------------------------------------------------------------- on and off the air


@limited
async def check_nothing_before_it_is_placed(make: Make) -> None:
    """Until it is placed, a station neither receives nor is heard."""
    async with make(plan()) as run, entered(run, ALPHA, BRAVO, CHARLIE) as (alpha, bravo, charlie):
        await put(alpha)
        await put(charlie)

        async def late(radio: Radio) -> list[Reception]:
            await radio.transmit(b"unheard", channel=1, start_ns=START_NS + 105 * MS, session=1, sequence=0)
            early = await radio.receive(START_NS + 505 * MS)
            same(early, None, "received before it was placed")
            await put(radio)
            return [got async for got in radio]

        frames = [bytes([n]) for n in range(10)]
        heard = await together(run, 2_000, send(alpha, frames, every_ns=100 * MS), late(bravo), listen(charlie))
    same([g.data for g in heard[1]], frames[5:], "received once placed")
    same([g.data for g in heard[2]], frames, "heard by a third")


@limited
async def check_off_the_air_it_neither_hears_nor_is_heard(make: Make) -> None:
    """From OFF THE AIR until the next PLACE nothing is received; then it is as before."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):

        async def away(radio: Radio) -> list[Reception]:
            await radio.off_air(at_ns=START_NS + 350 * MS)
            heard = []
            while (got := await radio.receive(START_NS + 750 * MS)) is not None:
                heard.append(got)
            await put(radio)
            return heard + [got async for got in radio]

        frames = [bytes([n]) for n in range(10)]
        heard = await together(run, 2_000, send(alpha, frames, every_ns=100 * MS, first_ms=110), away(bravo))
    same([g.data for g in heard[1]], frames[:3] + frames[7:], "received around a time off the air")


@limited
async def check_retuning(make: Make) -> None:
    """A station receives on the channels it is tuned to, from the instant it names."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):

        async def send_on_both() -> None:
            for n in range(20):
                start_ns = START_NS + (100 + 50 * n) * MS
                await alpha.receive(start_ns - 2 * WINDOW_NS)
                await alpha.transmit(bytes([n]), channel=1 + n % 2, start_ns=start_ns, session=1, sequence=n)

        await bravo.tune({2})
        await bravo.tune({1}, at_ns=START_NS + 575 * MS)
        heard = await together(run, 2_000, then_listen(send_on_both(), alpha), listen(bravo))
    same([g.data[0] for g in heard[1]], [1, 3, 5, 7, 9, 10, 12, 14, 16, 18], "received while retuning")


# ---------------------------------------------------------------- time


@limited
async def check_time_stands_still_while_a_station_computes(make: Make) -> None:
    """Granted time waits for the slowest, and what it then sends is still in time."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):

        async def slow() -> None:
            await bravo.receive(START_NS + 120 * MS)
            await asyncio.sleep(0.2)  # nothing is waited for: this is what a slow computation looks like
            same(bravo.now_ns, START_NS + 120 * MS, "medium time of the station that computes")
            holds(alpha.now_ns <= START_NS + 150 * MS, f"time went on to {alpha.now_ns} while a station computed")
            await bravo.transmit(b"late?", channel=1, start_ns=bravo.now_ns + WINDOW_NS, session=1, sequence=0)

        heard = await together(run, 1_000, listen(alpha), then_listen(slow(), bravo))
    same([g.data for g in heard[0]], [b"late?"], "heard of a slow station")


@limited
async def check_receive_until_an_instant(make: Make) -> None:
    """`receive(until_ns)` returns at that instant, and what is received at the same instant comes before."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):

        async def wait() -> None:
            start_ns = START_NS + 210 * MS
            for until_ns in (START_NS + 10 * MS, START_NS + 100 * MS, START_NS + 100 * MS, START_NS + 130 * MS):
                same(await bravo.receive(until_ns), None, "received where nothing was sent")
                same(bravo.now_ns, until_ns, "the instant until which was waited")
            got = await bravo.receive(start_ns + MS)
            assert got is not None, "a frame is received before the instant until which was waited"
            same(bravo.now_ns, got.due_ns, "medium time at a reception")
            again = await bravo.receive(start_ns + 10 * MS + got.due_ns - start_ns)
            assert again is not None, "a frame that is due at the very instant until which was waited comes first"
            same((again.data, bravo.now_ns), (b"2", again.due_ns), "the second frame")
            same(await bravo.receive(again.due_ns), None, "received a second time")

        await together(run, 1_000, send(alpha, [b"1", b"2"], first_ms=210), then_listen(wait(), bravo))


@limited
async def check_a_frame_that_is_too_late_is_refused(make: Make) -> None:
    """Less than a window ahead is TooLate; a window ahead is in time."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):

        async def send() -> None:
            for n, at_ms in enumerate((150, 199, 201)):
                await alpha.receive(START_NS + at_ms * MS)
                with raises(TooLate, "a start 1 ns less than a window ahead"):
                    start_ns = alpha.now_ns + WINDOW_NS - 1
                    await alpha.transmit(b"x", channel=1, start_ns=start_ns, session=1, sequence=9)
                start_ns = alpha.now_ns + WINDOW_NS
                await alpha.transmit(bytes([n]), channel=1, start_ns=start_ns, session=1, sequence=n)

        heard = await together(run, 1_000, then_listen(send(), alpha), listen(bravo))
    same([g.data for g in heard[1]], [b"\x00", b"\x01", b"\x02"], "heard of frames one window ahead")


@limited
async def check_the_end_reaches_everybody(make: Make) -> None:
    """At the end of the run iteration stops, `receive` gives None, and nothing can be sent any more."""
    async with placed(make(plan()), ALPHA, BRAVO, CHARLIE) as (run, radios):
        await together(run, 500, *(listen(radio) for radio in radios))
        for radio in radios:
            holds(radio.over, "the run is over")
            same(radio.now_ns, START_NS + 500 * MS, "medium time at the end")
            same(await radio.receive(), None, "received after the end")
            with raises(RunOver, "a frame after the end"):
                await radio.transmit(b"x", channel=1, start_ns=END_NS, session=1, sequence=0)


@limited
async def check_the_same_seed_gives_the_same_receptions(make: Make) -> None:
    """Nothing depends on speed: the same plan twice gives the same, with losses and in collisions; another does not."""

    async def fly(seed: int) -> list[Any]:
        async with placed(make(plan(seed=seed, loss=0.3)), ALPHA, BRAVO, CHARLIE) as (run, (alpha, bravo, charlie)):
            frames = [bytes([n]) * 30 for n in range(100)]
            return await together(
                run,
                2_000,
                send(alpha, frames),
                send(bravo, frames, every_ns=7 * MS),
                listen(charlie),
            )

    first, again, other = await fly(1), await fly(1), await fly(2)
    holds(0 < len(first[2]) < 200, f"{len(first[2])} of 200 frames received: some, and not all")
    same(first, again, "the receptions of the same plan twice")
    holds(first != other, "another seed gives other receptions")


# ---------------------------------------------------------------- coming and going


@limited
async def check_an_address_belongs_to_one(make: Make) -> None:
    """A second station with the same address is refused, with a reason that names it; the first goes on."""
    async with placed(make(plan()), ALPHA, BRAVO) as (run, (alpha, bravo)):
        with raises(Refused, "a second station with the same address", f"{ALPHA:06x}"):
            await run.connect(ALPHA).__aenter__()
        heard = await together(run, 1_000, send(alpha, [b"still here"]), listen(bravo))
    same([g.data for g in heard[1]], [b"still here"], "heard of the first")


@limited
async def check_strangers_are_refused(make: Make) -> None:
    """An unknown address and a wrong key are refused; the right key is welcome."""
    async with make(plan()) as run:
        with raises(Refused, "an unknown address", f"{NOBODY:06x}"):
            await run.connect(NOBODY).__aenter__()
        with raises(Refused, "a station without its key", f"{KEYED:06x}"):
            await run.connect(KEYED).__aenter__()
        with raises(Refused, "a station with a wrong key", f"{KEYED:06x}"):
            await run.connect(KEYED, key=KEY[::-1]).__aenter__()
        async with run.connect(KEYED, key=KEY) as radio:
            same(radio.life, 0, "the life of the first that was welcome")


@limited
async def check_who_leaves_can_come_back(make: Make) -> None:
    """BYE frees the address: the next one, the same handle or another, has the next life, and numbers begin at 0."""
    async with make(plan()) as run:
        alpha, bravo = run.connect(ALPHA), run.connect(BRAVO)
        for life in range(4):
            if life == 2:
                alpha, bravo = run.connect(ALPHA), run.connect(BRAVO)
            async with alpha, bravo:
                same((alpha.life, bravo.life), (life, life), "lives")
                same((alpha.start_ns, alpha.end_ns), (START_NS, END_NS), "the scenario's start and end")
                until_ms = (alpha.now_ns - START_NS) // MS + 300
                await together(run, until_ms, _call_and_leave(alpha), _hear_and_leave(bravo), end=False)


async def _call_and_leave(radio: Radio) -> None:
    first_ns = radio.now_ns
    await put(radio)
    await radio.transmit(b"%d" % radio.life, channel=1, start_ns=first_ns + 100 * MS, session=radio.life, sequence=0)
    await radio.receive(first_ns + 200 * MS)
    await radio.leave()


async def _hear_and_leave(radio: Radio) -> None:
    await put(radio)
    got = await radio.receive(radio.now_ns + 200 * MS)
    assert got is not None, "a frame is received in every life"
    same((got.data, got.number), (b"%d" % radio.life, 0), "the first reception of a life")
    await radio.leave()


@limited
async def check_who_leaves_in_the_middle_stops_nobody(make: Make) -> None:
    """The others go on without one that said BYE in the middle of a window."""
    async with placed(make(plan()), ALPHA, BRAVO, CHARLIE) as (run, (alpha, bravo, charlie)):

        async def leave() -> int:
            count = 0
            while await charlie.receive(START_NS + 522 * MS) is not None:
                count += 1
            await charlie.leave()
            return count

        frames = [bytes([n]) for n in range(10)]
        heard = await together(run, 2_000, send(alpha, frames, every_ns=100 * MS), listen(bravo), leave())
    same([g.data for g in heard[1]], frames, "received by the one who stayed")
    same(heard[2], 5, "frames received by the one who left")


ALL: tuple[Check, ...] = (
    check_frames_arrive_once_and_unchanged,
    check_many_frames_all_arrive_in_order,
    check_bad_frames_are_refused_at_the_sender,
    check_nothing_before_it_is_placed,
    check_off_the_air_it_neither_hears_nor_is_heard,
    check_retuning,
    check_time_stands_still_while_a_station_computes,
    check_receive_until_an_instant,
    check_a_frame_that_is_too_late_is_refused,
    check_the_end_reaches_everybody,
    check_the_same_seed_gives_the_same_receptions,
    check_an_address_belongs_to_one,
    check_strangers_are_refused,
    check_who_leaves_can_come_back,
    check_who_leaves_in_the_middle_stops_nobody,
)
"""All checks. A link that passes them carries a run as ours do."""
