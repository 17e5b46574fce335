"""What manifests say about frames, where they contradict each other, and that memory is bounded."""

import tracemalloc

import pytest

from protocol.line import manifest as manifests_module
from protocol.line.documents import Document, Manifest, hash_of
from protocol.line.manifest import Answer, Contradiction, Manifests, Said
from protocol.units import NS_PER_S

A, B, OTHERS = 0xAE1001, 0xAE1002, 0x155001
OWNERS = {A: "coalition", B: "coalition", OTHERS: "federation"}


def frame(number: int) -> bytes:
    return b"frame %d" % number


def document(
    first: int,
    frames: list[bytes],
    *,
    station: int = A,
    session: int = 1,
    sender: str = "coalition",
    number: int = 1,
    disclosed: bool = False,
    time_s: tuple[int, int] = (0, 10),
) -> Document:
    body = Manifest(
        station=f"{station:06x}",
        from_ns=time_s[0] * NS_PER_S,
        until_ns=time_s[1] * NS_PER_S,
        session=session,
        first=first,
        last=first + len(frames) - 1,
        hashes=tuple(hash_of(f).hex() for f in frames),
        frames=tuple(f.hex() for f in frames) if disclosed else None,
    )
    return Document(agreement="0" * 64, sender=sender, session=9, number=number, at_ns=0, body=body)


def run(first: int, count: int) -> list[bytes]:
    return [frame(n) for n in range(first, first + count)]


def said(manifests: Manifests, station: int, session: int, number: int, data: bytes, at_s: float = 5) -> Answer:
    """What is said of a frame that was sent at an instant."""
    at_ns = round(at_s * NS_PER_S)
    return manifests.answer(station, session, number % 65_536, data, at_ns, at_ns)


@pytest.fixture
def manifests() -> Manifests:
    return Manifests(OWNERS)


def test_what_is_said_about_a_frame(manifests: Manifests) -> None:
    assert manifests.take(document(10, run(10, 5)), 0) is None
    first = "coalition/manifest#9.1"
    for number in range(10, 15):
        assert said(manifests, A, 1, number, frame(number)) == Answer(Said.HAS, first)
        assert said(manifests, A, 1, number, b"forged") == Answer(Said.CONTRADICTS, first)
    for where in ((A, 1, 9), (A, 1, 15), (A, 2, 12), (B, 1, 12), (OTHERS, 1, 12), (0x999999, 1, 12)):
        assert said(manifests, *where, frame(12), at_s=20) == Answer(Said.NOT_COVERED, "")


def test_a_frame_under_another_number_is_another(manifests: Manifests) -> None:
    manifests.take(document(10, run(10, 5)), 0)
    assert said(manifests, A, 1, 11, frame(12)).said is Said.CONTRADICTS


def test_of_two_manifests_that_differ_the_one_that_has_the_frame_counts(manifests: Manifests) -> None:
    manifests.take(document(0, [b"x", frame(1)]), 0)
    found = manifests.take(document(0, run(0, 2), number=2), 1)
    assert found == Contradiction("coalition", A, 1, 0, "coalition/manifest#9.1", "coalition/manifest#9.2")
    assert said(manifests, A, 1, 0, frame(0)) == Answer(Said.HAS, "coalition/manifest#9.2")
    assert said(manifests, A, 1, 0, b"x") == Answer(Said.HAS, "coalition/manifest#9.1")
    assert said(manifests, A, 1, 0, b"y").said is Said.CONTRADICTS


def test_the_first_number_and_the_first_manifest_that_is_contradicted_are_told(manifests: Manifests) -> None:
    manifests.take(document(0, run(0, 10)), 0)
    manifests.take(document(5, run(5, 10), number=2, time_s=(5, 15)), 0)
    found = manifests.take(document(8, [frame(8), b"x", b"y"], number=3, time_s=(6, 16)), 0)
    assert found is not None
    assert (found.number, found.earlier, found.later) == (9, "coalition/manifest#9.1", "coalition/manifest#9.3")


@pytest.mark.parametrize(
    "second",
    [
        document(0, run(0, 10), number=2),  # again
        document(5, run(5, 10), number=2, time_s=(5, 15)),  # overlapping, and the same
        document(10, [b"x"], number=2, time_s=(10, 20)),  # right after it
        document(10, [], number=2, time_s=(10, 20)),  # nothing more
        document(0, [b"x"], number=2, session=2),
        document(0, [b"x"], number=2, station=B),
        document(0, [b"x"], number=2, sender="federation"),  # who has no say about it
    ],
)
def test_what_is_no_contradiction(manifests: Manifests, second: Document) -> None:
    assert manifests.take(document(0, run(0, 10)), 0) is None
    assert manifests.take(second, 1) is None


@pytest.mark.parametrize("station", [A, 0x999999])
def test_who_has_no_say_about_a_station_says_nothing(manifests: Manifests, station: int) -> None:
    assert manifests.take(document(0, run(0, 3), station=station, sender="federation"), 0) is None
    assert said(manifests, station, 1, 0, frame(0)).said is Said.NOT_COVERED


def test_a_frame_of_a_time_that_is_covered_and_that_no_manifest_has_is_contradicted(manifests: Manifests) -> None:
    manifests.take(document(0, run(0, 3)), 0)
    manifests.take(document(3, run(3, 3), number=2, time_s=(10, 20)), 0)
    assert said(manifests, A, 1, 9, frame(9), at_s=12).said is Said.CONTRADICTS
    assert said(manifests, A, 7, 0, frame(0), at_s=12).said is Said.CONTRADICTS, "a session that it never had"
    assert said(manifests, A, 1, 6, frame(6), at_s=19.96).said is Said.NOT_COVERED, "it may be of the time after it"
    assert said(manifests, A, 7, 0, frame(0), at_s=25).said is Said.NOT_COVERED
    assert said(manifests, B, 7, 0, frame(0), at_s=12).said is Said.NOT_COVERED


def test_two_manifests_for_one_time_have_the_same_frames(manifests: Manifests) -> None:
    manifests.take(document(0, run(0, 3)), 0)
    found = manifests.take(document(0, run(0, 2), number=2), 1)
    assert found is not None
    assert found.number == 2
    assert manifests.take(document(0, run(0, 2), number=3, session=2), 1) is None


def test_what_is_old_is_forgotten() -> None:
    manifests = Manifests(OWNERS, kept_ns=10 * NS_PER_S)
    manifests.take(document(0, run(0, 1)), 0)
    manifests.take(document(1, run(1, 1), time_s=(10, 20)), 10 * NS_PER_S)
    assert said(manifests, A, 1, 0, frame(0)).said is Said.HAS
    manifests.take(document(2, run(2, 1), time_s=(20, 30)), 10 * NS_PER_S + 1)
    assert said(manifests, A, 1, 0, frame(0)).said is Said.NOT_COVERED
    assert said(manifests, A, 1, 1, frame(1), at_s=15).said is Said.HAS


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_one_party_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(manifests_module, "MOST_NUMBERS", 5000)
    monkeypatch.setattr(manifests_module, "MOST_MANIFESTS", 100)
    manifests, sent = Manifests(OWNERS), document(0, run(0, count))
    manifests.take(document(0, run(0, 2), station=OTHERS, sender="federation"), 0)
    for _ in range(200):
        manifests.take(sent, 0)
    tracemalloc.start()
    for _ in range(500):
        manifests.take(sent, 0)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # as long as memory is full, every manifest takes the place of one that tracemalloc did not see
    assert grown < 100 * (400 + 8 * min(count, 50))
    assert said(manifests, OTHERS, 1, 0, frame(0)).said is Said.HAS, "nor can it push out another's"


def test_numbers_past_65535_are_told_apart_from_those_before(manifests: Manifests) -> None:
    manifests.take(document(5, run(5, 1)), 0)
    manifests.take(document(65_541, [b"x"], number=2, time_s=(400, 410)), 1)
    assert said(manifests, A, 1, 65_541, frame(5), at_s=405).said is Said.CONTRADICTS
    assert said(manifests, A, 1, 65_541, b"x", at_s=405).said is Said.HAS
    assert said(manifests, A, 1, 5, frame(5)).said is Said.HAS
