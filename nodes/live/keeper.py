"""The process that tidies up after a director that was killed itself and could not do it."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from nodes.live.child import GONE, Control, begin

GRACE_S = 2.0
"""Whoever can end by itself has so long: all notice when the director is gone."""


def keeper_process(control: Control, litter: Sequence[Path]) -> None:
    """Wait for the director's end; then end its processes, the user's programs among them, and remove `litter`.

    Takes ("started", pid, leads) and ("ended", pid). Who `leads` a group of processes is ended with all of it.
    """
    begin("keeper")
    group = os.getpgrp()
    os.setpgid(0, 0)  # what ends the whole group at once, such as Ctrl-\, is not to end the keeper
    started: dict[int, bool] = {}
    try:
        while True:
            match control.recv():
                case ("started", int(pid), bool(leads)):
                    started[pid] = leads
                case ("ended", int(pid)):
                    started.pop(pid, None)
    except GONE:
        time.sleep(GRACE_S)
    for pid, leads in started.items():
        with contextlib.suppress(OSError):
            if leads:
                os.killpg(pid, signal.SIGKILL)
            elif os.getpgid(pid) == group:  # else its number is somebody else's now
                os.kill(pid, signal.SIGKILL)
    for path in litter:
        shutil.rmtree(path, ignore_errors=True)
