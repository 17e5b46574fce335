"""The process from which ours are forked, `multiprocessing`'s forkserver: started, kept going, replaced if it is gone.

It is also the one that tells how its children ended; while it is stopped, it tells nothing.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import wait

from nodes.problems import ConfigurationError, Problem

CONTEXT = multiprocessing.get_context("forkserver")
"""Our processes are forked from one that has imported everything: twenty of them start in the time of one."""
DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LONGEST_FOLDER = 70
"""Bytes of the path of the temporary folder: sockets are files some 32 bytes below it, and may have 103 on macOS."""
SHORT_FOLDERS = ("/tmp", "/var/tmp")
ORPHANED = 255
"""How processes seem to have ended whose forkserver is gone."""
WAKE_S = 2.0


def prepare() -> None:
    """Start the forkserver, unless it is there. It is deaf to Ctrl-C and to SIGTERM, as all that it forks are.

    Whoever ends a run tells a whole group of processes, and it is the director's to end them in order.
    """
    _put_sockets_where_they_fit()
    CONTEXT.set_forkserver_preload(["nodes.main", "nodes.live.station_process", "nodes.live.monitor_process"])
    # Blocked and not ignored: what comes meanwhile is not lost, and those that are started inherit it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)  # that has let some of them in again
        forkserver.ensure_running()
    except OSError as error:
        if "path too long" not in str(error):
            raise
        expected = "its path is too long for the sockets between processes: set it to a shorter one"
        raise ConfigurationError([Problem("TMPDIR", "", tempfile.gettempdir(), expected)]) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _put_sockets_where_they_fit() -> None:
    """Let `multiprocessing` make its folder for sockets elsewhere if $TMPDIR is too long, as newer Pythons do.

    Where nothing else can be written to, or the folder has been made before, all stays as it is.
    """
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_FOLDER:
        try:
            tempfile.tempdir = next((f for f in SHORT_FOLDERS if os.access(f, os.W_OK | os.X_OK)), before)
            util.get_temp_dir()  # remembers it, and removes it when this process ends
        finally:
            tempfile.tempdir = before


def forkserver_pid() -> int | None:
    """Its id; None before it is started. `multiprocessing` keeps it to itself, but for this name."""
    pid: int | None = getattr(forkserver._forkserver, "_forkserver_pid", None)
    return pid


def wake() -> None:
    """Let it go on if somebody has stopped it: else nothing that it was told or has to tell goes on."""
    pid = forkserver_pid()
    if pid is not None:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def kept_awake() -> Iterator[None]:
    """For what waits for the forkserver's answer."""
    timer = threading.Timer(WAKE_S, wake)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def end_orphan(pid: int, at_most_s: float = 1.0) -> bool:
    """End a process whose forkserver is gone, and wait for that; whether it was still there, and ours."""
    with contextlib.suppress(OSError):
        if os.getpgid(pid) in (os.getpgrp(), pid):  # else its number is somebody else's now
            os.kill(pid, signal.SIGKILL)
            if sys.platform == "linux":
                ended = os.pidfd_open(pid)
                try:
                    wait([ended], at_most_s)
                finally:
                    os.close(ended)
            return True
    return False
