"""The ground line in virtual time: what is delivered, when, to whom, and in which order."""

import itertools

import pytest
from hypothesis import given, strategies as st

from radio.line import DELAY_NS, LOST_NS, Delivered, Gaps, Line, Will

SECOND = 1_000_000_000
TOPIC = "line/v1/note"


def line(*names: str, **troubles) -> Line:
    """A line on which these have been connected since its beginning."""
    made = Line(0, **troubles)
    for name in names:
        made.connect(name, 0, prefix="line/v1")
    return made


def texts(delivered: list[Delivered]) -> list[str]:
    return [d.payload.decode() for d in delivered]


def test_a_document_is_delivered_after_the_delay_to_all_who_want_it_and_to_its_publisher() -> None:
    made = line("blue", "red")
    made.connect("deaf", 0, prefix="line/v2")
    made.publish("blue", SECOND, TOPIC, b"one")
    assert made.receive("red", SECOND + DELAY_NS - 1) == []
    expected = [Delivered(SECOND + DELAY_NS, TOPIC, b"one", False)]
    assert made.receive("red", SECOND + DELAY_NS) == expected
    assert made.receive("blue", SECOND + DELAY_NS) == expected
    assert made.receive("deaf", 9 * SECOND) == []
    assert made.receive("red", 9 * SECOND) == [], "once"


def test_a_prefix_ends_at_a_slash() -> None:
    made = line("blue", "red")
    made.publish("blue", SECOND, "line/v10/note", b"one")
    assert made.receive("red", 9 * SECOND) == []


def test_order_does_not_depend_on_who_is_asked_first() -> None:
    def run(names: tuple[str, ...]) -> list[str]:
        made = line("a", "b", "c")
        for name in names:  # a window each, one after the other
            for at_ms in (10, 20, 30):
                made.publish(name, SECOND + at_ms * 1_000_000, TOPIC, f"{name}{at_ms}".encode())
        return texts(made.receive("a", 2 * SECOND))

    orders = [run(names) for names in itertools.permutations("abc")]
    assert orders[0] == ["a10", "b10", "c10", "a20", "b20", "c20", "a30", "b30", "c30"]
    assert all(order == orders[0] for order in orders)


def test_nobody_acts_in_what_is_past() -> None:
    made = line("blue", "red")
    made.publish("blue", SECOND, TOPIC, b"one")
    with pytest.raises(ValueError, match="blue acts"):
        made.publish("blue", SECOND - 1, TOPIC, b"two")
    made.receive("red", 2 * SECOND)
    with pytest.raises(ValueError, match="past"):
        made.publish("blue", 2 * SECOND - DELAY_NS, TOPIC, b"three")
    made.publish("blue", 2 * SECOND - DELAY_NS + 1, TOPIC, b"three")
    assert texts(made.receive("red", 3 * SECOND)) == ["three"]


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "$SYS/a", "a\0b", "a" * 1_001])
def test_what_cannot_travel(topic: str) -> None:
    with pytest.raises(ValueError, match="no topic"):
        line("blue").publish("blue", SECOND, topic, b"")


def test_too_much_cannot_travel() -> None:
    with pytest.raises(ValueError, match="1048577 bytes"):
        line("blue").publish("blue", SECOND, TOPIC, bytes((1 << 20) + 1))


def test_retained_documents_come_by_topic_to_who_connects_anew_and_are_not_new_to_others() -> None:
    made = line("blue", "red")
    for at_s, (topic, payload) in enumerate([("b", b"2"), ("a", b"1"), ("c", b"3"), ("b", b"two"), ("c", b"")], 1):
        made.publish("blue", at_s * SECOND, f"line/v1/{topic}", payload, retain=True)
    assert all(not d.retained for d in made.receive("red", 9 * SECOND))
    made.connect("late", 10 * SECOND, prefix="line/v1")
    at_ns = 10 * SECOND + DELAY_NS
    assert made.receive("late", 11 * SECOND) == [
        Delivered(at_ns, "line/v1/a", b"1", True),
        Delivered(at_ns, "line/v1/b", b"two", True),
    ]


def test_a_session_collects_what_is_published_while_its_client_is_away() -> None:
    made = line("blue", "red")
    made.disconnect("red", SECOND)
    for number in range(3):
        made.publish("blue", (2 + number) * SECOND, TOPIC, b"%d" % number)
    assert made.receive("red", 8 * SECOND) == []
    made.connect("red", 9 * SECOND, prefix="line/v1")
    got = made.receive("red", 10 * SECOND)
    assert texts(got) == ["0", "1", "2"]
    assert {d.at_ns for d in got} == {9 * SECOND + DELAY_NS}


def test_a_process_that_dies_leaves_its_will_and_what_it_had_not_taken_comes_again() -> None:
    made = Line(0)
    made.connect("red", 0, prefix="line/v1", will=Will("line/v1/gone", b"red", True))
    made.connect("blue", 0, prefix="line/v1")
    made.publish("blue", SECOND, TOPIC, b"one")
    made.lose("red", 2 * SECOND)
    assert texts(made.receive("blue", 3 * SECOND)) == ["one", "red"]
    made.connect("red", 4 * SECOND, prefix="line/v1")
    assert texts(made.receive("red", 5 * SECOND)) == ["one", "red", "red"], "untaken, published meanwhile, retained"


def test_who_takes_leave_has_no_will() -> None:
    made = Line(0)
    made.connect("red", 0, prefix="line/v1", will=Will("line/v1/gone", b"red"))
    made.connect("blue", 0, prefix="line/v1")
    made.disconnect("red", SECOND)
    made.lose("red", 2 * SECOND)
    assert made.receive("blue", 9 * SECOND) == []


def test_what_is_published_while_the_broker_is_down_waits_with_its_publisher() -> None:
    made = line("blue", "red", outages=[(10 * SECOND, 20 * SECOND)])
    for at_s in (9, 11, 19, 21):
        made.publish("blue", at_s * SECOND, TOPIC, b"%d" % at_s)
    made.publish("red", 12 * SECOND, TOPIC, b"r12")
    back_ns = 20 * SECOND + DELAY_NS
    assert [(d.at_ns, d.payload) for d in made.receive("red", 30 * SECOND)] == [
        (9 * SECOND + DELAY_NS, b"9"),
        (back_ns, b"11"),
        (back_ns, b"19"),
        (back_ns, b"r12"),
        (21 * SECOND + DELAY_NS, b"21"),
    ]
    assert made.gaps("red", 0, 30 * SECOND) == ((0, DELAY_NS), (10 * SECOND, back_ns))


def test_a_document_on_its_way_when_the_broker_falls_is_not_lost() -> None:
    made = line("blue", "red", outages=[(10 * SECOND, 20 * SECOND)])
    made.publish("blue", 10 * SECOND - DELAY_NS // 2, TOPIC, b"one")
    assert [d.at_ns for d in made.receive("red", 30 * SECOND)] == [20 * SECOND + DELAY_NS]


def test_a_client_that_is_cut_off_gets_it_later_and_the_others_have_no_gap() -> None:
    made = line("blue", "red", cuts={"red": [(10 * SECOND, 12 * SECOND)]})
    made.publish("blue", 11 * SECOND, TOPIC, b"b")
    made.publish("red", 11 * SECOND, TOPIC, b"r")
    back_ns = 12 * SECOND + DELAY_NS
    assert texts(made.receive("blue", 11 * SECOND + DELAY_NS)) == ["b"]
    assert made.receive("red", 20 * SECOND) == [
        Delivered(back_ns, TOPIC, b"b", False),
        Delivered(back_ns, TOPIC, b"r", False),
    ]
    assert made.gaps("red", SECOND, 20 * SECOND) == ((10 * SECOND, back_ns),)
    assert made.gaps("red", 11 * SECOND, 11 * SECOND + 5) == ((11 * SECOND, 11 * SECOND + 5),)
    assert made.gaps("blue", SECOND, 20 * SECOND) == ()


@pytest.mark.parametrize(("cut_ns", "told"), [(LOST_NS, []), (LOST_NS + 1, ["red"])])
def test_the_broker_gives_up_who_is_cut_off_for_long(cut_ns: int, told: list[str]) -> None:
    made = Line(0, cuts={"red": [(10 * SECOND, 10 * SECOND + cut_ns)]})
    made.connect("red", 0, prefix="line/v1", will=Will("line/v1/gone", b"red"))
    made.connect("blue", 0, prefix="line/v1")
    assert texts(made.receive("blue", 60 * SECOND)) == told


def test_a_broker_that_comes_back_publishes_no_wills_of_before() -> None:
    made = Line(0, outages=[(10 * SECOND, 20 * SECOND)])
    made.connect("red", 0, prefix="line/v1", will=Will("line/v1/gone", b"red"))
    made.connect("blue", 0, prefix="line/v1")
    made.lose("red", 15 * SECOND)
    assert made.receive("blue", 60 * SECOND) == []


def test_a_broker_that_was_restarted_has_no_wills_of_who_was_cut_off_before() -> None:
    made = Line(0, outages=[(10 * SECOND, 12 * SECOND)], cuts={"red": [(5 * SECOND, 40 * SECOND)]})
    made.connect("red", 0, prefix="line/v1", will=Will("line/v1/gone", b"red"))
    made.connect("blue", 0, prefix="line/v1")
    assert made.receive("blue", 60 * SECOND) == []


def test_what_no_broker_had_taken_dies_with_its_process() -> None:
    made = line("blue", "red", outages=[(10 * SECOND, 20 * SECOND)])
    made.publish("red", 11 * SECOND, TOPIC, b"lost")
    made.publish("blue", 11 * SECOND, TOPIC, b"kept")
    made.lose("red", 12 * SECOND)
    made.connect("red", 13 * SECOND, prefix="line/v1")
    assert texts(made.receive("blue", 60 * SECOND)) == ["kept"]


def test_when_something_may_be_delivered_next() -> None:
    made = line("blue", "red")
    made.receive("red", SECOND)
    assert made.next_ns() is None
    made.publish("blue", 2 * SECOND, TOPIC, b"one")
    assert made.next_ns() == 2 * SECOND + DELAY_NS
    made.receive("red", 3 * SECOND)
    assert made.next_ns() == 2 * SECOND + DELAY_NS, "blue has not taken it"
    made.receive("blue", 3 * SECOND)
    assert made.next_ns() is None


def test_who_was_never_there_has_a_gap_from_the_beginning() -> None:
    assert line("blue").gaps("red", 0, SECOND) == ((0, SECOND),)


def test_many_gaps_become_fewer_and_never_shorter() -> None:
    gaps = Gaps(0)
    for number in range(2_000):
        gaps.end(10 * number + 1)
        gaps.begin(10 * number + 5)
    within = gaps.within(0, 20_000)
    assert len(within) == Gaps.MOST + 1
    assert within[0] == (0, 10_001), "the oldest thousand are one"
    assert within[-1] == (19_995, 20_000)


stretches = st.lists(st.tuples(st.integers(5, 400), st.integers(1, 60)), max_size=3).map(
    lambda pairs: [(a * 100_000_000, (a + b) * 100_000_000) for a, b in pairs]
)


@given(
    outages=stretches,
    cuts=st.fixed_dictionaries({"a": stretches, "b": stretches}),
    acts=st.lists(st.tuples(st.integers(2, 400), st.sampled_from("abc")), max_size=40).map(sorted),
)
def test_whatever_is_down_each_document_comes_once_in_its_publishers_order_and_in_no_gap(outages, cuts, acts) -> None:
    made = line("a", "b", "c", outages=outages, cuts=cuts)
    for number, (at, name) in enumerate(acts):
        made.publish(name, at * 100_000_000, TOPIC, f"{name} {number}".encode())
    end_ns = 100 * SECOND
    for reader in "abc":
        got = made.receive(reader, end_ns)
        for writer in "abc":
            sent = [f"{name} {number}" for number, (_, name) in enumerate(acts) if name == writer]
            assert [t for t in texts(got) if t[0] == writer] == sent
        gaps = made.gaps(reader, 0, end_ns)
        assert not any(a <= d.at_ns < b for d in got for a, b in gaps)
        assert [d.at_ns for d in got] == sorted(d.at_ns for d in got)
