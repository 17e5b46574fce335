"""The process of a monitor: it records and judges, and goes on with its recording if it was killed."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import zmq

from nodes.flight import Flight
from nodes.live.child import GONE, Control, Waiting, begin
from nodes.live.client import Client
from nodes.monitor import Monitor, header_of, name_of, observe
from nodes.scenario import StationEntry
from protocol.accounts import Standing
from protocol.judge import Judge, Tally
from protocol.verdicts import Finding, Outcome
from radio.envelope import End, FromHub, Time, Trouble, Welcome
from radio.recording import Record, Writer


class MonitorStart(NamedTuple):
    """What a monitor begins with. The first monitor of a flight judges."""

    address: int
    key: bytes
    recording: Path
    judges: bool


def monitor_process(control: Control, endpoint: str, flight: Flight, seed: int, start: MonitorStart) -> None:
    """Listen until the run is over.

    Tells ("finding", finding) for each that is no pass; answers "tallies" with ("tallies", tallies, heard), and tells
    the same as ("judged", tallies, heard) at the end.
    """
    entry = next(s for s in flight.stations if s.address == start.address)
    begin(f"monitor {entry.call_sign}")
    context = zmq.Context()
    try:
        client = Client(context, endpoint, start.address, start.key)
        with _Listening(control, flight, seed, entry, start, client) as listening:
            waiting = Waiting(control, [client.socket])
            while not listening.over:
                if waiting():
                    control.recv()
                    control.send(("tallies", *listening.result()))
                listening.turn()
            control.send(("judged", *listening.result()))
    except GONE:
        pass
    finally:
        context.destroy(linger=0)


class _Listening:
    """A monitor, its connection, its recording's file."""

    def __init__(
        self, control: Control, flight: Flight, seed: int, entry: StationEntry, start: MonitorStart, client: Client
    ):
        self._control, self._client = control, client
        self.over = False
        self._troubles: list[Trouble] = []
        judge = Judge(flight.agreement, flight.annexes, self._found) if start.judges else None
        self._telling = False
        new = not start.recording.exists()
        self._stream = start.recording.open("w+b" if new else "r+b")

        def take(record: Record) -> None:
            if judge:
                observe(judge, name_of(entry), record)

        header = header_of(entry, flight)
        writer = Writer(self._stream, header) if new else Writer.resume(self._stream, header, take)
        self._deaf_from_ns = None if new else writer.last_ns or flight.start_ns
        self._telling = True
        self._monitor = Monitor(entry, flight, seed, writer, judge)

    def __enter__(self) -> "_Listening":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def turn(self) -> None:
        """Do what the hub's messages ask for."""
        while not self.over and (said := self._client.receive()) is not None:
            self._do(said)

    def _do(self, said: FromHub) -> None:
        match said:
            case Welcome() if self._client.anew(said):
                if self._deaf_from_ns is not None:
                    self._monitor.deaf(self._deaf_from_ns, max(said.now_ns, self._deaf_from_ns))
                self._deaf_from_ns = said.now_ns  # should there be another life after this one
                self._client.send([self._monitor.place._replace(at_ns=said.now_ns)])
                self._client.done(said.now_ns)
            case Time():
                self._monitor.take(said.from_ns, said.receptions, self._troubles)
                self._troubles.clear()
                self._deaf_from_ns = said.until_ns
                self._client.done(said.until_ns)
            case Trouble():
                self._troubles.append(said)
            case End(now_ns=now_ns):
                self._monitor.take(now_ns, (), self._troubles)
                self._monitor.close(now_ns)
                self.over = True
            case _:
                pass

    def result(self) -> tuple[list[Tally], dict[int, Counter[Standing]]]:
        """What the judge has found so far."""
        judge = self._monitor.judge
        return (judge.so_far(), judge.heard) if judge else ([], {})

    def _found(self, finding: Finding) -> None:
        if self._telling and finding.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            self._control.send(("finding", finding))
