"""Processes of a run killed, stopped and let go on at random: never a hang, a quiet 0, a damaged recording, an accusation
of an innocent. The environment variable AIRACCORD_ROUNDS says how many rounds; the suite flies a few of the hundred.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from nodes import report as reports
from nodes.checking import check
from nodes.live.director import Director
from protocol.units import NS_PER_S
from protocol.verdicts import Outcome, Verdict
from tests.nodes.live.conftest import LIMIT_S, flight_of, processes, strike

ROUNDS = int(os.environ.get("AIRACCORD_ROUNDS", "12"))
LOSSES = (0.0, 0.05, 0.2)
DECIDED = 0.9
"""Of all instances without loss by chance: trouble must not become an excuse for everything."""


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_dies_nobody_is_accused(seed: int, director: Callable[..., Director]) -> None:
    random = Random(seed)
    loss = LOSSES[seed % len(LOSSES)]
    flight = flight_of("encounter-2015", loss=loss)
    live = director(flight, patience_s=0.5, workers=random.choice([None, None, 2]))
    live.start()
    live.go(flight.end_ns)
    length_ns = flight.end_ns - flight.start_ns
    plan = sorted(
        (flight.start_ns + random.randrange(length_ns), random.choice(["kill", "kill", "stop", "pause"]))
        for _ in range(random.randint(1, 4))
    )
    struck: set[str] = set()
    limit_s = time.monotonic() + LIMIT_S
    while not live.reached:
        live.step(0.005)
        assert time.monotonic() < limit_s, (plan, struck, live.broken, live._supervisor.status)
        while plan and live.now_ns >= plan[0][0]:
            _, how = plan.pop(0)
            name = random.choice(sorted(processes(live)))
            if how == "pause":
                strike(live, name, signal.SIGSTOP)
                live.step(0.05)
                strike(live, name, signal.SIGCONT)
            elif strike(live, name, signal.SIGKILL if how == "kill" else signal.SIGSTOP):
                struck.add(name)
    live.close()

    recording = live._folder / "monitor.pcapng"
    assert {(t.clause, t.subject) for t in live.tallies() if t.verdict is Verdict.FAIL} == set()
    checked = check(recording, flight.agreement)
    assert checked.damage == []
    assert [(t.clause, t.subject, t.counts) for t in checked.tallies] == [
        (t.clause, t.subject, t.counts) for t in live.tallies()
    ]
    told = " ".join(live.broken)
    assert all(name in told for name in struck), (struck, live.broken)
    code = reports.exit_code(live.tallies(), [], damaged=False, broken=bool(live.broken))
    assert code == (reports.BROKEN if struck or live.broken else reports.OK)
    if loss == 0.0:
        passed = sum(t.counts[Outcome.PASS] for t in live.tallies())
        open_ = sum(t.counts[Outcome.INCONCLUSIVE] for t in live.tallies())
        assert passed >= DECIDED * (passed + open_)


def test_trouble_does_not_hide_who_is_guilty(director: Callable[..., Director]) -> None:
    """SOKOL 1 is killed long before SOKOL 2 is silent; HAWK 11 while it is."""
    flight = flight_of("encounter-2015-breach")
    live = director(flight, patience_s=0.5)
    live.start()
    for at_s, name in ((10, "station SOKOL 1"), (50, "station HAWK 11")):
        live.advance(flight.start_ns + at_s * NS_PER_S)
        assert strike(live, name)
    live.advance(flight.end_ns)
    live.close()
    assert [b for b in live.broken if "station SOKOL 1 was killed" in b]
    accused = {(t.clause, t.subject) for t in live.tallies() if t.verdict is Verdict.FAIL}
    assert ("4.1", "155002") in accused
    assert accused <= {("4.1", "155002"), ("6.1", "155002/ae1001"), ("6.1", "155002/ae1002")}


def test_who_cannot_be_kept_alive_is_left_alone_and_the_run_ends(director: Callable[..., Director]) -> None:
    flight = flight_of("quiet", seconds=40)
    live = director(replace(flight), patience_s=0.5)
    live.start()
    live.go(flight.end_ns)
    limit_s = time.monotonic() + LIMIT_S
    while not live.reached:
        assert time.monotonic() < limit_s
        strike(live, "station HAWK 12")
        live.step(0.01)
    live.close()
    assert "left alone" in live.broken[-1]
    assert {t.verdict for t in live.tallies() if t.subject == "ae1002"} <= {
        Verdict.PASS,
        Verdict.NOT_EXERCISED,
        Verdict.INCONCLUSIVE,
    }
    assert all(t.verdict is not Verdict.FAIL for t in live.tallies())
