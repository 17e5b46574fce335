"""The processes of a flight's monitors and stations, and what each of them is given to begin with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nodes.flight import Flight
from nodes.live.line_client import LineStart
from nodes.live.monitor_process import MonitorStart, monitor_process
from nodes.live.processes import Child, Command
from nodes.live.station_process import station_process
from nodes.monitor import monitors_of
from nodes.problems import ConfigurationError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Makes the processes. `keys` are of the stations that the run starts; recordings and logs go to `folder`; `line`
    is the ground line, if there is one."""

    flight: Flight
    seed: int
    folder: Path
    keys: Mapping[int, bytes]
    line: LineStart | None = None

    def ours(self, endpoint: str, workers: int | None) -> Iterator[Child]:
        """Monitors first, and of those the one that judges; then our own stations, shared by so many workers."""
        for entry in monitors_of(self.flight).values():
            yield self.start(Child(f"monitor {entry.call_sign}", [entry.address], monitor_process), endpoint)
        stations = [s for s in self.flight.stations if s.role != "monitor" and not s.foreign]
        workers = min(workers or len(stations), len(stations))
        for crew in (stations[i::workers] for i in range(workers)):
            name = f"station {', '.join(s.call_sign for s in crew)}"
            yield self.start(Child(name, [s.address for s in crew], station_process), endpoint)

    def start(self, child: Child, endpoint: str) -> Child:
        """Start a process, or start it again, with those of its stations that are still flying."""
        if child.main is monitor_process:
            names = {s.address: name for name, s in monitors_of(self.flight).items()}
            (address,) = child.stations
            judges = address == next(iter(names))
            start = MonitorStart(address, self.keys[address], self.folder / names[address], judges, self.line)
            child.start(endpoint, self.flight, self.seed, start)
        else:
            keys = {address: self.keys[address] for address in child.stations}
            child.start(endpoint, self.flight, self.seed, keys, self.line)
        return child

    def commands(self, endpoint: str) -> Iterator[Command]:
        """Programs of the user's. Raises ConfigurationError for one that cannot be started."""
        for entry in (s for s in self.flight.stations if s.command):
            environment = {
                "AIRACCORD_HUB": endpoint,
                "AIRACCORD_ADDRESS": f"{entry.address:06x}",
                "AIRACCORD_KEY": self.keys[entry.address].hex(),
            }
            log = self.folder / f"{entry.call_sign.lower().replace(' ', '_')}.log"
            log.unlink(missing_ok=True)
            name, command = f"station {entry.call_sign}", list(entry.command or ())
            try:
                yield Command(name, entry.address, command, self.flight.folder, log, environment)
            except (OSError, ValueError) as error:  # a zero byte in an argument is a ValueError
                why = getattr(error, "strerror", None) or error
                problem = Problem(name, "command", repr(command[0]), f"cannot be started: {why}")
                raise ConfigurationError([problem]) from None
