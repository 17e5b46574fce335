"""A live run gives what virtual time gives, byte by byte: shipped scenarios, and a fault of each way to have one."""

from pathlib import Path

import pytest

from nodes.shipped import CONFIGS
from nodes.testing import FlightTest

FAULTS = {
    *("stranger", "replay", "slot_thief", "loud", "silent"),
    *("early_move", "ignored_mayday", "too_close", "surprise_turn"),
}
"""Of those that change a message as these do nothing in either driver knows."""
EVERY = sorted((CONFIGS / "scenarios").rglob("*.toml"))
SCENARIOS = [p for p in EVERY if p.parent.name != "faults" or p.stem in FAULTS]
LOSSY = {"encounter-2015", "encounter-2015-breach", "noisy-2015", "silent", "replay"}
"""Those that are flown at 5 % loss, too."""
FLOWN = [(path, loss) for path in SCENARIOS for loss in (None, 0.05) if loss is None or path.stem in LOSSY]


@pytest.mark.parametrize(("path", "loss"), FLOWN, ids=[f"{p.stem}-{loss or 'as shipped'}" for p, loss in FLOWN])
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
