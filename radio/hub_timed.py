"""Stations that follow the clock by themselves: what is held for them until it is due, and when they last spoke.

Part of `radio.hub_server`; the clock's readings are given in. Granted stations have no part in this.
"""

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from radio.envelope import due_ns_of
from radio.hub import Hub

LATE_NS = 1_200_000_000
"""A station is to say something every second. After a longer silence it is told that it was in trouble meanwhile."""
SILENT_NS = 2_000_000_000
"""After so long its silence is noted while it lasts."""


class _Word(NamedTuple):
    """When a station last said something: by the clock, and in medium time."""

    clock_ns: int
    medium_ns: int


class TimedStations:
    """Those of one hub. All instants named `now_ns` are by the clock."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self._held: list[tuple[int, int, int, bytes]] = []
        self._number = 0
        self._words: dict[int, _Word] = {}
        self._silent: set[int] = set()

    # ------------------------------------------------------------ what they say

    def spoke(self, address: int, now_ns: int) -> None:
        """A station has said something, or has joined. What it says is dealt with afterwards: it may excuse it."""
        before = self._words.get(address)
        self._words[address] = _Word(now_ns, self._hub.now_ns)
        if address in self._silent:
            self._silent.discard(address)
            self._hub.trouble_over(address)
        elif before is not None and now_ns - before.clock_ns > LATE_NS:
            self._note_silence(address, before)
            self._hub.trouble_over(address)

    def look_after(self, now_ns: int) -> None:
        """Note who has been silent for long."""
        for address, word in self._words.items():
            if now_ns - word.clock_ns > SILENT_NS and address not in self._silent:
                self._silent.add(address)
                self._note_silence(address, word)

    def _note_silence(self, address: int, last: _Word) -> None:
        self._hub.counts["host_silent"] += 1
        self._hub.trouble(address, last.medium_ns, lasting=True)

    def pardon(self, pause_ns: int) -> None:
        """For so long nobody listened: it is not to be taken for their silence."""
        for address, word in self._words.items():
            self._words[address] = word._replace(clock_ns=word.clock_ns + pause_ns)

    def forget(self, address: int) -> None:
        """A station is gone. What is held is not its next life's."""
        self._words.pop(address, None)
        self._silent.discard(address)
        self._held = [held for held in self._held if held[2] != address]
        heapify(self._held)

    # ------------------------------------------------------------ what is held for them

    def hold(self, address: int, receptions: Iterable[bytes]) -> None:
        """Keep receptions until they are due."""
        for got in receptions:
            self._number += 1
            heappush(self._held, (due_ns_of(got), self._number, address, got))

    @property
    def next_due_ns(self) -> int | None:
        """When, in medium time, the first of what is held is due."""
        return self._held[0][0] if self._held else None

    def due(self, medium_ns: int) -> Iterator[tuple[int, int, bytes]]:
        """What is due by now: instant, whose, and the reception. It is held no longer."""
        while self._held and self._held[0][0] <= medium_ns:
            due_ns, _, address, got = heappop(self._held)
            yield due_ns, address, got
