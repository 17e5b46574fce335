"""The ground line of a live run as its supervisor holds it: which broker, and that there is one."""

import secrets

from nodes.flight import Flight
from nodes.live.line_client import PATIENCE_S, SHARE, LineStart, prepare
from nodes.live.logbook import Logbook
from nodes.live.settings import Settings
from nodes.problems import ConfigurationError, Problem
from radio.broker import Broker
from radio.broker_address import LineError

BROKER_S = 10.0
"""How long a broker is waited for that is named."""
MOST_STARTS = 6


class GroundLine:
    """The broker that is named, or one of our own: started with the run, started again if it dies, ended with it."""

    def __init__(self, flight: Flight, settings: Settings, log: Logbook):
        assert flight.line is not None
        self._flight, self._log = flight, log
        self._patience_s = min(PATIENCE_S, settings.patience_s / SHARE)
        self.url = settings.broker or flight.line.entry.broker or ""
        """Of the broker; empty as long as there is none."""
        self._own = None if self.url else Broker()
        self._starts, self._left_alone = 0, False

    def begin(self) -> LineStart:
        """Make sure that there is a broker. Raises ConfigurationError, which says what is wrong."""
        assert self._flight.line is not None
        if self._flight.line.entry.cut or self._flight.line.entry.outage:
            self._log.tell("the cuts and outages of its ground line happen in `airaccord simulate` alone")
        try:
            if self._own:
                self._start()
            prepare(self.url, self._flight, BROKER_S)
        except LineError as error:
            self.end()
            raise ConfigurationError([Problem("the ground line", "", "", str(error))]) from None
        return LineStart(self.url, secrets.token_hex(8), self._patience_s)

    def look(self) -> None:
        """Start our own broker again if it has died."""
        if self._own is None or self._own.pid is not None or self._left_alone:
            return
        self._left_alone = self._starts >= MOST_STARTS
        what = f"after {self._starts} starts it is left alone" if self._left_alone else "it is started again"
        self._log.tell(f"the broker of the ground line has ended; {what}")
        if self._left_alone:
            return
        try:
            self._start()
        except LineError as error:
            self._log.tell(str(error))

    def end(self) -> None:
        """End our own broker, with all that it stored."""
        if self._own is not None:
            self._own.close()

    def _start(self) -> None:
        assert self._own is not None
        self._starts += 1
        self._own.start()
        self.url = self._own.url
