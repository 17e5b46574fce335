"""How a run ends: everybody is told, and seen to end."""

import time
from collections.abc import Sequence

from nodes.live.supervisor import STEP_S, Supervisor

FAREWELL_S = 1.0
JUDGEMENT = 6
"""Whoever judges has so many times the patience at the end."""
LATE = "did not end when the run was over, and was killed"


def end(run: Supervisor, reason: str, interrupted: Sequence[int] = ()) -> None:
    """Tell everybody that the run is over, and see them end; who does not end in time is killed.

    Programs of the user's have a second, our own processes as long as for any answer, and whoever judges has to
    judge what is left. All have a second from when the run is `interrupted`.
    """
    run.end(reason)
    begun_s, orphaned = time.monotonic(), False
    while run.children or run.commands or not run.hub.closed:
        run.step(STEP_S / 5)
        patience_s = FAREWELL_S if interrupted else run.patience_s
        elapsed_s = time.monotonic() - begun_s
        if elapsed_s > patience_s / 2:
            run.hub.kill(LATE)
        if run.hub.closed and not orphaned:  # whom it has not told that the run is over will not hear it any more
            orphaned = True
            for child in run.children:
                child.say("over", run.now_ns)
        if elapsed_s > FAREWELL_S:
            for command in run.commands:
                command.kill()
        if elapsed_s > patience_s:
            for child in run.children:
                if child is not run.judge or interrupted or elapsed_s > JUDGEMENT * run.patience_s:
                    child.kill(LATE)
    run.kill()
