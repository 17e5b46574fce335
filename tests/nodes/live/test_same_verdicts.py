"""A live run gives what virtual time gives: every shipped scenario, as shipped and at 5 % loss, byte by byte."""

from pathlib import Path

import pytest

from nodes.shipped import CONFIGS
from nodes.testing import FlightTest

SCENARIOS = sorted((CONFIGS / "scenarios").rglob("*.toml"))


@pytest.mark.parametrize("loss", [None, 0.05], ids=["as shipped", "5 % loss"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
async def test_live_and_virtual_time_agree(path: Path, loss: float | None) -> None:
    virtual, live = FlightTest.of(path, loss=loss), FlightTest.of(path, loss=loss, live=True)
    try:
        expected, found = await virtual.finish(), await live.finish()
    finally:
        live.close()
    assert found["source"].pop("mode") == "run"
    assert expected["source"].pop("mode") == "simulate"
    assert found == expected
    assert live.findings == virtual.findings
    assert live.recording() == virtual.recording()
    assert live.truth() == virtual.truth()
