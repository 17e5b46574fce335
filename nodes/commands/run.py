"""`airaccord run`: fly a scenario live, every station a process of its own, and judge it."""

import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nodes import report as reports
from nodes.commands.common import AsJson, Force, Output
from nodes.commands.flying import (
    Findings,
    Loss,
    ScenarioFile,
    Seed,
    finish,
    interruptible,
    load_flight,
    progress,
    tell_interrupted,
)
from nodes.flight import Flight
from nodes.live.director import Director
from nodes.live.settings import Settings
from nodes.live.supervisor import RunBroken
from nodes.monitor import monitors_of
from nodes.output import OutputFolder
from nodes.problems import ConfigurationError, Problem
from radio.loopback import loopback


class Pace(StrEnum):
    """How fast medium time goes: with the clock, or as fast as the processes can."""

    REAL = "real"
    MAX = "max"


PaceOption = Annotated[Pace, typer.Option(help="Keep to the clock, or go as fast as possible.")]
Listen = Annotated[str, typer.Option(help="Where the hub listens, on this machine; port 0 is any free one.")]
Wait = Annotated[
    float, typer.Option(help="How many seconds to wait for stations that others start.", min=0.1, max=86_400)
]
Patience = Annotated[
    float, typer.Option(help="Who does not answer for so many seconds is set aside.", min=0.1, max=3_600)
]

Broker = Annotated[
    str | None, typer.Option(help="The ground line's broker, such as mqtt://127.0.0.1:1883; else one is started.")
]


def run(
    scenario: ScenarioFile,
    seed: Seed = None,
    loss: Loss = None,
    pace: PaceOption = Pace.REAL,
    workers: Annotated[
        int | None, typer.Option(help="Processes to share our stations; else each has its own.", min=1)
    ] = None,
    listen: Listen = "127.0.0.1:0",
    wait: Wait = 60.0,
    patience: Patience = 10.0,
    broker: Broker = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Fly a scenario live: a hub, every station and the monitor as processes that talk over ZeroMQ, and judge it.

    Example: airaccord run configs/scenarios/encounter-2015.toml --output out
    """
    endpoint = endpoint_of("--listen", listen)
    flight = load_flight(scenario, loss)
    check_broker(broker, flight)
    settings = Settings(
        paced=pace is Pace.REAL,
        workers=workers,
        listen=endpoint,
        patience_s=patience,
        wait_s=wait,
        broker=broker,
    )
    fly_live(flight, seed, settings, OutputFolder(output, force), as_json)


def endpoint_of(option: str, address: str) -> str:
    """A ZeroMQ endpoint on this machine. Raises ConfigurationError."""
    try:
        return loopback(address)
    except ValueError as error:
        raise ConfigurationError([Problem(option, "", "", str(error))]) from None


def check_broker(broker: str | None, flight: Flight) -> None:
    """Raises ConfigurationError where a broker is named that nobody needs."""
    if broker is not None and flight.line is None:
        raise ConfigurationError([Problem("--broker", broker, "", "this scenario has no [ground_line]: leave it out")])


def fly_live(flight: Flight, seed: int | None, settings: Settings, results: OutputFolder, as_json: bool) -> None:
    """Fly, judge and report. Raises typer.Exit with the exit code, and ConfigurationError."""
    findings = Findings()
    with ExitStack() as stack:
        interrupted = stack.enter_context(interruptible())
        folder = results.path or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="airaccord-")))
        settings = replace(settings, temporary=results.path is None)
        live = Director(flight, flight.scenario.seed if seed is None else seed, folder, settings, findings)
        stack.callback(live.kill)
        try:
            code = _fly(live, interrupted, findings, results, folder, as_json)
        except ConfigurationError:  # it has not begun; when it is mended, the same command is to work
            logs = [log.name for log in folder.glob("*.log") if not log.stat().st_size]
            results.discard(["truth.jsonl", *monitors_of(flight), *logs])
            raise
    raise typer.Exit(code)


def _fly(
    live: Director, interrupted: list[int], findings: Findings, results: OutputFolder, folder: Path, as_json: bool
) -> int:
    with suppress(RunBroken):  # what there is until then is judged, and `broken` says why it is no more
        live.start(interrupted)
        live.wait_for_external(lambda names: _tell_waiting(live, names), interrupted)
        with progress(live, findings) as update:
            if not interrupted:
                live.go(live.flight.end_ns)
            while not live.reached and not interrupted:
                live.step()
                update()
    if interrupted:
        tell_interrupted(live)
    live.close(interrupted)
    recording = folder / "monitor.pcapng"
    with recording.open("rb") as stream:
        code = finish(live, stream, results, as_json)
    return reports.INTERRUPTED if interrupted else code


def _tell_waiting(live: Director, names: list[str]) -> None:
    line = f", with their ground line at {live.broker}" if live.broker else ""
    print(f"airaccord: waiting for {', '.join(names)} at {live.endpoint}{line}", file=sys.stderr, flush=True)
