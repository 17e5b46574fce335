"""Where flights are flown: in processes of this machine or on a Dask cluster, each an executor of the standard kind."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from nodes.problems import ConfigurationError, Problem

CONNECTS_WITHIN_S = 10


@contextmanager
def executor_for(scheduler: str | None, workers: int | None, interrupted: list[int]) -> Iterator[tuple[Executor, int]]:
    """An executor, and how many flights to keep it busy with. Raises ConfigurationError."""
    if scheduler is None:
        with _local(workers or os.cpu_count() or 1, interrupted) as pool:
            yield pool
    else:
        with _cluster(scheduler) as pool:
            yield pool


@contextmanager
def _local(workers: int, interrupted: list[int]) -> Iterator[tuple[Executor, int]]:
    """Processes of this machine. If the run is interrupted, what they fly is not waited for."""
    before = set(multiprocessing.active_children())
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn)
    try:
        with _ctrl_c_held_back():
            for _ in range(workers):  # each starts a process
                pool.submit(os.getpid)
        yield pool, 2 * workers
    finally:
        if interrupted:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Processes that are started inside never see Ctrl-C, not even while they start: it is their parent's business."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask scheduler, which must have airaccord installed."""
    try:
        from distributed import Client
    except ImportError:
        expected = "needs the package distributed: pip install 'airaccord[distributed]'"
        raise _refused(scheduler, expected) from None
    try:
        client = Client(scheduler, timeout=CONNECTS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise _refused(scheduler, f"no scheduler answers there: {error}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise _refused(scheduler, "this scheduler has no workers")
        pool = client.get_executor(pure=False)
        try:
            yield pool, 2 * threads
        finally:
            pool.shutdown(wait=False)


def _refused(scheduler: str, expected: str) -> ConfigurationError:
    return ConfigurationError([Problem("--scheduler", "", "", f"{scheduler}: {expected}")])
