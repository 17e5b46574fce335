"""`airaccord simulate`: fly a scenario in virtual time and judge it."""

import io
from typing import BinaryIO

import typer

from nodes import report as reports
from nodes.collecting import rarely
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
from nodes.flight import no_strangers
from nodes.output import OutputFolder
from nodes.simulation import Simulation
from protocol.units import NS_PER_S
from radio.propagation import PropagationError


def simulate(
    scenario: ScenarioFile,
    seed: Seed = None,
    loss: Loss = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Fly a scenario in virtual time, deterministically, and judge it.

    Example: airaccord simulate configs/scenarios/encounter-2015.toml --output out
    """
    flight = load_flight(scenario, loss)
    no_strangers(flight, scenario)
    folder = OutputFolder(output, force)
    streams: dict[str, BinaryIO] = {}

    def open_file(name: str) -> BinaryIO:
        streams[name] = folder.open(name) or io.BytesIO()
        return streams[name]

    truth = folder.open("truth.jsonl")
    lines = io.TextIOWrapper(truth or io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)
    findings = Findings()
    run = Simulation(flight, flight.scenario.seed if seed is None else seed, open_file, lines, findings)
    with rarely(), interruptible(at_once_the_second_time=True) as interrupted:
        with progress(run, findings) as update:
            try:
                while run.now_ns < flight.end_ns and not interrupted:
                    run.advance(min(run.now_ns + NS_PER_S, flight.end_ns))
                    update()
            except PropagationError as error:  # the user's own; what was judged until then is reported
                at_s = (run.now_ns - flight.start_ns) / NS_PER_S
                run.broken.append(f"at {at_s:.2f} s: medium.propagation: {error}; the run ends there")
        if interrupted:
            tell_interrupted(run)
        run.close()
        lines.flush()
        code = finish(run, streams["monitor.pcapng"], folder, as_json)
        for stream in streams.values():
            stream.close()
        lines.close()
    raise typer.Exit(reports.INTERRUPTED if interrupted else code)
