"""A live run as whatever flies a scenario sees it: the virtual driver's face, with processes behind it."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nodes.flight import Flight
from nodes.live import farewell
from nodes.live.monitor_process import Judgement, TooLong, finish_recording
from nodes.live.processes import Child
from nodes.live.settings import Settings
from nodes.live.supervisor import STEP_S, RunBroken, Supervisor
from nodes.monitor import monitors_of
from nodes.problems import ConfigurationError, Problem
from protocol.accounts import Standing
from protocol.judge import Tally
from protocol.messages import Message
from protocol.units import NS_PER_S
from protocol.verdicts import Finding
from radio.hub_server import Status
from radio.load import add
from radio.medium import Outcome

OVER, INTERRUPTED = "the run is over", "interrupted"
"""What stations are told at its end."""
JUDGE_S = 0.5
"""How long a recording is judged whose monitor could not close it, when the run is interrupted."""


class Director:
    """One live run of a flight; its files go to `folder`. `broken` tells who had trouble, and when.

    Raises ConfigurationError for what is the user's to mend: a port in use, a program that does not start, a station
    that never comes; and RunBroken if the hub cannot be kept alive: `close` then gives what was judged so far.
    """

    mode = "run"

    def __init__(
        self,
        flight: Flight,
        seed: int,
        folder: Path,
        settings: Settings,
        on_finding: Callable[[Finding], None] | None = None,
    ):
        self.flight, self.seed, self._settings = flight, seed, settings
        self._folder, self._on_finding = folder, on_finding or (lambda finding: None)
        self._supervisor = Supervisor(flight, seed, folder, settings, on_finding)
        self._closed = False
        self._judgement: Judgement | None = None

    def start(self, interrupted: Sequence[int] = ()) -> None:
        """Start everything; returns when all stations are there that are not `external`, or when interrupted."""
        try:
            self._supervisor.start(interrupted)
            self._wait_for_the_missing("the processes of the run", interrupted)
        except RunBroken:
            raise
        except BaseException:
            self.kill()
            raise

    def wait_for_external(
        self, told: Callable[[list[str]], object] = lambda names: None, interrupted: Sequence[int] = ()
    ) -> None:
        """Wait until the stations are there that somebody else starts; `told` is given their call signs."""
        external = [s for s in self.flight.stations if s.external]
        for entry in external:
            self._supervisor.expect(entry.address)
        missing = [s.call_sign for s in external if s.address in self._supervisor.absence.missing_s]
        if missing and not interrupted:
            told(missing)
            try:
                self._wait_for_the_missing("stations from elsewhere", interrupted)
            except RunBroken:
                raise
            except BaseException:
                self.kill()
                raise

    def _wait_for_the_missing(self, whom: str, interrupted: Sequence[int]) -> None:
        """Raises ConfigurationError, naming those who never come. Our own are the supervisor's to look after."""
        missing, wait_s = self._supervisor.absence.missing_s, self._settings.wait_s
        limit_s = time.monotonic() + wait_s
        while missing and not interrupted:
            self._supervisor.step()
            ours = {address for child in self._supervisor.children for address in child.stations}
            if missing.keys() - ours and time.monotonic() > limit_s:
                signs = [s.call_sign for s in self.flight.stations if s.address in missing]
                expected = f"not there after {wait_s:g} s (--wait) at {self.endpoint}: {', '.join(signs)}"
                wrote = [f"{c.name} last wrote: {w}" for c in self._supervisor.commands if (w := c.last_words())]
                raise ConfigurationError([Problem(whom, "", "", "; ".join([expected, *self.broken, *wrote]))])

    # ------------------------------------------------------------ reading

    @property
    def endpoint(self) -> str:
        """Where stations from elsewhere connect to."""
        return self._supervisor.endpoint

    @property
    def broker(self) -> str:
        """The URL of the ground line's broker, if there is one."""
        return self._supervisor.line.url if self._supervisor.line else ""

    @property
    def broken(self) -> list[str]:
        """Which processes had trouble, and when."""
        return self._supervisor.log.broken

    @property
    def told(self) -> list[str]:
        """Who came and went, and what else is worth knowing."""
        return self._supervisor.log.told

    @property
    def now_ns(self) -> int:
        """Medium time that has been granted."""
        return self._supervisor.now_ns

    @property
    def transmissions(self) -> int:
        """How many frames were on the air so far."""
        return sum(status.transmissions for status in self._hubs())

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """What became of the frames so far."""
        total = sum((Counter(status.outcomes) for status in self._hubs()), Counter())
        return {Outcome(name): count for name, count in total.items()}

    @property
    def load(self) -> Mapping[str, Any]:
        """How busy the channels were, as `radio.load` counts it."""
        return add([status.load for status in self._hubs()])

    @property
    def counts(self) -> Mapping[str, int]:
        """What did not go as it should between stations and hub."""
        return sum((Counter(status.counts) for status in self._hubs()), Counter())

    @property
    def stretched(self) -> tuple[int, int]:
        """Windows that were held back for our own processes, and for how long in ns by the clock."""
        hubs = self._hubs()
        return sum(s.stretched for s in hubs), sum(s.stretched_ns for s in hubs)

    @property
    def waited_for(self) -> list[str]:
        """Who keeps medium time standing still, once that has gone on for a while."""
        supervisor = self._supervisor
        return [supervisor.log.sign(a) for a in supervisor.status.waiting] if supervisor.absence.standing else []

    def _hubs(self) -> list[Status]:
        return [*self._supervisor.lost, self._supervisor.status]

    def there(self) -> list[int]:
        """The addresses of our own stations that are in the air."""
        ours = [s.address for s in self.flight.stations if s.role != "monitor" and not s.foreign]
        return [a for a in ours if a in self._supervisor.joined]

    def tallies(self) -> list[Tally]:
        """What the first monitor's judge has found so far."""
        return self._judged()[0]

    def heard(self) -> Mapping[int, Counter[Standing]]:
        """What the frames that it heard were good for."""
        return self._judged()[1]

    def _judged(self) -> Judgement:
        if self._judgement is not None:
            return self._judgement
        judge = self._supervisor.judge
        answer: Judgement | None = self._ask(judge, "tallies") if judge else None
        return answer if answer is not None else ([], {})

    def _ask(self, child: Child, *words: Any) -> Any:
        """Say something to a child and wait for its answer; None if it does not come."""
        supervisor, limit_s = self._supervisor, time.monotonic() + self._settings.patience_s
        supervisor.answer = None
        child.say(*words)
        while supervisor.answer is None and time.monotonic() < limit_s and child in supervisor.children:
            supervisor.step()
        return supervisor.answer

    # ------------------------------------------------------------ acting

    def go(self, until_ns: int) -> None:
        """Let medium time go on to an instant; `step` until `reached`."""
        self._supervisor.go(until_ns)

    def step(self, timeout_s: float = STEP_S) -> None:
        """Watch the processes for a while."""
        self._supervisor.step(timeout_s)

    @property
    def reached(self) -> bool:
        """Whether medium time has come to where it was to go."""
        return self._supervisor.reached

    def advance(self, until_ns: int) -> None:
        """Move medium time on to an instant."""
        self.go(until_ns)
        while not self.reached:
            self.step()
        self.step(0)  # what was said before that, and not yet listened to

    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None:
        """Let one of our stations' transmitter send a message now."""
        self._ask(self._child_of(address), "send", address, message, channel, about_ns)

    def remove(self, address: int) -> None:
        """Take one of our stations away, without a word of farewell."""
        child = self._child_of(address)
        self._supervisor.let_go(address)
        child.stations.remove(address)
        self._ask(child, "remove", address)

    def _child_of(self, address: int) -> Child:
        return next(c for c in self._supervisor.children if address in c.stations)

    def close(self, interrupted: Sequence[int] = ()) -> None:
        """End the run and all its processes; then the last verdicts are there. Takes some 2 s once `interrupted`."""
        if self._closed:
            return
        self._closed = True
        supervisor, flight, now_ns = self._supervisor, self.flight, self.now_ns
        farewell.end(supervisor, INTERRUPTED if interrupted else OVER, interrupted)
        self._judgement = supervisor.judgement
        for number, (name, entry) in enumerate(monitors_of(flight).items()):
            if entry.address not in supervisor.finished:  # its process did not come to close it
                judges, at_most_s = number == 0, JUDGE_S if interrupted else math.inf
                try:
                    found = finish_recording(
                        self._folder / name, entry, flight, now_ns, judges, self._on_finding, at_most_s
                    )
                except TooLong as error:
                    found = error.judgement
                    at_s = (error.until_ns - flight.start_ns) / NS_PER_S
                    self.told.append(
                        f"there was no time to read {name} beyond {at_s:.0f} s: `airaccord check` judges all of it"
                    )
                self._judgement = found if judges else self._judgement

    def kill(self) -> None:
        """End all processes, and leave everything else as it is."""
        self._closed = True
        self._supervisor.kill()
