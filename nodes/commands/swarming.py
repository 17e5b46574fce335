"""What `swarm` and `faults` share: their options, the bar on the terminal, and the end of a process that flies."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nodes.swarm.campaign import Result, run

FirstSeed = Annotated[int, typer.Option(help="The first seed; the others follow it.", min=0)]
Workers = Annotated[
    int | None, typer.Option(help="Processes to fly in; else one for each processor.", min=1, show_default=False)
]


def fly_all(
    work: Callable[..., Result],
    items: Sequence[Sequence[Any]],
    executor: Executor,
    width: int,
    take: Callable[[Result], None],
    interrupted: Sequence[int],
) -> bool:
    """Do all of it, or until somebody interrupts. Returns whether a process that flew died, and says what happened."""
    broken = False
    try:
        run(work, items, executor, width, take, interrupted)
    except (BrokenExecutor, CancelledError):  # the latter: a cluster is gone
        broken = not interrupted
    if broken:
        print("airaccord: a process that flew, or the scheduler, is gone; the report so far:", file=sys.stderr)
    elif interrupted:
        print("airaccord: interrupted; the report so far:", file=sys.stderr)
    return broken


@contextmanager
def counting(what: str, whole: int) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal. Yields what moves it on: by how many, and how many bugs more."""
    bugs = 0
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[bugs]} bugs"),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=whole, bugs=0)

        def count(done: int, more: int) -> None:
            nonlocal bugs
            bugs += more
            bar.update(task, advance=done, bugs=bugs)

        yield count
