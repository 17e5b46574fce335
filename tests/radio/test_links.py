"""Both links of ours against the published checks, and links that do not hold, which the checks must find out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from radio import check_link, check_link_tools
from radio.check_link import ALL, Check, Make
from radio.envelope import End, FromHub, FromStation, OffAir, Time, Tune
from radio.handle import Radio
from radio.hub import Hub, Plan
from radio.hub_thread import served
from radio.link_local import LocalLink, LocalRun, local


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("make", [local, served], ids=["local", "zmq"])
async def test_the_link_holds(make: Make, check: Check) -> None:
    await check(make)


def test_all_are_all() -> None:
    assert {check.__name__ for check in ALL} == {name for name in vars(check_link) if name.startswith("check_")}


# ---------------------------------------------------------------- links with a fault


Said = Callable[[FromStation], FromStation | None]
Heard = Callable[[FromHub], FromHub | None]


class Faulty:
    """A link that does something to what passes; what becomes None is lost."""

    def __init__(self, link: LocalLink, sent: Said, heard: Heard):
        self.link, self.sent, self.heard = link, sent, heard
        self.close = link.close

    async def send(self, message: FromStation) -> None:
        changed = self.sent(message)
        if changed is not None:
            await self.link.send(changed)

    async def receive(self) -> FromHub:
        while True:
            changed = self.heard(await self.link.receive())
            if changed is not None:
                return changed


def faulty(sent: Said, heard: Heard) -> Make:
    class Run(LocalRun):
        def connect(self, address: int, **how: bytes) -> Radio:
            radio = super().connect(address, **how)
            radio._link = Faulty(radio._link, sent, heard)
            return radio

    @asynccontextmanager
    async def make(plan: Plan) -> AsyncIterator[Run]:
        yield Run(Hub(plan, lambda line: None))

    return make


def receptions(change: Callable[[tuple], tuple]) -> Callable[[FromHub], FromHub]:
    return lambda said: said._replace(receptions=change(said.receptions)) if isinstance(said, Time) else said


def same(said):
    return said


FRAMES, MANY = "check_frames_arrive_once_and_unchanged", "check_many_frames_all_arrive_in_order"
OFF = "check_off_the_air_it_neither_hears_nor_is_heard"
FAULTS = {
    "loses": (same, receptions(lambda got: got[1:]), FRAMES),
    "loses_a_few": (same, receptions(lambda got: tuple(g for g in got if g.number != 999)), MANY),
    "repeats": (same, receptions(lambda got: got + got[-1:]), FRAMES),
    "reverses": (same, receptions(lambda got: got[::-1]), MANY),
    "alters": (same, receptions(lambda got: tuple(g._replace(data=g.data[:200]) for g in got)), FRAMES),
    "renumbers": (same, receptions(lambda got: tuple(g._replace(number=0) for g in got)), MANY),
    "never_off": (lambda said: None if isinstance(said, OffAir) else said, same, OFF),
    "never_tunes": (lambda said: None if isinstance(said, Tune) else said, same, "check_retuning"),
    "swallows": (same, lambda said: None, FRAMES),
    "no_end": (same, lambda said: None if isinstance(said, End) else said, "check_the_end_reaches_everybody"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_link_with_a_fault_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, heard, name = FAULTS[fault]
    if fault in ("swallows", "no_end"):
        monkeypatch.setattr(check_link_tools, "LIMIT_S", 0.5)
    with pytest.raises(AssertionError, match="a message was lost" if fault in ("swallows", "no_end") else None):
        await getattr(check_link, name)(faulty(sent, heard))
