"""Both links of ours against the published checks."""

import pytest

from radio.check_link import ALL, Check, Make
from radio.hub_thread import served
from radio.link_local import local


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("make", [local, served], ids=["local", "zmq"])
async def test_the_link_holds(make: Make, check: Check) -> None:
    await check(make)
