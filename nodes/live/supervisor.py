"""The supervisor of a live run: starts its processes, notices who dies or stalls, and starts them again.

Nothing of the run is decided here: medium time is the hub's, verdicts are the monitor's.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from nodes.flight import Flight
from nodes.live.hub_process import HubStart, hub_process
from nodes.live.monitor_process import MonitorStart, monitor_process
from nodes.live.processes import CONTEXT, Child, Command, prepare
from nodes.live.station_process import station_process
from nodes.monitor import monitors_of
from nodes.plan import plan_of
from nodes.problems import ConfigurationError, Problem
from protocol.accounts import Standing
from protocol.judge import Tally
from protocol.units import NS_PER_S
from protocol.verdicts import Finding
from radio.hub_server import Status

MOST_STARTS = 6
"""A process that is killed is started again, up to so many times in all."""
STEP_S = 0.05
LEAST_PATIENCE_S = 5.0
"""A process that has just been started, or a hub, is given so long in any case."""

Judgement = tuple[list[Tally], dict[int, Counter[Standing]]]
"""What a judge has found, and what the frames that it heard were good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run is run. `listen` is a loopback endpoint; `workers` share our stations, one each if left out.

    `patience_s` is how long a process may be without an answer before it is killed and started again, `wait_s` how long
    stations are waited for that fly themselves.
    """

    paced: bool = False
    workers: int | None = None
    listen: str = "tcp://127.0.0.1:0"
    patience_s: float = 10.0
    wait_s: float = 60.0


class Supervisor:
    """The processes of one run; its files go to `folder`. `broken` tells which of them had trouble, and when.

    Raises ConfigurationError for what is the user's to mend: a port in use, a program that does not start.
    """

    def __init__(
        self, flight: Flight, seed: int, folder: Path, settings: Settings, on_finding: Callable[[Finding], None] | None
    ):
        self.flight, self.settings = flight, settings
        self._seed, self._folder, self._on_finding = seed, folder, on_finding
        self.broken: list[str] = []
        self.told: list[str] = []
        """What is worth knowing and no trouble of ours, such as stations that come and go."""
        self.status = Status(flight.start_ns, 0, {}, {}, 0, 0, ())
        self.lost: list[Status] = []
        """What hubs that were lost had counted."""
        self.endpoint = ""
        self.reached = False
        self.judgement: Judgement | None = None
        self.answer: Any = None
        self.joined: set[int] = set()
        self.missing_s: dict[int, float] = {}
        """Since when, by the clock, stations that should be there are not."""
        self.children: list[Child] = []
        self.commands: list[Command] = []
        self._patience_s = max(settings.patience_s, LEAST_PATIENCE_S)
        self._lives: Counter[int] = Counter()
        self._target_ns: int | None = None
        self._ending = False
        self._horizon_ns = CONTEXT.Value("q", flight.start_ns, lock=False)
        self._keys = {s.address: secrets.token_bytes(16) for s in flight.stations if not s.external}

    @property
    def now_ns(self) -> int:
        """Medium time that has been granted."""
        return int(self._horizon_ns.value)

    # ------------------------------------------------------------ beginning

    def start(self) -> None:
        """Start everything. Stations are `missing` until they have joined."""
        prepare()
        for name in ("truth.jsonl", *monitors_of(self.flight)):
            (self._folder / name).unlink(missing_ok=True)
        self._start_hub(None)
        for child in self._ours():
            self.children.append(child)
        for entry in (s for s in self.flight.stations if s.command):
            self._start_command(entry.call_sign, entry.address, list(entry.command or ()))
        for address in self._keys:
            self.expect(address)

    def expect(self, address: int) -> None:
        """Time does not go on without this station."""
        self.missing_s.setdefault(address, time.monotonic())
        self.hub.say("expect", address)

    def _start_hub(self, now_ns: int | None) -> None:
        plan = plan_of(self.flight, self._seed, self._keys)
        listen = self.endpoint or self.settings.listen
        truth = self._folder / "truth.jsonl"
        start = HubStart(plan, listen, self.settings.paced, self.settings.patience_s, truth, now_ns, self._lives)
        if now_ns is None:
            self.hub = Child("hub", [], hub_process, (start, self._horizon_ns))
        else:
            self.hub.start((start, self._horizon_ns))
        self._heard_s = time.monotonic()
        if not self.hub.control.poll(self._patience_s):
            raise RuntimeError("the hub does not start")
        match self.hub.control.recv():
            case ("listening", str(endpoint)):
                self.endpoint = endpoint
            case ("failed", str(why)):
                raise ConfigurationError([Problem("--listen", "", "", why)])

    def _ours(self) -> Iterator[Child]:
        """The processes of monitors and of our own stations."""
        flight, seed = self.flight, self._seed
        for number, (name, entry) in enumerate(monitors_of(flight).items()):
            start = MonitorStart(entry.address, self._keys[entry.address], self._folder / name, judges=number == 0)
            arguments = (self.endpoint, flight, seed, start)
            yield Child(f"monitor {entry.call_sign}", [entry.address], monitor_process, arguments)
        stations = [s for s in flight.stations if s.role != "monitor" and not s.foreign]
        workers = min(self.settings.workers or len(stations), len(stations))
        for crew in (stations[i::workers] for i in range(workers)):
            keys = {s.address: self._keys[s.address] for s in crew}
            name = f"station {', '.join(s.call_sign for s in crew)}"
            yield Child(name, list(keys), station_process, (self.endpoint, flight, seed, keys))

    def _start_command(self, call_sign: str, address: int, command: list[str]) -> None:
        environment = {
            "AIRACCORD_HUB": self.endpoint,
            "AIRACCORD_ADDRESS": f"{address:06x}",
            "AIRACCORD_KEY": self._keys[address].hex(),
        }
        log = self._folder / f"{call_sign.lower().replace(' ', '_')}.log"
        name = f"station {call_sign}"
        try:
            self.commands.append(Command(name, address, command, self.flight.folder, log, environment))
        except OSError as error:
            expected = f"cannot be started: {error.strerror}"
            raise ConfigurationError([Problem(name, "command", repr(command[0]), expected)]) from None

    def go(self, until_ns: int) -> None:
        """Let medium time go on to an instant; step until `reached`."""
        self._target_ns = until_ns
        self.reached = self.now_ns >= until_ns
        if not self.reached:
            self.hub.say("go", until_ns)

    def let_go(self, address: int) -> None:
        """A station is taken away: nobody waits for it any more, and its end is no trouble."""
        self.joined.discard(address)
        self.hub.say("remove", address)

    # ------------------------------------------------------------ watching

    def step(self, timeout_s: float = STEP_S) -> None:
        """Take in what the processes say, and see to those that died or do not answer. Waits for so long at most."""
        living = [self.hub, *self.children]
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
        self._heard_s = time.monotonic()
        match said:
            case ("status", Status() as status):
                self.status = status
            case ("reached", Status() as status):
                self.status = status
                self.reached = self._target_ns is None or status.now_ns >= self._target_ns
            case ("ended", Status() as status):
                self.status = status
            case ("joined", int(address), int(life)):
                self._lives[address] = life + 1
                self.missing_s.pop(address, None)
                back = life > 0 and address not in self.joined
                self.joined.add(address)
                if back:
                    self._note(self.told, f"{self._sign(address)} is back")
            case ("left", int(address)):
                self.joined.discard(address)
                self._note(self.told, f"{self._sign(address)} has left")
            case ("lost", int(address)):
                self.joined.discard(address)
                if self._external(address):
                    self._note(self.told, f"{self._sign(address)} is gone without a farewell")
            case ("stalled", int(address)):
                self._stalled(address)
            case ("refused", int(address), str(reason)):
                self._note(self.told, f"somebody was refused as {address:06x}: {reason}")

    def _child_said(self, child: Child, said: Any) -> None:
        match said:
            case ("finding", Finding() as finding):
                if self._on_finding:
                    self._on_finding(finding)
            case ("judged", tallies, heard):
                if child is self.judge:
                    self.judgement = (tallies, heard)
            case ("tallies", tallies, heard):
                self.answer = (tallies, heard)
            case ("fault", int(address), str(about)):
                child.stations.remove(address)
                self.hub.say("lost", address)
                self._note(self.broken, f"{about}; it is gone from then on")
            case _:
                self.answer = said

    @property
    def judge(self) -> Child | None:
        """The first monitor's process, while there is one."""
        return next((c for c in self.children if c.main is monitor_process), None)

    # ------------------------------------------------------------ trouble

    def _ended(self, child: Child) -> None:
        """A process of ours has ended: in peace, or it is started again."""
        if self._ending or not (child.stations or child is self.hub):
            if child is not self.hub:
                self.children.remove(child)
                child.close()
            return
        again = child.starts < MOST_STARTS
        what = "it is started again" if again else f"after {child.starts} starts it is left alone"
        self._note(self.broken, f"{child.name} {child.how_it_ended()}; {what}")
        child.close()
        if child is self.hub:
            self._replace_hub(again)
            return
        for address in child.stations:
            self.joined.discard(address)
            self.hub.say("lost", address)
        if not again:
            self.children.remove(child)
            for address in child.stations:
                self.hub.say("unexpect", address)
            return
        child.start()
        for address in child.stations:
            self.missing_s[address] = time.monotonic()

    def _replace_hub(self, again: bool) -> None:
        """Another hub goes on where the lost one had granted time; everybody has to join again."""
        if not again:
            raise RuntimeError("the hub cannot be kept alive")
        self.lost.append(self.status)
        self.status = Status(self.now_ns, 0, {}, {}, 0, 0, ())
        self._start_hub(self.now_ns)
        self.hub.say("trouble", 0, self.now_ns)
        for address in self.joined:
            self.expect(address)
        self.joined.clear()
        if self._target_ns is not None:
            self.hub.say("go", self._target_ns)

    def _stalled(self, address: int) -> None:
        """A station has not answered for too long, and the hub has gone on without it."""
        self.joined.discard(address)
        processes: list[Child | Command] = [*self.children, *self.commands]
        process = next((p for p in processes if address in p.stations), None)
        if process is None:
            self._note(self.told, f"{self._sign(address)} did not answer for {self.settings.patience_s:g} s: set aside")
            return
        process.kill(f"did not answer for {self.settings.patience_s:g} s and was killed")

    def _look_after_the_missing(self) -> None:
        """Kill what should long be there and is not: a hub that says nothing, stations that do not come back."""
        limit_s = time.monotonic() - self._patience_s
        if self._heard_s < limit_s and not self._ending:
            self._heard_s = time.monotonic()
            self.hub.kill(f"said nothing for {self._patience_s:g} s and was killed")
        if self._target_ns is None:
            return  # the run has not begun: whoever waits has a limit
        for address, since_s in list(self.missing_s.items()):
            if since_s < limit_s:
                self.missing_s.pop(address)
                if self._external(address):
                    self._note(self.told, f"{self._sign(address)} has not come back")
                    self.hub.say("unexpect", address)
                else:
                    self._stalled(address)

    def _command_ended(self, command: Command, code: int) -> None:
        """A program of the user's has ended: it may do so; if it was killed, it is started again."""
        self.commands.remove(command)
        (address,) = command.stations
        if self._ending or code == 0:
            return
        self.joined.discard(address)
        self.hub.say("lost", address)
        words = command.last_words()
        if self._target_ns is None:  # it was to fly, and has not even begun
            how = "; it last wrote: ".join(
                [f"{command.how_it_ended()} before the run began", *([words] if words else [])]
            )
            raise ConfigurationError([Problem(command.name, "command", "", how)])
        again = code < 0 and command.starts < MOST_STARTS
        what = "it is started again" if again else "it is gone from then on"
        last = f"; it last wrote: {words}" if words else ""
        self._note(self.broken, f"{command.name}: its command {command.how_it_ended()}; {what}{last}")
        if again:
            command.start()
            self.commands.append(command)
            self.missing_s[address] = time.monotonic()
        else:
            self.missing_s.pop(address, None)
            self.hub.say("unexpect", address)

    def _note(self, where: list[str], what: str) -> None:
        at_s = (self.now_ns - self.flight.start_ns) / NS_PER_S
        where.append(f"at {at_s:.2f} s: {what}")

    def _sign(self, address: int) -> str:
        sign = next((s.call_sign for s in self.flight.stations if s.address == address), "somebody")
        return f"{sign} ({address:06x})"

    def _external(self, address: int) -> bool:
        return address not in self._keys

    # ------------------------------------------------------------ ending

    def end(self, reason: str, farewell_s: float, judgement_s: float) -> None:
        """Tell everybody that the run is over. Who does not end in time is killed.

        A monitor has more time, for it has to judge what is left.
        """
        self._ending = True
        self.hub.say("stop", reason)
        begun_s = time.monotonic()
        while self.children or self.commands or self.hub.ended() is None:
            self.step(STEP_S / 5)
            elapsed_s = time.monotonic() - begun_s
            late = elapsed_s > farewell_s
            judging = self.judgement is None and self.judge is not None and elapsed_s < judgement_s
            if late and not judging:
                break
            if late and all(c is self.judge for c in self.children) and not self.commands:
                continue
        self._note_the_late()
        self.kill()

    def _note_the_late(self) -> None:
        """What does not end when it is told to is stopped or hangs; programs of the user's may."""
        for child in (self.hub, *self.children):
            if child.ended() is None:
                self._note(self.broken, f"{child.name} did not end when the run was over, and is killed")

    def kill(self) -> None:
        """End everything at once. Nothing is left: no process, no socket."""
        self._ending = True
        processes: list[Child | Command] = [
            *self.children,
            *self.commands,
            *([self.hub] if hasattr(self, "hub") else []),
        ]
        for process in processes:
            process.kill()
        for child in self.children:
            child.close()
        self.children.clear()
        self.commands.clear()
