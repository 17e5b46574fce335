"""The supervisor of a live run: starts its processes, notices who dies or stalls, and starts them again.

Nothing of the run is decided here: medium time is the hub's, verdicts are the monitor's.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import util
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from nodes.flight import Flight
from nodes.live import forking
from nodes.live.absence import Absence
from nodes.live.crew import Crew
from nodes.live.ground_line import GroundLine
from nodes.live.hub_process import HubStart, hub_process
from nodes.live.keeper import keeper_process
from nodes.live.logbook import Logbook
from nodes.live.monitor_process import Judgement
from nodes.live.processes import Child, Command
from nodes.live.settings import Settings
from nodes.monitor import monitors_of
from nodes.plan import plan_of
from nodes.problems import ConfigurationError, Problem
from protocol.verdicts import Finding
from radio.hub_server import Status

MOST_STARTS = 6
"""A process that is killed is started again, up to so many times in all."""
STEP_S = 0.05


class RunBroken(RuntimeError):
    """The run cannot go on; `broken` says why. What was recorded until then can be judged."""


class Supervisor:
    """The processes of one run; its files go to `folder`. `broken` tells which of them had trouble, and when.

    Raises ConfigurationError for what is the user's to mend: a port in use, a program that does not start.
    """

    def __init__(
        self, flight: Flight, seed: int, folder: Path, settings: Settings, on_finding: Callable[[Finding], None] | None
    ):
        self.flight, self.settings = flight, settings
        self._seed, self._folder, self._on_finding = seed, folder, on_finding
        self.log = Logbook(flight, lambda: self.now_ns)
        self.status = Status(flight.start_ns, 0, {}, {}, {}, 0, 0, ())
        self.lost: list[Status] = []
        """What hubs that were lost had counted."""
        self.endpoint, self.reached = "", False
        self.judgement: Judgement | None = None
        self.answer: Any = None
        self.joined: set[int] = set()
        self.hub = Child("hub", [], hub_process)
        self.judge: Child | None = None
        """The first monitor's process."""
        self.children: list[Child] = []
        self.commands: list[Command] = []
        self.finished: set[int] = set()
        """Monitors that have closed their recordings."""
        self._keeper = Child("keeper", [], keeper_process)
        self.absence = Absence()
        self.patience_s = max(settings.patience_s, settings.least_patience_s)
        self._lives: Counter[int] = Counter()
        self._refused: set[tuple[int, str]] = set()
        self._target_ns: int | None = None
        self._ending = False
        self._horizon_ns = forking.CONTEXT.Value("q", flight.start_ns, lock=False)
        self._keys = {s.address: secrets.token_bytes(16) for s in flight.stations if not s.external}
        self.line = GroundLine(flight, settings, self.log) if flight.line else None
        self._crew = Crew(flight=flight, seed=seed, folder=folder, keys=self._keys)

    @property
    def now_ns(self) -> int:
        """Medium time that has been granted."""
        return int(self._horizon_ns.value)

    # ------------------------------------------------------------ beginning

    def start(self, interrupted: Sequence[int] = ()) -> None:
        """Start everything. Stations are `missing` until they have joined."""
        forking.prepare()
        for name in ("truth.jsonl", *monitors_of(self.flight)):
            (self._folder / name).unlink(missing_ok=True)
        litter = [Path(util.get_temp_dir()), *([self._folder] if self.settings.temporary else [])]
        self._keeper.start(litter)
        if self.line:
            self._crew = replace(self._crew, line=self.line.begin())
        self._start_hub()
        while not self.endpoint and not interrupted:
            self.step()
        if interrupted:
            return
        for child in self._crew.ours(self.endpoint, self.settings.workers):
            self._begun(child)
            self.children.append(child)
        self.judge = next(iter(self.children), None)  # a flight without a monitor is none, and monitors come first
        for command in self._crew.commands(self.endpoint):
            self._keeper.say("started", command.pid, True)
            self.commands.append(command)
        for address in self._keys:
            self.expect(address)

    def expect(self, address: int) -> None:
        """Time does not go on without this station."""
        if address not in self.joined:
            if address not in self.absence.missing_s:
                self.absence.begins(address)
            self.hub.say("expect", address)

    def _start_hub(self) -> None:
        """It listens a little later, and says so; whatever it is told until then waits for it."""
        truth = self._folder / "truth.jsonl"
        plan = plan_of(self.flight, self._seed, self._keys)
        start = HubStart(plan, self.endpoint, self.settings, truth, self.now_ns, self._lives)
        self.hub.start(start, self._horizon_ns)
        self._begun(self.hub)
        self.absence.hub_spoke(moved=True)

    def _begun(self, child: Child) -> None:
        """What must not outlive the director."""
        for pid in (child.pid, forking.forkserver_pid()):
            self._keeper.say("started", pid, False)

    def go(self, until_ns: int) -> None:
        """Let medium time go on to an instant; step until `reached`."""
        self._target_ns = until_ns
        self.reached = self.now_ns >= until_ns
        if not self.reached:
            self.hub.say("go", until_ns)

    def let_go(self, address: int) -> None:
        """A station is taken away: nobody waits for it any more, and its end is no trouble."""
        self.joined.discard(address)
        self.absence.ends(address)
        self.hub.say("remove", address)

    # ------------------------------------------------------------ watching

    def step(self, timeout_s: float = STEP_S) -> None:
        """Take in what the processes say, and see to those that died or do not answer. Waits for so long at most."""
        living = [child for child in (self.hub, *self.children) if not child.closed]
        ready = wait([thing for child in living for thing in child.waitable()], timeout_s)
        for child in living:
            if child.control in ready:
                self._take_in(child)
        for child in living:
            if child.ended() is not None:
                self._take_in(child)
                self._ended(child)
        for command in list(self.commands):
            if (code := command.ended()) is not None:
                self._command_ended(command, code)
        self._look_after_the_missing()
        if self.line and not self._ending:
            self.line.look()

    def _take_in(self, child: Child) -> None:
        try:
            while child.control.poll():
                said = child.control.recv()
                if child is self.hub:
                    self._hub_said(said)
                else:
                    self._child_said(child, said)
        except (EOFError, OSError):
            return  # it has ended; that is looked at apart

    def _hub_said(self, said: tuple[Any, ...]) -> None:
        self.absence.hub_spoke(moved=False)
        match said:
            case ("status" | "ended", Status() as status):
                self._stands(status)
            case ("reached", Status() as status):
                self._stands(status)
                self.reached = self._target_ns is None or status.now_ns >= self._target_ns
            case ("joined", int(address), int(life)):
                self._lives[address] = life + 1
                self.absence.ends(address)
                back = life > 0 and address not in self.joined
                self.joined.add(address)
                if back:
                    self.log.tell(f"{self.log.sign(address)} is back")
            case ("left", int(address)):
                self.joined.discard(address)
                self.log.tell(f"{self.log.sign(address)} has left")
            case ("lost", int(address)):
                if address not in self._keys:
                    self.log.tell(f"{self.log.sign(address)} is gone without a farewell")
                elif address in self.joined and not self._ending and not self._ours(address):  # ours are told apart
                    self.log.trouble(f"{self.log.sign(address)} was cut off from the hub")
                self.joined.discard(address)
            case ("stalled", int(address)):
                if address not in self.absence.missing_s:  # else its process has been replaced meanwhile
                    self._stalled(address, self.settings.patience_s)
            case ("refused", int(address), str(reason)):
                if (address, reason) not in self._refused:  # who is refused may try again for ever
                    self._refused.add((address, reason))
                    self.log.tell(f"somebody was refused as {address:06x}: {reason}")
            case ("listening", str(endpoint)):
                if self.endpoint:
                    for child in self.children:
                        child.say("hello")
                self.endpoint = endpoint
            case ("failed", str(why)):
                if not self.endpoint:
                    raise ConfigurationError([Problem("--listen", "", "", why)])
                self.hub.why = f"could not listen at {why}"
            case ("flooded", str(why)):
                self.hub.why = why
            case ("stuck", str(why)):  # another hub would come no further
                self.log.trouble(f"medium.propagation: {why}; the run ends there")
                raise RunBroken(self.log.broken[-1])

    def _stands(self, status: Status) -> None:
        self.absence.hub_spoke(moved=status.now_ns != self.status.now_ns or not status.waiting)
        self.status = status

    def _child_said(self, child: Child, said: Any) -> None:
        match said:
            case ("finding", Finding() as finding):
                if self._on_finding:
                    self._on_finding(finding)
            case ("judged", tallies, heard):
                self.finished.update(child.stations)
                if child is self.judge:
                    self.judgement = (tallies, heard)
            case ("busy",):
                for address in set(child.stations) - self.joined:
                    self.absence.begins(address)
            case ("tallies", tallies, heard):
                self.answer = (tallies, heard)
            case ("fault", int(address), str(about)):
                child.stations = [station for station in child.stations if station != address]
                self.hub.say("lost", address)
                self._gone(address)
                self.log.trouble(f"{about}; it is gone from then on")
            case _:
                self.answer = said

    # ------------------------------------------------------------ trouble

    def _ended(self, child: Child) -> None:
        """A process of ours has ended: in peace, or it is started again."""
        self._keeper.say("ended", child.pid)
        abnormal = bool(child.ended() or child.why)
        peace = self._ending or not (child.stations or child is self.hub)
        again = not peace and child.starts < MOST_STARTS
        if abnormal or not peace:
            what = "; it is started again" if again else f"; after {child.starts} starts it is left alone"
            self.log.trouble(f"{child.name} {child.how_it_ended()}{'' if peace else what}")
        child.close()
        for address in child.stations:
            self.joined.discard(address)
            self.hub.say("lost", address)
        if child is self.hub and not peace:
            self._replace_hub(again)
        elif again:
            self._wait_for(child.stations)
            self._crew.start(child, self.endpoint)
            self._begun(child)
        elif child is not self.hub:
            self.children.remove(child)
            for address in child.stations:
                self._gone(address)

    def _wait_for(self, stations: Sequence[int]) -> None:
        """Stations that are started again are to come back. At pace max minutes would go by meanwhile: time waits."""
        for address in stations:
            self.absence.begins(address)
            if not self.settings.paced:
                self.hub.say("expect", address)

    def _gone(self, address: int) -> None:
        """A station will not come back, and nobody waits for it."""
        self.joined.discard(address)
        self.absence.ends(address)
        self.hub.say("unexpect", address)

    def _replace_hub(self, again: bool) -> None:
        """Another hub goes on where the lost one had granted time; everybody has to join again.

        Raises RunBroken if there have been too many.
        """
        if not again:
            raise RunBroken(self.log.broken[-1])
        self.lost.append(self.status)
        self.status = Status(self.now_ns, 0, {}, {}, {}, 0, 0, ())
        for station in self.flight.stations:
            self._lives[station.address] += 1  # it may have begun lives of which it told nobody
        self._start_hub()
        self.hub.say("trouble", 0, self.now_ns)
        for address in {*self.joined, *self.absence.missing_s}:
            self.joined.discard(address)
            self.absence.begins(address)  # that they are not there was the hub's fault
            self.hub.say("expect", address)
        if self._target_ns is not None:
            self.hub.say("go", self._target_ns)

    def _stalled(self, address: int, patience_s: float) -> None:
        """A station has not answered for too long, and the hub has gone on without it."""
        self.joined.discard(address)
        processes: list[Child | Command] = [*self.children, *self.commands]
        process = next((p for p in processes if address in p.stations), None)
        if process is None:
            self._gone(address)
            self.log.tell(f"{self.log.sign(address)} did not answer for {patience_s:g} s: set aside")
            return
        process.kill(f"did not answer for {patience_s:g} s and was killed")

    def _look_after_the_missing(self) -> None:
        """Kill what should long be there and is not: a hub that says nothing, stations that do not come back."""
        self.absence.look()
        if self.absence.hub_is_silent(self.patience_s) and not self._ending:
            self.absence.hub_spoke(moved=False)
            self.hub.kill(f"said nothing for {self.patience_s:g} s and was killed")
            return
        for address in self.absence.overdue(self.patience_s):
            if not (self._ours(address) or self._target_ns is not None):
                continue  # as long as the run has not begun, whoever waits for the others has a limit
            self.absence.begins(address)
            if address not in self._keys:
                self._gone(address)
                self.log.tell(f"{self.log.sign(address)} has not come back")
            else:
                self._stalled(address, self.patience_s)

    def _command_ended(self, command: Command, code: int) -> None:
        """A program of the user's has ended: it may do so; if it was killed, it is started again."""
        self.commands.remove(command)
        self._keeper.say("ended", command.pid)
        (address,) = command.stations
        words = command.last_words()
        last = f"; it last wrote: {words}" if words else ""
        if self._ending:
            if code and not command.killed:
                self.log.trouble(f"{command.name}: its command {command.how_it_ended()}{last}")
            return
        if self._target_ns is None:  # it was to fly, and has not even begun
            how = f"{command.how_it_ended()} before the run began{last}"
            raise ConfigurationError([Problem(command.name, "command", "", how)])
        if code == 0:  # without a BYE the hub will miss it, and say so
            self.absence.ends(address)
            self.hub.say("unexpect", address)
            return
        self.joined.discard(address)
        self.hub.say("lost", address)
        again = code < 0 and command.starts < MOST_STARTS
        what = "it is started again" if again else "it is gone from then on"
        self.log.trouble(f"{command.name}: its command {command.how_it_ended()}; {what}{last}")
        if again:
            command.start()
            self._keeper.say("started", command.pid, True)
            self.commands.append(command)
            self._wait_for([address])
        else:
            self._gone(address)

    def _ours(self, address: int) -> bool:
        return any(address in child.stations for child in self.children)

    # ------------------------------------------------------------ ending

    def end(self, reason: str) -> None:
        """Tell everybody that the run is over: from now on, whoever ends does so in peace."""
        self._ending = True
        self.hub.say("stop", reason)

    def kill(self) -> None:
        """End everything at once. Nothing is left: no process, no socket."""
        self._ending = True
        for command in self.commands:
            command.kill()
        ours = (*self.children, self.hub, self._keeper)
        for child in ours:
            child.kill()
        for child in ours:
            child.close()
        self.children.clear()
        self.commands.clear()
        if self.line:
            self.line.end()
