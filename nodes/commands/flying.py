"""What `simulate` and `run` share: their options, Ctrl-C, the line that shows how the run stands, and the report."""

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from nodes import report as reports
from nodes.commands.common import show, wanted_frames
from nodes.evidence import frame_lines
from nodes.flight import Flight, load, with_loss
from nodes.monitor import name_of
from nodes.output import OutputFolder
from nodes.run import Run
from protocol.units import NS_PER_S
from protocol.verdicts import Finding, Outcome as Judged
from radio.medium import Outcome

ScenarioFile = Annotated[Path, typer.Argument(help="The scenario file.", show_default=False)]
Seed = Annotated[int | None, typer.Option(help="Instead of the scenario's own seed.", min=0)]
Loss = Annotated[
    float | None, typer.Option(help="A chance of loss per reception, instead of the scenario's own.", min=0, max=1)
]


def load_flight(scenario: Path, loss: float | None) -> Flight:
    """The scenario, over a medium with another loss if one is given. Raises ConfigurationError."""
    flight = load(scenario)
    return flight if loss is None else with_loss(flight, loss)


@contextmanager
def interruptible(*, at_once_the_second_time: bool = False) -> Iterator[list[int]]:
    """Ctrl-C (or `kill`, or the terminal's end) only fills the list: the run stops between two steps, and its report
    is still written. A step may never end, if a user's class does not return: then the second time is to end it.
    """
    signals: list[int] = []

    def note(number: int, _: object) -> None:
        if signals and at_once_the_second_time:
            raise KeyboardInterrupt
        signals.append(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # who starts it with nohup wants it to go on
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Findings:
    """Counts what the judge finds as it goes, for whoever watches."""

    def __init__(self) -> None:
        self.counts: Counter[Judged] = Counter()

    def __call__(self, finding: Finding) -> None:
        self.counts[finding.outcome] += 1

    def __str__(self) -> str:
        return f"{self.counts[Judged.FAIL]} failed, {self.counts[Judged.INCONCLUSIVE]} open"


@contextmanager
def progress(run: Run, findings: Findings) -> Iterator[Callable[[], None]]:
    """A line on the terminal: medium time, frames, findings, losses by cause; above it what happens to processes, which
    is told without a terminal, too. Yields what updates it.
    """
    bar = Progress(
        BarColumn(bar_width=10),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s of medium time{task.fields[more]}", markup=False),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    flight = run.flight
    with bar:
        task = bar.add_task(flight.scenario.title, total=(flight.end_ns - flight.start_ns) / NS_PER_S, more="")

        told: set[str] = set()

        def update() -> None:
            for what in (*run.broken, *run.told):
                if what not in told:
                    told.add(what)
                    bar.console.print(f"airaccord: {what}", markup=False, highlight=False, soft_wrap=True)
            lost = [f"{n} {o}" for o, n in sorted(run.outcomes.items()) if o is not Outcome.RECEIVED]
            more = f", {run.transmissions} frames; findings: {findings}; lost: {', '.join(lost) or 'none'}"
            if run.waited_for:
                more += f"; waiting for {', '.join(run.waited_for)}"
            bar.update(task, completed=(run.now_ns - flight.start_ns) / NS_PER_S, more=more)

        yield update


def finish(run: Run, recording: BinaryIO, folder: OutputFolder, as_json: bool) -> int:
    """Write and print the report of a run that is over. Returns the exit code."""
    flight, tallies = run.flight, run.tallies()
    report = reports.of_run(run)
    missing = reports.unmet(tallies, flight.require)
    monitor = name_of(next(s for s in flight.stations if s.role == "monitor"))
    show(report, frame_lines(recording, monitor, wanted_frames(report)), missing, folder, as_json)
    return reports.exit_code(tallies, missing, damaged=False, broken=bool(run.broken))


def tell_interrupted(run: Run) -> None:
    """Say that what follows is not the whole."""
    at_s = (run.now_ns - run.flight.start_ns) / NS_PER_S
    typer.echo(f"airaccord: interrupted at {at_s:.0f} s of medium time; the report so far:", err=True)
