"""Who heard somebody else in the name of a station is not held to what it owes that station."""

from nodes.swarm.compare import unjust
from nodes.swarm.draw import draw
from nodes.swarm.plans import fly
from protocol.verdicts import Cause


def test_whoever_was_deceived_owes_nothing() -> None:
    """The swarm found it: SOKOL 2 hears HAWK 1, and SOKOL 0 in the name of HAWK 1, elsewhere; so it does not call."""
    plan = draw(301312)
    assert {f["name"] for f in plan.scenario["fault"]} >= {"forgery"}
    flown = fly(plan.load())
    assert unjust(flown) == []
    tally = flown.tally("6.2", "155002")
    assert tally is not None
    assert Cause.IDENTITY_CONTESTED in tally.causes
