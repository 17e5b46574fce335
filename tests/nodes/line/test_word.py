"""A party's word may clear it and convict it; the other side it never convicts, however it lies."""

import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nodes.flight import Flight, load, with_loss
from nodes.simulation import Simulation
from nodes.stations.headquarters import Headquarters
from protocol import codec
from protocol.line.documents import Body, Manifest, hash_of
from protocol.messages import Ack, Emergency, Frame, Hail, MessageType, Nature, Phrase, Position, Result, Severity
from protocol.verdicts import Verdict

CONFIGS = Path(__file__).parents[3] / "configs"
SCENARIO = CONFIGS / "scenarios" / "ground-line-2015.toml"
THEIRS = ("155001", "150001", "federation")


def flown(flight: Flight, seed: int) -> Simulation:
    run = Simulation(flight, seed, lambda _: io.BytesIO())
    run.advance(flight.end_ns)
    run.close()
    return run


def lie(random: Random, frame: Frame) -> Frame:
    """The same frame with another message, one that would put others in the wrong if it were believed."""
    victim = 0x155001
    message: Any = random.choice(
        [
            Hail(victim, Phrase.CONTACT, 1, 10, 1, None),
            Ack(victim, 1, 5, MessageType.HAIL, Result.WILCO),
            Emergency(1, Severity.DISTRESS, Nature.ENGINE, 35.0, 37.0, 24000),
            Position(35.05, 36.78, 26000, nic=8, nacp=8, nacv=2, age_s=0.0, velocity_north_mps=0.0,
                     velocity_east_mps=0.0, velocity_up_mps=0.0),
        ]
    )  # fmt: skip
    return frame._replace(message=message)


def liar(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """From now on the coalition's manifests lie about a share of the frames."""
    honest = Headquarters._manifests

    def lying(self: Headquarters, until_ns: int) -> Iterator[Body]:
        random = Random(f"{until_ns}")
        for body in honest(self, until_ns):
            assert isinstance(body, Manifest)
            if self._office.client != "coalition" or not body.frames:
                yield body
                continue
            told = [bytes.fromhex(text) for text in body.frames]
            told = [
                codec.encode(lie(random, codec.decode(data))) if data and random.random() < share else data
                for data in told
            ]
            hashes = tuple(hash_of(data).hex() for data in told)
            yield body.model_copy(update={"frames": tuple(d.hex() for d in told), "hashes": hashes})

    monkeypatch.setattr(Headquarters, "_manifests", lying)


@pytest.mark.parametrize("seed", range(1, 4))
def test_lies_convict_nobody_else(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    liar(monkeypatch, 0.5)
    run = flown(with_loss(load(SCENARIO), 0.3), seed)
    failed = {(t.clause, t.subject) for t in run.tallies() if t.verdict is Verdict.FAIL}
    assert not {(c, s) for c, s in failed if set(s.split("/")) & set(THEIRS)}
    assert ("9.1", "unattributed") in failed, "frames that were heard, and that the manifests have otherwise"


@pytest.mark.parametrize("seed", range(1, 4))
def test_with_manifests_hardly_anything_stays_open(seed: int) -> None:
    flight = with_loss(load(SCENARIO), 0.2)
    tallies = flown(flight, seed).tallies()
    assert not [t for t in tallies if t.verdict is Verdict.FAIL]
    counts = [t.counts for t in tallies]
    assert sum(c["inconclusive"] for c in counts) <= 0.002 * sum(c["pass"] for c in counts)  # type: ignore[index]
