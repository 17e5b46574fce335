"""`airaccord faults`: every fault against every clause."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from nodes import report as reports
from nodes.commands.common import AsJson, closed_pipe_is_no_error
from nodes.commands.flying import Loss, interruptible
from nodes.commands.swarming import FirstSeed, Workers, counting, fly_all
from nodes.problems import ConfigurationError, Problem
from nodes.swarm import matrix
from nodes.swarm.campaign import Result
from nodes.swarm.executors import executor_for
from nodes.swarm.report import to_bytes


def faults(
    seeds: Annotated[int, typer.Option(help="With how many seeds to fly each fault.", min=1)] = 5,
    first_seed: FirstSeed = 1,
    loss: Loss = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="Only this fault; may be given several times.", show_default=False)
    ] = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Fly every fault's shipped scenario with several seeds, and say what each clause made of it.

    Exit codes: 0 every fault was detected and nobody innocent accused; 1 not so (at loss a fault may stay
    inconclusive); 130 interrupted, with the matrix so far.

    Example: airaccord faults --seeds 10 --loss 0.05
    """
    names = _known(fault)
    items = [(name, seed, loss) for seed in range(first_seed, first_seed + seeds) for name in names]
    results: list[Result] = []
    with (
        interruptible(at_once_the_second_time=True) as interrupted,
        executor_for(None, workers, interrupted) as (executor, width),
        counting("flights", len(items)) as count,
    ):

        def take(result: Result) -> None:
            results.append(result)
            count(1, len(result["accused"]))

        broken = fly_all(matrix.fly_fault, items, executor, width, take, interrupted)
    report = matrix.build(results, names, first_seed, seeds)
    with closed_pipe_is_no_error():
        if as_json:
            sys.stdout.write(to_bytes(report).decode())
        else:
            matrix.render(report, Console())
    code = matrix.exit_code(report)
    raise typer.Exit(reports.BROKEN if broken else reports.INTERRUPTED if interrupted else code)


def _known(wanted: list[str] | None) -> list[str]:
    """The faults to fly, in order of name. Raises ConfigurationError."""
    shipped = matrix.shipped_faults()
    strange = [name for name in wanted or () if name not in shipped]
    if strange:
        expected = f"no such fault; there are {', '.join(shipped)}"
        raise ConfigurationError([Problem("--fault", "", "", f"{name}: {expected}") for name in strange])
    return sorted(set(wanted)) if wanted else shipped
