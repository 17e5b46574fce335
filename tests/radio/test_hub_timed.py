"""Stations that follow the clock: whose silence is trouble, from when until when, and whose is not."""

from radio.check_link_tools import ALPHA, BRAVO, START_NS, plan
from radio.envelope import Hello, Trouble
from radio.hub import WINDOW_NS, Hub
from radio.hub_timed import LATE_NS, SILENT_NS, TimedStations

CLOCK_NS = 77_000_000_000
"""What the clock reads at the beginning: medium time has nothing to do with it."""


def begun(*addresses: int) -> tuple[Hub, TimedStations]:
    """A hub, and its stations, each of which has just spoken."""
    hub = Hub(plan(), lambda line: None)
    timed = TimedStations(hub)
    for address in addresses:
        hub.admit(Hello(address, False))
        timed.spoke(address, CLOCK_NS)
    return hub, timed


def go_on(hub: Hub, windows: int) -> list[Trouble]:
    """What monitors are told of trouble meanwhile."""
    return [trouble for _ in range(windows) for trouble in hub.next_window(hub.now_ns + WINDOW_NS).troubles]


def test_who_speaks_every_second_is_in_no_trouble() -> None:
    hub, timed = begun(ALPHA)
    for second in range(1, 6):
        assert go_on(hub, 20) == []
        timed.spoke(ALPHA, CLOCK_NS + second * LATE_NS)
        timed.look_after(CLOCK_NS + second * LATE_NS)
    assert go_on(hub, 20) == []


def test_a_short_silence_is_trouble_from_the_last_word_on_before_what_is_said_then() -> None:
    hub, timed = begun(ALPHA, BRAVO)
    go_on(hub, 10)
    timed.spoke(ALPHA, CLOCK_NS + 500)
    last_ns = hub.now_ns
    go_on(hub, 26)
    timed.spoke(ALPHA, CLOCK_NS + 500 + LATE_NS + 1)
    now_ns = hub.now_ns
    assert hub.last_troubles() == [Trouble(now_ns, ALPHA, last_ns, None), Trouble(now_ns, ALPHA, last_ns, now_ns)]
    assert hub.counts == {"host_silent": 1}
    assert go_on(hub, 30) == []


def test_a_long_silence_is_noted_while_it_lasts_and_over_with_the_next_word() -> None:
    hub, timed = begun(ALPHA)
    go_on(hub, 50)
    for now_ns in (CLOCK_NS + SILENT_NS, CLOCK_NS + SILENT_NS + 1, CLOCK_NS + 2 * SILENT_NS):
        timed.look_after(now_ns)
    (began,) = go_on(hub, 100)
    assert began[1:] == (ALPHA, START_NS, None)
    timed.spoke(ALPHA, CLOCK_NS + 9 * SILENT_NS)
    assert hub.last_troubles() == [Trouble(hub.now_ns, ALPHA, START_NS, hub.now_ns)]
    assert hub.counts == {"host_silent": 1}


def test_a_pause_of_the_hub_is_nobodys_silence() -> None:
    hub, timed = begun(ALPHA)
    pause_ns = 3600 * SILENT_NS
    timed.pardon(pause_ns)
    timed.look_after(CLOCK_NS + pause_ns + SILENT_NS)
    timed.spoke(ALPHA, CLOCK_NS + pause_ns + LATE_NS)
    assert go_on(hub, 30) == []


def test_who_is_gone_is_not_looked_after() -> None:
    hub, timed = begun(ALPHA)
    timed.forget(ALPHA)
    timed.look_after(CLOCK_NS + 2 * SILENT_NS)
    timed.spoke(ALPHA, CLOCK_NS + 3 * SILENT_NS)
    assert go_on(hub, 1) == []


def test_a_silence_that_began_before_other_trouble_is_a_record_of_its_own() -> None:
    """Receptions were dropped while it was silent: that is known first."""
    hub, timed = begun(ALPHA)
    go_on(hub, 20)
    dropped_ns = hub.now_ns
    hub.dropped(ALPHA)
    timed.look_after(CLOCK_NS + SILENT_NS + 1)
    timed.spoke(ALPHA, CLOCK_NS + SILENT_NS + 2)
    told = hub.last_troubles()
    assert Trouble(dropped_ns, ALPHA, dropped_ns, dropped_ns) in told
    assert told[-1] == Trouble(dropped_ns, ALPHA, START_NS, dropped_ns)
    assert {t.from_ns for t in told if t.until_ns is None} <= {t.from_ns for t in told if t.until_ns is not None}
