"""The hub without any link: who is let in, whose words count from when, windows, and what is told of trouble."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from radio.check_link_tools import ALPHA, BRAVO, CHARLIE, END_NS, KEY, KEYED, MS, NOBODY, START_NS, plan
from radio.envelope import Alive, Done, Hello, OffAir, Place, Reception, Transmit, Trouble, Tune
from radio.hub import (
    FARTHEST_BACK_NS,
    LIVES_TO_BEGIN_WITH,
    MOST_A_WINDOW,
    MOST_PENDING,
    WINDOW_NS,
    Hub,
    NotAdmitted,
    Window,
)
from radio.medium import Outcome


def hub_of(*addresses: int, placed: bool = True, monitor: int | None = None) -> Hub:
    made = plan()
    if monitor is not None:
        made = replace(made, berths={**made.berths, monitor: replace(made.berths[monitor], monitor=True)})
    hub = Hub(made, lambda line: None)
    for address in addresses:
        hub.admit(Hello(address, True))
        if placed:
            hub.tell(address, place(address))
        hub.tell(address, Done(START_NS))
    return hub


def place(address: int, at_ms: int = 0) -> Place:
    return Place(START_NS + at_ms * MS, 35.0, 36.0 + (address & 0xF) / 100, 8_000.0)


def frame(start_ms: int, sequence: int = 0, data: bytes = b"frame", channel: int = 1) -> Transmit:
    return Transmit(START_NS + start_ms * MS, channel, 1, sequence, data)


def window(hub: Hub, limit_ns: int = END_NS) -> Window:
    """The next window, handed back by everybody."""
    opened = hub.next_window(limit_ns)
    for address in hub.waiting_for():
        hub.tell(address, Done(opened.until_ns))
    assert hub.waiting_for() == []
    return opened


def fly(hub: Hub, until_ms: int, address: int) -> list[Reception]:
    """What a station receives until then."""
    heard: list[Reception] = []
    while hub.now_ns < START_NS + until_ms * MS:
        heard += window(hub, START_NS + until_ms * MS).receptions(address)
    return heard


# ---------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    ("hello", "about"),
    [
        (Hello(NOBODY, True), "nobody with the address 155fff is expected"),
        (Hello(ALPHA, True), "the address 155001 is taken"),
        (Hello(KEYED, True), "ae1001 is started by the run itself"),
        (Hello(KEYED, True, KEY[::-1]), "not its key"),
    ],
)
def test_who_is_not_admitted(hello: Hello, about: str) -> None:
    hub = hub_of(ALPHA)
    with pytest.raises(NotAdmitted, match=about):
        hub.admit(hello)
    assert (hub.present(NOBODY), hub.present(KEYED), dict(hub.lives)) == (False, False, {ALPHA: 1})


def test_admission_counts_lives_and_time_waits_for_a_newcomers_first_words() -> None:
    hub = hub_of()
    assert hub.admit(Hello(KEYED, True, KEY)) == 0
    assert hub.admit(Hello(ALPHA, False)) == 0
    assert (hub.granted(KEYED), hub.granted(ALPHA)) == (True, False)
    assert hub.waiting_for() == [KEYED], "whoever follows the clock is waited for by nobody"
    hub.leave(KEYED)
    assert (hub.waiting_for(), hub.present(KEYED)) == ([], False)
    assert hub.admit(Hello(KEYED, True, KEY)) == 1
    hub.leave(NOBODY)


# ---------------------------------------------------------------- windows


def test_windows_begin_at_whole_multiples_and_a_hub_may_begin_within_one() -> None:
    hub = Hub(plan(), lambda line: None, now_ns=START_NS + 70 * MS)
    assert [window(hub)[:2] for _ in range(2)] == [
        (START_NS + 70 * MS, START_NS + 100 * MS),
        (START_NS + 100 * MS, START_NS + 150 * MS),
    ]


def test_whoever_is_granted_time_is_waited_for_until_it_has_done_with_all_of_it() -> None:
    hub = hub_of(ALPHA, BRAVO)
    hub.admit(Hello(CHARLIE, False))
    opened = hub.next_window(END_NS)
    assert opened[:2] == (START_NS, START_NS + WINDOW_NS)
    assert hub.waiting_for() == [ALPHA, BRAVO]
    hub.tell(ALPHA, Done(START_NS))  # an old one
    hub.tell(ALPHA, Alive())
    assert hub.waiting_for() == [ALPHA, BRAVO]
    for wrong in ((ALPHA, START_NS + WINDOW_NS + 1), (CHARLIE, START_NS + WINDOW_NS)):
        with pytest.raises(ValueError, match="never granted"):
            hub.tell(wrong[0], Done(wrong[1]))
    hub.tell(ALPHA, Done(START_NS + WINDOW_NS))
    hub.leave(BRAVO)
    assert hub.waiting_for() == []


@pytest.mark.parametrize("cut_ms", [None, 1, 7, 50, 77])
def test_windows_cut_short_change_nothing_but_when_it_is_told(cut_ms: int | None) -> None:
    hub = hub_of(ALPHA, BRAVO)
    for n in range(40):
        hub.tell(ALPHA, frame(100 + 10 * n, n, bytes([n])))
    heard: list[Reception] = []
    until_ns = START_NS
    while until_ns < START_NS + 1000 * MS:
        until_ns += MS * (cut_ms or 1000)
        while hub.now_ns < until_ns:
            opened = window(hub, until_ns)
            assert opened.until_ns <= until_ns
            got = opened.receptions(BRAVO)
            assert all(opened.from_ns <= g.due_ns < opened.until_ns for g in got)
            heard += got
    whole = hub_of(ALPHA, BRAVO)
    for n in range(40):
        whole.tell(ALPHA, frame(100 + 10 * n, n, bytes([n])))
    assert heard == fly(whole, 1000, BRAVO)
    assert [g.data[0] for g in heard] == [g.number for g in heard] == list(range(40))
    assert hub.load.outcomes == {Outcome.RECEIVED: 40}
    assert hub.load.transmissions == 40


def test_the_truth_has_a_line_for_each_frame() -> None:
    lines: list[str] = []
    hub = Hub(plan(), lines.append)
    hub.admit(Hello(ALPHA, False))
    hub.tell(ALPHA, place(ALPHA))
    hub.tell(ALPHA, frame(100))
    hub.next_window(END_NS)
    hub.next_window(END_NS)
    hub.next_window(END_NS)
    hub.write_truth()
    assert [line.count('"frame":"155001:1:0"') for line in lines] == [1]


# ---------------------------------------------------------------- what stations say


def test_a_frame_a_window_ahead_is_in_time_and_one_in_a_settled_window_is_late() -> None:
    hub = hub_of(ALPHA, BRAVO)
    window(hub)
    hub.tell(ALPHA, frame(50, 1))
    assert hub.counts == {}
    hub.tell(ALPHA, Transmit(START_NS + 50 * MS - 1, 1, 1, 2, b"late"))
    assert hub.counts == {"late": 1}
    assert [g.data for g in fly(hub, 200, BRAVO)] == [b"frame"]


def test_a_window_cut_short_is_settled_as_a_whole() -> None:
    hub = hub_of(ALPHA, BRAVO)
    window(hub, START_NS + 10 * MS)
    hub.tell(ALPHA, frame(49))
    assert hub.counts == {"late": 1}


@pytest.mark.parametrize(
    ("said", "about"),
    [
        (frame(100, channel=3), "no channel 3"),
        (Tune(START_NS, frozenset({1, 3})), "not all of the channels"),
        (frame(10_001), "ahead"),
        (place(ALPHA, at_ms=10_001), "ahead"),
        (Tune(START_NS + 10_001 * MS, frozenset({1})), "ahead"),
        (OffAir(START_NS + 10_001 * MS), "ahead"),
        (OffAir((1 << 63) - 1), "ahead"),
    ],
)
def test_what_makes_no_sense_is_a_value_error_and_changes_nothing(said, about: str) -> None:
    hub = hub_of(ALPHA, BRAVO)
    with pytest.raises(ValueError, match=about):
        hub.tell(ALPHA, said)
    hub.tell(BRAVO, frame(100))
    assert [g.data for g in fly(hub, 300, ALPHA)] == [b"frame"]


@pytest.mark.parametrize(
    "say",
    [
        lambda n: frame(100, n),
        lambda n: place(ALPHA, at_ms=5_000),
        lambda n: Tune(START_NS + 5_000 * MS, frozenset({1})),
    ],
)
def test_what_one_station_hands_over_in_a_window_has_a_bound(say: Callable[[int], Transmit | Place | Tune]) -> None:
    hub = hub_of(ALPHA, BRAVO)
    window(hub)
    for n in range(MOST_A_WINDOW + 7):
        hub.tell(ALPHA, say(n))
    most = MOST_PENDING if isinstance(say(0), Transmit) else MOST_A_WINDOW
    assert hub.counts == {"too_many": MOST_A_WINDOW + 7 - most}
    assert window(hub).troubles == [], "its own doing, and no excuse"
    for _ in range(3):
        window(hub)
    hub.tell(ALPHA, frame(400))
    assert hub.counts == {"too_many": MOST_A_WINDOW + 7 - most}, "afterwards there is room again"


def test_who_has_no_place_is_not_on_the_air() -> None:
    hub = hub_of(ALPHA, BRAVO, placed=False)
    hub.tell(ALPHA, frame(100))
    hub.tell(ALPHA, place(ALPHA, at_ms=300))
    hub.tell(ALPHA, frame(299, 1))
    hub.tell(ALPHA, frame(300, 2))
    assert hub.counts == {"not_on_air": 2}
    hub.tell(BRAVO, place(BRAVO))
    assert len(fly(hub, 500, BRAVO)) == 1


def test_a_place_in_the_past_holds_from_the_next_window_on() -> None:
    hub = hub_of(ALPHA, BRAVO, placed=False)
    hub.tell(ALPHA, place(ALPHA))
    window(hub)
    hub.tell(BRAVO, place(BRAVO, at_ms=-1000))
    hub.tell(ALPHA, frame(50))
    assert len(fly(hub, 200, BRAVO)) == 1


def test_off_the_air_and_placed_again() -> None:
    hub = hub_of(ALPHA, BRAVO)
    hub.tell(BRAVO, OffAir(START_NS + 150 * MS))
    hub.tell(BRAVO, OffAir(START_NS + 160 * MS))  # it is off already
    hub.tell(BRAVO, frame(200))
    assert hub.counts == {"not_on_air": 1}
    hub.tell(BRAVO, frame(120))  # it is still there then
    assert hub.counts == {"not_on_air": 1}
    hub.tell(BRAVO, place(BRAVO, at_ms=250))
    hub.tell(BRAVO, Tune(START_NS + 250 * MS, frozenset({2})))
    for n, (at_ms, channel) in enumerate([(100, 1), (200, 2), (300, 1), (310, 2)]):
        hub.tell(ALPHA, frame(at_ms, n, bytes([n]), channel))
    assert [g.data[0] for g in fly(hub, 500, BRAVO)] == [0, 3]


# ---------------------------------------------------------------- coming back


@pytest.mark.parametrize("gone", [Hub.leave, Hub.lose])
def test_a_new_life_gets_nothing_of_the_one_before(gone: Callable[[Hub, int], None]) -> None:
    hub = hub_of(ALPHA, BRAVO)
    for n in range(40):
        hub.tell(ALPHA, frame(100 + 5 * n, n, bytes([n])))
    before = fly(hub, 122, BRAVO)
    assert [g.number for g in before] == list(range(5))
    hub.tell(BRAVO, Tune(START_NS, frozenset({2})))
    gone(hub, BRAVO)
    assert hub.admit(Hello(BRAVO, True)) == 1
    hub.tell(BRAVO, Done(hub.now_ns))
    assert fly(hub, 150, BRAVO) == [], "what the window still had in store was its former life's"
    hub.tell(BRAVO, place(BRAVO))
    after = fly(hub, 500, BRAVO)
    assert [g.number for g in after] == list(range(len(after)))
    assert [g.data[0] for g in after] == list(range(10, 40)), "tuned anew, from the next window on"


# ---------------------------------------------------------------- trouble


def test_a_lost_station_is_trouble_until_it_is_back() -> None:
    hub = hub_of(ALPHA, BRAVO)
    fly(hub, 200, ALPHA)
    hub.lose(BRAVO)
    hub.lose(BRAVO)
    at_ns = START_NS + 200 * MS
    assert window(hub).troubles == [Trouble(at_ns, BRAVO, at_ns, None)]
    fly(hub, 5_000, ALPHA)
    assert hub.lasting() == [Trouble(START_NS + 5_000 * MS, BRAVO, at_ns, None)]
    hub.admit(Hello(BRAVO, True))
    hub.tell(BRAVO, Done(hub.now_ns))
    assert window(hub).troubles == [Trouble(START_NS + 5_000 * MS, BRAVO, at_ns, START_NS + 5_000 * MS)]
    assert (hub.lasting(), hub.last_troubles()) == ([], [])


def test_trouble_with_a_frame_is_over_when_all_was_calm_for_a_second() -> None:
    hub = hub_of()
    hub.admit(Hello(ALPHA, False))
    fly(hub, 500, ALPHA)
    hub.tell(ALPHA, frame(400))
    told: list[Trouble] = []
    while hub.now_ns < START_NS + 3_000 * MS:
        told += window(hub).troubles
        if hub.now_ns == START_NS + 1_000 * MS:
            hub.tell(ALPHA, frame(900, 1))
    assert [t[1:3] for t in told] == [(ALPHA, START_NS + 400 * MS)] * 2
    assert told[0].until_ns is None
    assert told[1].until_ns is not None
    assert START_NS + 2_000 * MS <= told[1].until_ns <= START_NS + 2_100 * MS


@pytest.mark.parametrize("start_ns", [-(1 << 63), 0, START_NS])
def test_a_late_frame_does_not_excuse_all_of_the_past(start_ns: int) -> None:
    hub = hub_of()
    hub.admit(Hello(ALPHA, False))
    fly(hub, 30_000, ALPHA)
    hub.tell(ALPHA, Transmit(start_ns, 1, 1, 1, b"late"))
    (trouble,) = window(hub).troubles
    assert trouble.from_ns == START_NS + 30_000 * MS - FARTHEST_BACK_NS


def test_who_is_granted_time_is_late_by_its_own_fault() -> None:
    """Or who is silent could excuse itself by a late frame now and then."""
    hub = hub_of(ALPHA)
    fly(hub, 500, ALPHA)
    hub.tell(ALPHA, frame(400))
    assert hub.counts == {"late": 1}
    assert window(hub).troubles == []


def test_who_joins_again_and_again_is_refused_for_a_while() -> None:
    hub = hub_of()
    for _ in range(LIVES_TO_BEGIN_WITH + 1):
        hub.admit(Hello(ALPHA, True))
        hub.lose(ALPHA)
    with pytest.raises(NotAdmitted, match="too often"):
        hub.admit(Hello(ALPHA, True))
    while hub.now_ns < START_NS + 2_000 * MS:
        window(hub)
    hub.admit(Hello(ALPHA, True))


@pytest.mark.parametrize("again", [1, 2, 3])
def test_on_and_off_the_air_at_one_instant(again: int) -> None:
    hub = hub_of(ALPHA, BRAVO)
    for _ in range(again):
        hub.tell(BRAVO, OffAir(START_NS + 150 * MS))
        hub.tell(BRAVO, place(BRAVO, at_ms=150))
    hub.tell(ALPHA, frame(200, 0, b"a"))
    assert [g.data for g in fly(hub, 500, BRAVO)] == [b"a"]
    for _ in range(again):
        hub.tell(BRAVO, place(BRAVO, at_ms=600))
        hub.tell(BRAVO, OffAir(START_NS + 600 * MS))
    hub.tell(ALPHA, frame(700, 1, b"b"))
    assert fly(hub, 900, BRAVO) == []


def test_dropped_receptions_are_trouble() -> None:
    hub = hub_of(ALPHA)
    hub.dropped(ALPHA, 3)
    assert hub.counts == {"host_dropped": 3}
    assert hub.last_troubles() == [Trouble(START_NS, ALPHA, START_NS, None)]


def test_who_is_off_the_air_before_its_place_holds_can_be_placed_again() -> None:
    hub = hub_of(ALPHA, BRAVO, placed=False)
    hub.tell(ALPHA, place(ALPHA))
    hub.tell(BRAVO, place(BRAVO, at_ms=1_000))
    hub.tell(BRAVO, OffAir(START_NS))
    hub.tell(BRAVO, place(BRAVO, at_ms=200))
    hub.tell(ALPHA, frame(1_100))
    assert [g.data for g in fly(hub, 1_500, BRAVO)] == [b"frame"]
