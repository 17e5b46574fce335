"""`airaccord simulate`: fly a scenario in virtual time and judge it."""

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nodes import report as reports
from nodes.commands.common import AsJson, Force, Output, show, wanted_frames
from nodes.evidence import frame_lines
from nodes.flight import Flight, load, with_loss
from nodes.monitor import name_of
from nodes.output import OutputFolder
from nodes.simulation import Simulation
from protocol.units import NS_PER_S


def simulate(
    scenario: Annotated[Path, typer.Argument(help="The scenario file.", show_default=False)],
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's own seed.", min=0)] = None,
    loss: Annotated[
        float | None, typer.Option(help="A chance of loss per reception, instead of the scenario's own.", min=0, max=1)
    ] = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Fly a scenario in virtual time, deterministically, and judge it.

    Example: airaccord simulate configs/scenarios/encounter-2015.toml --output out
    """
    flight = load(scenario)
    if loss is not None:
        flight = with_loss(flight, loss)
    folder = OutputFolder(output, force)
    streams: dict[str, BinaryIO] = {}

    def open_file(name: str) -> BinaryIO:
        streams[name] = folder.open(name) or io.BytesIO()
        return streams[name]

    truth = folder.open("truth.jsonl")
    lines = io.TextIOWrapper(truth or io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)
    run = Simulation(flight, flight.scenario.seed if seed is None else seed, open_file, lines)
    with _interruptible() as interrupted:
        _fly(run, flight, interrupted)
        if interrupted:
            at_s = (run.now_ns - flight.start_ns) / NS_PER_S
            typer.echo(f"airaccord: interrupted at {at_s:.0f} s of medium time; the report so far:", err=True)
        run.close()
        lines.flush()
        code = _finish(run, flight, streams["monitor.pcapng"], folder, as_json)
        for stream in streams.values():
            stream.close()
        lines.close()
    raise typer.Exit(reports.INTERRUPTED if interrupted else code)


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Ctrl-C only fills the list: the run stops between two steps, whole, and its report is still written."""
    signals: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: signals.append(number))
    try:
        yield signals
    finally:
        signal.signal(signal.SIGINT, before)


def _fly(run: Simulation, flight: Flight, interrupted: list[int]) -> None:
    """Advance a second at a time, with a bar where somebody watches."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s of medium time, {task.fields[frames]} frames"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        total = (flight.end_ns - flight.start_ns) / NS_PER_S
        task = progress.add_task(flight.scenario.title, total=total, frames=0)
        while run.now_ns < flight.end_ns and not interrupted:
            run.advance(min(run.now_ns + NS_PER_S, flight.end_ns))
            progress.update(task, completed=(run.now_ns - flight.start_ns) / NS_PER_S, frames=run.transmissions)


def _finish(run: Simulation, flight: Flight, recording: BinaryIO, folder: OutputFolder, as_json: bool) -> int:
    tallies = run.tallies()
    report = reports.build(
        agreement=flight.agreement,
        annexes=flight.annexes,
        tallies=tallies,
        heard=run.heard(),
        source={"mode": "simulate", "seed": run.seed},
        medium={
            "transmissions": run.transmissions,
            "outcomes": {k.value: v for k, v in sorted(run.outcomes.items())},
        },
        notes=flight.notes,
    )
    missing = reports.unmet(tallies, flight.require)
    monitor = name_of(next(s for s in flight.stations if s.role == "monitor"))
    show(report, frame_lines(recording, monitor, wanted_frames(report)), missing, folder, as_json)
    return reports.exit_code(tallies, missing, damaged=False)
