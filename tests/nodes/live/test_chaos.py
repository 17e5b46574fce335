"""Processes of a run are killed, stopped and let go on at drawn moments: nothing hangs, nothing is damaged, nobody who
is innocent is accused, and no trouble is hushed up.

AIRACCORD_ROUNDS says how many rounds are flown, AIRACCORD_SEED where their seeds begin.
"""

import io
import os
import signal
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from nodes import report as reports
from nodes.checking import check
from nodes.live.director import Director
from nodes.live.processes import Child
from nodes.live.supervisor import MOST_STARTS, RunBroken
from nodes.simulation import Simulation
from protocol.verdicts import Outcome
from radio.recording import HearingGap, HostTrouble, Record, read
from tests.nodes.live.conftest import LIMIT_S, Make, flight_of, go, passed_s, processes, strike

ROUNDS = int(os.environ.get("AIRACCORD_ROUNDS", "10"))
SEED = int(os.environ.get("AIRACCORD_SEED", "0"))
SECONDS = 45
"""Of the encounter: the ring is entered at 15 s, the last answer is due at 35 s."""
PATIENCE_S, LEAST_PATIENCE_S = 0.5, 1.2
FAULTS = {"faults/silent": "ae1001", "faults/no_contact": "ae1001", "faults/ignores_hail": "155001"}
"""Scenarios with one who is guilty."""
DECIDED, FEW = 0.9, 3
"""Of all that can be judged without chance losses, so much is decided in spite of everything, in every round but those
in which all stations died and hardly anything was heard. It is more than 0.99.
"""
MOST_DECIDED, ENOUGH = 0.7, 40
"""And of every clause that was exercised so often. Of few calls, one that is cut off is much."""


class Blow(NamedTuple):
    """What is done to whom, when: `at_s` in flight; or when a process is started for the nth time (`birth`); or in so
    many steps after the run was told to end (`ending`). `pause_s` by the clock: it is stopped and goes on.
    """

    kind: str
    victims: tuple[str, ...]
    at_s: float = 0.0
    birth: int = 0
    ending: int | None = None
    pause_s: float = 0.0


class Hit(NamedTuple):
    """A blow that must show: a process, and between which instants of medium time it was struck.

    `waited_for`: it took part, so that time stood still for it.
    """

    name: str
    stations: tuple[int, ...]
    from_s: float
    until_s: float
    waited_for: bool


@dataclass
class Demon:
    """Strikes whenever the supervisor has looked around, and at births."""

    live: Director
    blows: list[Blow]
    hits: list[Hit] = field(default_factory=list)
    stopped: set[int] = field(default_factory=set)
    paused: list[tuple[float, int, Child]] = field(default_factory=list)
    steps: int = 0
    ended_after_all: list[Child] = field(default_factory=list)

    def begin(self) -> None:
        """Stand behind the supervisor's back."""
        step = self.live._supervisor.step

        def stepped(*arguments: Any) -> None:
            step(*arguments)
            self.look()

        self.live._supervisor.step = stepped  # type: ignore[method-assign]

    def look(self) -> None:
        """Strike if it is time."""
        supervisor = self.live._supervisor
        self.steps += supervisor._ending
        flying = supervisor._target_ns is not None and not supervisor._ending
        for blow in list(self.blows):
            due = flying and passed_s(self.live) >= blow.at_s and not blow.birth and blow.ending is None
            if due or (supervisor._ending and blow.ending is not None and self.steps > blow.ending):
                self.blows.remove(blow)
                there = processes(self.live)
                for name in blow.victims:
                    if name in there:
                        self.strike(blow, there[name])
        for pause in list(self.paused):
            at_s, pid, child = pause
            if time.monotonic() > at_s:
                self.paused.remove(pause)
                if child.pid == pid and pid not in self.stopped:
                    strike(child, signal.SIGCONT)

    def born(self, child: Child) -> None:
        """A process was started."""
        for blow in list(self.blows):
            if child.name in blow.victims and child.starts == blow.birth:
                self.blows.remove(blow)
                self.strike(blow, child)

    def strike(self, blow: Blow, child: Child) -> None:
        """Do it, and note what must be told of it."""
        supervisor, before_s = self.live._supervisor, passed_s(self.live)
        joined = child is supervisor.hub or all(address in supervisor.joined for address in child.stations)
        if not strike(child, signal.SIGKILL if blow.kind == "kill" else signal.SIGSTOP):
            return
        if blow.pause_s:
            self.paused.append((time.monotonic() + blow.pause_s, child.pid, child))
            return
        self.stopped.add(child.pid)
        if supervisor._ending:  # it may have been about to end by itself
            self.ended_after_all.append(child)
        else:
            self.hits.append(
                Hit(child.name, tuple(child.stations), before_s, passed_s(self.live), joined and not blow.birth)
            )


@pytest.fixture
def demons(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Director, list[Blow]], Demon]]:
    """Sends a demon after a run."""
    made: list[Demon] = []
    start = Child.start

    def started(self: Child, *arguments: Any) -> None:
        start(self, *arguments)
        for demon in made[-1:]:
            demon.born(self)

    def make(live: Director, blows: list[Blow]) -> Demon:
        made.append(Demon(live, blows))
        made[-1].begin()
        return made[-1]

    monkeypatch.setattr(Child, "start", started)
    yield make
    for demon in made:
        for _, _, child in demon.paused:
            strike(child, signal.SIGCONT)


def drawn(random: Random, names: list[str]) -> list[Blow]:
    """Two to five blows over a whole run; some at the same process twice, some at several at once."""
    blows = []
    for _ in range(random.choice([2, 3, 3, 4, 5])):
        victims = tuple(random.sample(names, random.choice([1, 1, 1, 2, 3])))
        kind = random.choices(["kill", "stop", "pause"], [6, 2, 2])[0]
        pause_s = random.choice([0.02, 0.2, 0.7]) if kind == "pause" else 0.0
        moment = random.choices(["flight", "birth", "end"], [8, 2, 1])[0]
        if moment == "flight":
            blows.append(Blow(kind, victims, random.uniform(0, SECONDS), pause_s=pause_s))
        elif moment == "birth":
            blows.extend(Blow(kind, (v,), birth=random.choice([1, 2]), pause_s=pause_s) for v in victims)
        else:
            # who is stopped at the end is given its time, and a judge very much of it
            blows.append(Blow("kill", victims, ending=random.choice([0, 1, 2, 5])))
    return blows


@cache
def guilty_of(name: str) -> frozenset[tuple[str, str]]:
    """Whom the same scenario accuses, and of what, when nothing disturbs it."""
    flight = flight_of(name)
    run = Simulation(flight, flight.scenario.seed, lambda name: io.BytesIO(), io.StringIO())
    run.advance(flight.end_ns)
    run.close()
    return frozenset((t.clause, t.subject) for t in run.tallies() if t.counts[Outcome.FAIL])


def fly(live: Director) -> bool:
    """The whole run; whether it came to its end. Fails the test if it hangs."""
    begun_s = time.monotonic()
    try:
        live.start()
        live.go(live.flight.end_ns)
        while not live.reached:
            assert time.monotonic() < begun_s + LIMIT_S, "it hangs"
            live.step(0.005)
    except RunBroken:
        return False
    finally:
        live.close()
    assert time.monotonic() < begun_s + LIMIT_S, "it hung"
    return True


def told(live: Director, hit: Hit) -> bool:
    """Whether the run says who and when. A busy director may say it late, while time goes on."""
    for line in live.broken:
        at, _, what = line.removeprefix("at ").partition(" s: ")
        if what.startswith(hit.name) and float(at) >= hit.from_s - 0.01:
            return True
    return False


def recorded(records: Sequence[Record], hit: Hit, live: Director) -> bool:
    """Whether the recording has the trouble when it was, to a window or two; without delay, for time stood still."""
    start_ns, margin_ns = live.flight.start_ns, 150_000_000
    from_ns, until_ns = (start_ns + round(at_s * 1e9) for at_s in (hit.from_s, hit.until_s))
    last = {(r.address, r.from_ns): r.until_ns for r in records if isinstance(r, HostTrouble)}
    stretches = [(since, until) for (address, since), until in last.items() if address in (0, *hit.stations)]
    stretches += [(r.from_ns, r.until_ns) for r in records if isinstance(r, HearingGap)]
    return any(since <= until_ns + margin_ns and (until is None or until >= from_ns) for since, until in stretches)


def judge(live: Director, demon: Demon, folder: Path, guilty: frozenset[tuple[str, str]]) -> None:
    """What must hold after every round."""
    tallies = live.tallies()
    disturbed = bool(demon.hits) or any(child.ended() for child in demon.ended_after_all)
    if disturbed:
        assert live.broken, "not hushed up"
    code = reports.exit_code(tallies, [], damaged=False, broken=bool(live.broken))
    assert code == (reports.BROKEN if live.broken else reports.exit_code(tallies, [], damaged=False))
    story = "\n".join([*live.broken, *live.told, *map(str, demon.hits)])
    assert [hit for hit in demon.hits if not told(live, hit)] == [], story
    accused = {(t.clause, t.subject) for t in tallies if t.counts[Outcome.FAIL]}
    assert accused <= guilty, story
    path = folder / "monitor.pcapng"
    with path.open("rb") as stream:
        recording = read(stream)
    assert not recording.damage
    assert recording.closed
    early = [hit for hit in demon.hits if hit.waited_for and hit.until_s < passed_s(live) - 1]
    assert [hit for hit in early if not recorded(recording.records, hit, live)] == [], story
    checked = check(path, live.flight.agreement)
    assert checked.tallies == tallies
    assert checked.heard == live.heard()
    host, port = live.endpoint.removeprefix("tcp://").split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0, "nobody listens any more"


SHARES: defaultdict[str, Counter[str]] = defaultdict(Counter)


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_round(seed: int, director: Make, demons: Callable[[Director, list[Blow]], Demon], tmp_path: Path) -> None:
    random = Random(seed)
    name = random.choice([*["encounter-2015"] * 5, *FAULTS])
    loss = random.choice([0.0, 0.0, 0.0, 0.2])
    flight = flight_of(name, SECONDS if name == "encounter-2015" else None, loss)
    workers = random.choice([None, None, 2, 3])
    live = director(flight, workers=workers, patience_s=PATIENCE_S, least_patience_s=LEAST_PATIENCE_S)
    signs = [s.call_sign for s in flight.stations if s.role != "monitor"]
    crews = [", ".join(signs[i :: workers or len(signs)]) for i in range(workers or len(signs))]
    demon = demons(live, drawn(random, ["hub", "monitor MON 1", *(f"station {crew}" for crew in crews)]))
    complete = fly(live)
    judge(live, demon, tmp_path / "run 0", guilty_of(name))
    assert complete or any(f"after {MOST_STARTS} starts" in line for line in live.broken)
    if not loss:
        for tally in live.tallies():
            SHARES[tally.clause].update({outcome.value: count for outcome, count in tally.counts.items()})
        counts = sum((Counter(tally.counts) for tally in live.tallies()), Counter[Outcome]())
        decided = counts[Outcome.PASS] + counts[Outcome.FAIL]
        assert decided + FEW >= DECIDED * (decided + counts[Outcome.INCONCLUSIVE])


def test_most_is_decided_all_the_same() -> None:
    """Of the rounds above without chance losses, as far as they were flown in this process; of every clause most."""
    decided = {clause: counts["pass"] + counts["fail"] for clause, counts in SHARES.items()}
    judged = {clause: decided[clause] + counts["inconclusive"] for clause, counts in SHARES.items()}
    print("decided:", *(f"{clause} {decided[clause]}/{number}" for clause, number in judged.items() if number))
    if not any(judged.values()):
        pytest.skip("no round was flown here")
    assert sum(decided.values()) >= DECIDED * sum(judged.values())
    assert [c for c, number in judged.items() if number >= ENOUGH and decided[c] < MOST_DECIDED * number] == []


def test_trouble_does_not_hide_who_is_guilty(director: Make) -> None:
    """SOKOL 1 is killed long before SOKOL 2 is silent; HAWK 11 while it is."""
    flight = flight_of("encounter-2015-breach")
    live = director(flight, patience_s=PATIENCE_S)
    live.start()
    for at_s, name in ((10, "station SOKOL 1"), (50, "station HAWK 11")):
        go(live, at_s)
        assert strike(processes(live)[name])
    go(live)
    live.close()
    assert [line.partition(" s: ")[2] for line in live.broken] == [
        f"station {sign} was killed by SIGKILL; it is started again" for sign in ("SOKOL 1", "HAWK 11")
    ]
    accused = {(t.clause, t.subject) for t in live.tallies() if t.counts[Outcome.FAIL]}
    assert {("4.1", "155002")} <= accused <= guilty_of("encounter-2015-breach")


# ------------------------------------------------------------------ more kills than starts


def killed_at_every_birth(*names: str) -> list[Blow]:
    return [Blow("kill", (name,), birth=n) for name in names for n in range(1, MOST_STARTS + 1)]


def test_a_station_that_is_killed_again_and_again_is_left_alone(
    director: Make, demons: Callable[[Director, list[Blow]], Demon], tmp_path: Path
) -> None:
    live = director(flight_of("encounter-2015", SECONDS))
    demon = demons(live, killed_at_every_birth("station SOKOL 2"))
    assert fly(live)
    judge(live, demon, tmp_path / "run 0", frozenset())
    assert live.broken[-1].endswith(
        f"station SOKOL 2 was killed by SIGKILL; after {MOST_STARTS} starts it is left alone"
    )
    assert live.heard()[0x155001]
    assert not live.heard().get(0x155002)


def test_without_a_monitor_the_run_goes_on_and_its_recording_says_from_when(
    director: Make, demons: Callable[[Director, list[Blow]], Demon], tmp_path: Path
) -> None:
    live = director(flight_of("encounter-2015", SECONDS))
    blows = [Blow("kill", ("monitor MON 1",), at_s=20.0)]
    blows += [Blow("kill", ("monitor MON 1",), birth=n) for n in range(2, MOST_STARTS + 1)]
    demon = demons(live, blows)
    assert fly(live)
    judge(live, demon, tmp_path / "run 0", frozenset())
    assert "monitor MON 1 was killed by SIGKILL; after" in live.broken[-1]
    assert any(t.counts[Outcome.PASS] for t in live.tallies()), "what was heard until then is judged"


def test_without_a_hub_the_run_ends_with_what_was_judged_so_far(
    director: Make, demons: Callable[[Director, list[Blow]], Demon], tmp_path: Path
) -> None:
    live = director(flight_of("encounter-2015", SECONDS))
    blows = [Blow("kill", ("hub",), at_s=20.0), *(Blow("kill", ("hub",), birth=n) for n in range(2, MOST_STARTS + 1))]
    demon = demons(live, blows)
    assert not fly(live)
    judge(live, demon, tmp_path / "run 0", frozenset())
    assert 20 <= passed_s(live) < 21
    assert "hub was killed by SIGKILL; after" in live.broken[-1]
    assert any(t.counts[Outcome.PASS] for t in live.tallies())
