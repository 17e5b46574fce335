"""What is told to those who asked for it: how far others have come, and what their own fleet puts on the air."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from radio.check_link_tools import ALPHA, BRAVO, CHARLIE, MS, START_NS, plan
from radio.envelope import Aired, Done, Fleet, Hello, Mark, Marks, Place, Transmit, pack
from radio.hub import WINDOW_NS, Hub
from radio.hub_asked import MOST_FRAMES, Asked
from radio.medium import Transmission
from radio.plan import Plan


@pytest.fixture
def on_the_line() -> Plan:
    """Alpha and Bravo keep up with each other; Alpha and Charlie are Alpha's fleet."""
    made = plan()
    alpha = replace(made.berths[ALPHA], keeps_up=True, fleet=frozenset({ALPHA, CHARLIE}))
    bravo = replace(made.berths[BRAVO], keeps_up=True)
    return replace(made, berths={**made.berths, ALPHA: alpha, BRAVO: bravo})


def sent(source: int, sequence: int, data: bytes = b"frame") -> Transmission:
    return Transmission(source, 1, sequence, 1, START_NS, data)


def told(asked: Asked, address: int, frames: Sequence[Transmission] = ()) -> list[Marks | Fleet]:
    return list(asked.told(address, frames))


def test_marks_are_told_when_they_have_changed_and_to_another_life(on_the_line: Plan) -> None:
    marks: dict[int, Mark] = {}
    asked = Asked(on_the_line, marks)
    assert told(asked, ALPHA) == []
    marks[BRAVO] = Mark(5, 1)
    first = Marks(((BRAVO, Mark(5, 1)),))
    assert told(asked, ALPHA) == [first]
    assert told(asked, ALPHA) == []
    assert told(asked, BRAVO) == [first]
    assert told(asked, CHARLIE) == []
    marks[ALPHA] = Mark(4, 9)
    both = Marks(((ALPHA, Mark(4, 9)), (BRAVO, Mark(5, 1))))
    assert told(asked, ALPHA) == [both]
    assert told(asked, ALPHA) == []
    asked.begin_anew(ALPHA)
    assert told(asked, ALPHA) == [both]


def test_a_fleet_is_told_of_its_own_frames_alone(on_the_line: Plan) -> None:
    asked = Asked(on_the_line, {})
    frames = [sent(ALPHA, 0), sent(BRAVO, 1), sent(CHARLIE, 2, b"another")]
    assert told(asked, ALPHA, frames) == [
        Fleet((Aired(ALPHA, 1, 0, START_NS, b"frame"), Aired(CHARLIE, 1, 2, START_NS, b"another")))
    ]
    assert told(asked, BRAVO, frames) == []
    assert told(asked, ALPHA, [sent(BRAVO, 1)]) == []


def test_however_many_frames_there_are_each_message_can_travel(on_the_line: Plan) -> None:
    frames = [sent(ALPHA, n, bytes(255)) for n in range(2 * MOST_FRAMES + 1)]
    parts = told(Asked(on_the_line, {}), ALPHA, frames)
    assert [f.sequence for part in parts if isinstance(part, Fleet) for f in part.frames] == list(range(len(frames)))
    assert max(len(pack(part)) for part in parts) < 1 << 20


def test_the_hub_takes_marks_from_those_others_keep_up_with_and_knows_what_is_on_the_air(on_the_line: Plan) -> None:
    hub = Hub(on_the_line)
    for address in (ALPHA, CHARLIE):
        hub.admit(Hello(address, True))
        hub.tell(address, Place(START_NS, 35.0, 36.0, 8_000.0))
        hub.tell(address, Done(START_NS))
    hub.tell(ALPHA, Mark(7, 8))
    with pytest.raises(ValueError, match="nobody keeps up with this station"):
        hub.tell(CHARLIE, Mark(7, 8))
    assert hub.marks == {ALPHA: Mark(7, 8)}
    hub.tell(ALPHA, Transmit(START_NS + 60 * MS, 1, 1, 0, b"frame"))
    windows = []
    for _ in range(3):
        windows.append(hub.next_window(START_NS + 10 * WINDOW_NS))
        hub.done(ALPHA, CHARLIE)
    assert [[(f.source, f.start_ns, f.data) for f in w.sent] for w in windows] == [
        [],
        [(ALPHA, START_NS + 60 * MS, b"frame")],
        [],
    ]
    hub.lose(ALPHA)
    assert hub.marks == {ALPHA: Mark(7, 8)}, "what it has published is still to come to others"
