"""`airaccord swarm`: drawn configurations, the judge against the truth, and the smallest that shows a bug."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from nodes import report as reports
from nodes.commands.common import AsJson, Force, Output, closed_pipe_is_no_error
from nodes.commands.flying import interruptible
from nodes.commands.swarming import FirstSeed, Workers, counting, fly_all
from nodes.output import OutputFolder
from nodes.swarm import report as swarm_reports
from nodes.swarm.campaign import Result, Results
from nodes.swarm.executors import executor_for
from nodes.swarm.seeds import TOOL, fly_seed


def swarm(
    seeds: Annotated[int, typer.Option(help="How many seeds to fly.", min=1)] = 100,
    first_seed: FirstSeed = 0,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Fly on the workers of this Dask scheduler, such as tcp://HOST:8786.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Keep each seed's result in this file, and go on from what is in it.")
    ] = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Draw whole configurations from seeds, fly them, and compare the judge with the truth.

    A fail of somebody innocent, or a breach that had to be found and was not, is a bug: it is shrunk to a small
    scenario that is written to --output. Exit codes: 0 no bug, 1 a bug, 130 interrupted, with the report so far.

    Example: airaccord swarm --seeds 200 --results swarm.jsonl --output swarm
    """
    known = Results(results, TOOL)
    folder = OutputFolder(output, force)
    wanted = range(first_seed, first_seed + seeds)
    todo = [(seed,) for seed in wanted if seed not in known.by_seed]
    with (
        interruptible(at_once_the_second_time=True) as interrupted,
        executor_for(scheduler, workers, interrupted) as (executor, width),
        counting("seeds", len(todo)) as count,
    ):

        def take(result: Result) -> None:
            known.add(result)
            count(1, len(result["bugs"]))

        broken = fly_all(fly_seed, todo, executor, width, take, interrupted)
    report = swarm_reports.build([known.by_seed[s] for s in wanted if s in known.by_seed], first_seed, seeds)
    for seed in (s for s in wanted if s in known.by_seed):
        for bug in known.by_seed[seed]["bugs"]:
            _write(folder, bug)
    _show(report, folder, as_json)
    code = swarm_reports.exit_code(report)
    raise typer.Exit(reports.BROKEN if broken else reports.INTERRUPTED if interrupted else code)


def _write(folder: OutputFolder, bug: dict[str, Any]) -> None:
    folder.write(bug["file"], bug["scenario"].encode())
    folder.write(bug["file"].removesuffix(".toml") + ".agreement.toml", bug["agreement"].encode())


def _show(report: dict[str, Any], folder: OutputFolder, as_json: bool) -> None:
    data = swarm_reports.to_bytes(report)
    folder.write("report.json", data)
    with closed_pipe_is_no_error():
        if as_json:
            sys.stdout.write(data.decode())
        else:
            swarm_reports.render(report, Console())
