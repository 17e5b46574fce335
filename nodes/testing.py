"""A scenario in the hands of a test: fly it, in virtual time or live, act in it, read the verdicts. Needs no pytest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodes import report as reports
from nodes.flight import Flight, load, no_programs, prepare, with_loss
from nodes.live.director import Director
from nodes.scenario import Scenario
from nodes.testing_drivers import Driver, Live, Virtual
from protocol import codec
from protocol.clauses import IDS
from protocol.judge import Tally
from protocol.messages import Frame, Message
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Verdict
from radio.handle import Radio
from radio.hub import WINDOW_NS


class NotReached(AssertionError):
    """A condition did not come true in time."""


class FlightTest:
    """A scenario that a test flies. Stations are named by call sign or by address in hex; times are in seconds of
    medium time since the scenario's start."""

    def __init__(self, flight: Flight, seed: int | None = None, live: bool = False):
        if not live:
            no_programs(flight, flight.folder)
        self.flight = flight
        self.findings: list[Finding] = []
        """Every failed or inconclusive instance so far, in the order in which the judge gave them."""
        seed = flight.scenario.seed if seed is None else seed
        self._driver: Driver = (Live if live else Virtual)(flight, seed, self._found)
        self._run = self._driver.run
        self._closed = False

    @classmethod
    def of(
        cls, scenario: Path | Scenario, *, seed: int | None = None, loss: float | None = None, live: bool = False
    ) -> "FlightTest":
        """Load a scenario file (or take one in memory, with absolute paths), with another seed or loss if given.

        `live`: every station is a process of its own, at pace max; verdicts are the same.

        Raises nodes.problems.ConfigurationError.
        """
        flight = load(scenario) if isinstance(scenario, Path) else prepare(scenario, Path())
        return cls(flight if loss is None else with_loss(flight, loss), seed, live)

    def radio(self, station: str) -> Radio:
        """The radio of a station that is `external` in the scenario, to be flown by the test; the same live and not.

        To be taken before time passes, in a live flight after `start`. Time then stands still while its user computes.
        """
        external = {s.call_sign: s.address for s in self.flight.stations if s.external}
        if station not in external:
            raise ValueError(f"{station!r} is no external station; there are {sorted(external)}")
        return self._driver.radio(external[station])

    # ------------------------------------------------------------ time

    async def start(self) -> None:
        """Start the processes of a live flight now, and not with the first step in time."""
        await self._driver.start()

    @property
    def endpoint(self) -> str:
        """Where stations from elsewhere connect to, once a live flight has been started."""
        if not isinstance(self._run, Director):
            raise ValueError("a flight in virtual time has no address: nothing is sent over a network")
        return self._run.endpoint

    @property
    def now_s(self) -> float:
        """Medium time since the start."""
        return (self._run.now_ns - self.flight.start_ns) / NS_PER_S

    async def advance(self, to_s: float) -> None:
        """Let time pass up to an instant. Raises ValueError if it is in the past."""
        self._check_open()
        target = self.flight.start_ns + seconds_ns(to_s)
        if target < self._run.now_ns:
            raise ValueError(f"{to_s:g} s is in the past: it is {self.now_s:g} s")
        await self._driver.advance(target)

    async def until(self, condition: Callable[["FlightTest"], bool], within_s: float) -> None:
        """Let time pass until a condition holds. Raises NotReached if it does not within so many seconds."""
        self._check_open()
        limit = self._run.now_ns + seconds_ns(within_s)
        while not condition(self):
            if self._run.now_ns >= limit:
                raise NotReached(f"not reached within {within_s:g} s, at {self.now_s:g} s")
            await self._driver.advance(min(self._run.now_ns + WINDOW_NS, limit))

    async def finish(self) -> dict[str, Any]:
        """Fly to the scenario's end (or stop here, if that is past), close the recordings, and return the report."""
        if not self._closed:
            await self.advance(max(self.now_s, (self.flight.end_ns - self.flight.start_ns) / NS_PER_S))
            self.close()
        return self.report()

    def close(self) -> None:
        """End the run here."""
        if not self._closed:
            self._closed = True
            self._driver.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the flight is over")

    # ------------------------------------------------------------ acting

    def send(self, station: str, message: Message, *, channel: int = 1, about_s: float | None = None) -> None:
        """Let a station's own transmitter send a message in the next slot it may use.

        `about_s` is the instant that a POSITION speaks of, or the end of an INTENT's validity; now, if left out.
        Raises ValueError for an unknown station or channel, and protocol.errors.EncodeError for a message that cannot
        travel.
        """
        self._check_open()
        address = self._address(station)
        channels = [c.number for c in (*self.flight.agreement.channel, *self.flight.scenario.unagreed_channel)]
        if channel not in channels:
            raise ValueError(f"no channel {channel}; there are {channels}")
        codec.encode(Frame(address, 0, 0, channel, 0, 0, 0, message))  # else it would be refused when its slot comes
        about = self._run.now_ns if about_s is None else self.flight.start_ns + seconds_ns(about_s)
        self._driver.send(address, message, channel, about)

    def remove(self, station: str) -> None:
        """Take a station away without a word of farewell, as a crash would. Raises ValueError if it is not there."""
        self._run.remove(self._address(station))

    def _address(self, station: str) -> int:
        there = [s for s in self.flight.stations if s.address in self._run.there()]
        for entry in there:
            if station in (entry.call_sign, f"{entry.address:06x}"):
                return entry.address
        raise ValueError(f"no station {station!r} in the air; there are {sorted(s.call_sign for s in there)}")

    # ------------------------------------------------------------ reading

    def verdict(self, clause: str, subject: str) -> Verdict:
        """The verdict so far. A subject is a call sign, an address, two of either joined by `/`, or `unattributed`.

        Raises ValueError for a clause or a subject that does not exist: a misspelt one would never fail.
        """
        if clause not in IDS:
            raise ValueError(f"no clause {clause!r}; there are {', '.join(IDS)}")
        whom = self._subject(subject)
        tally = self._tallies().get((clause, whom))
        if tally is None and "/" in whom and all("/" not in s for c, s in self._tallies() if c == clause):
            raise ValueError(f"clause {clause} judges stations, not pairs such as {subject}")
        return tally.verdict if tally else Verdict.NOT_EXERCISED

    def accused(self) -> set[tuple[str, str]]:
        """Every (clause, subject) that failed so far, subjects as addresses."""
        return {(f.clause, f.subject) for f in self.findings if f.outcome is Outcome.FAIL}

    def report(self) -> dict[str, Any]:
        """The report so far, as in `report.json`."""
        return reports.of_run(self._run)

    def channel(self, name: str) -> dict[str, Any]:
        """How busy a channel was so far, as in the report: frames, load, slots, and outcomes by station and cause.

        `load` is the airtime of all frames as a share of the time. Raises ValueError if no channel is called so.
        """
        channels = {c["name"]: c for c in reports.channels_of(self._run).values()}
        if name not in channels:
            raise ValueError(f"no channel {name!r}; there are {', '.join(channels)}")
        return dict(channels[name])

    def recording(self, name: str = "monitor.pcapng") -> bytes:
        """A monitor's recording so far."""
        return self._driver.recording(name)

    def truth(self) -> str:
        """What became of every frame at every receiver so far: lines of JSON."""
        return self._driver.truth()

    def _tallies(self) -> dict[tuple[str, str], Tally]:
        return {(t.clause, t.subject): t for t in self._run.tallies()}

    def _subject(self, subject: str) -> str:
        signs = {s.call_sign: f"{s.address:06x}" for s in self.flight.stations}
        parts = [signs.get(part, part) for part in subject.split("/")]
        if unknown := [part for part in parts if part not in (*signs.values(), UNATTRIBUTED)]:
            raise ValueError(f"nobody is called {unknown[0]!r}; there are {', '.join(signs)} and {UNATTRIBUTED}")
        return "/".join(sorted(parts))

    def _found(self, finding: Finding) -> None:
        if finding.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            self.findings.append(finding)
