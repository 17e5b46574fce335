"""What a client sees of the line: the same in virtual time, on the embedded broker and on Mosquitto.

Each test is run in the three worlds; where brokers may deliver a document twice, its payload tells which it is.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from radio.broker import Broker
from radio.line import Delivered, Line, Will
from radio.line_mqtt import LineMqtt
from tests.oracles import mosquitto, oracle
from tests.radio.line_brokers import Mosquitto, Way, take, until

SECOND = 1_000_000_000
TOPIC = "line/v1/note"


class World(Protocol):
    """A line and its clients, by name."""

    def connect(self, name: str, will: Will | None = None) -> None: ...
    def disconnect(self, name: str) -> None: ...
    def lose(self, name: str) -> None: ...
    def publish(self, name: str, payload: str, topic: str = TOPIC, *, retain: bool = False) -> None: ...
    def take(self, name: str, *last: str) -> list[Delivered]:
        """What comes, until these have come."""

    def broker_down(self) -> None: ...
    def broker_up(self) -> None: ...
    def cut(self, name: str) -> None: ...
    def heal(self, name: str) -> None: ...
    def gaps(self, name: str) -> int:
        """How many so far, without that before the first connection."""

    def close(self) -> None: ...


class Virtual:
    """`Line`: its outages and cuts are given beforehand, so each of them happens once here."""

    def __init__(self) -> None:
        self.line = Line(  # red is cut off, or all have no broker
            0, outages=[(100 * SECOND, 110 * SECOND)], cuts={"red": [(50 * SECOND, 60 * SECOND)]}
        )
        self.now_ns = 0

    def _on(self, at_ns: int) -> None:
        self.now_ns = at_ns
        self.line.receive("nobody", at_ns)

    def _next(self) -> int:
        self.now_ns += 200_000_000
        return self.now_ns

    def connect(self, name: str, will: Will | None = None) -> None:
        self.line.connect(name, self._next(), prefix="line/v1", will=will)

    def disconnect(self, name: str) -> None:
        self.line.disconnect(name, self._next())

    def lose(self, name: str) -> None:
        self.line.lose(name, self._next())

    def publish(self, name: str, payload: str, topic: str = TOPIC, *, retain: bool = False) -> None:
        self.now_ns += 1_000
        self.line.publish(name, self.now_ns, topic, payload.encode(), retain=retain)

    def take(self, name: str, *last: str) -> list[Delivered]:
        got: list[Delivered] = []
        for _ in range(20):
            got += self.line.receive(name, self._next())
            if set(last) <= set(texts(got)):
                return got
        raise AssertionError(f"{last} did not come: {got}")

    def broker_down(self) -> None:
        self._on(100 * SECOND)

    def broker_up(self) -> None:
        self._on(111 * SECOND)

    def cut(self, name: str) -> None:
        self._on(50 * SECOND)

    def heal(self, name: str) -> None:
        self._on(61 * SECOND)

    def gaps(self, name: str) -> int:
        return len(self.line.gaps(name, SECOND, self.now_ns))

    def close(self) -> None: ...


class Real:
    """Clients over MQTT, each with a way of its own to the broker."""

    def __init__(self, broker: Broker | Mosquitto):
        self.broker = broker
        self.lines: dict[str, LineMqtt] = {}
        self.ways: dict[str, Way] = {}

    def connect(self, name: str, will: Will | None = None) -> None:
        if name not in self.ways:
            self.ways[name] = Way(self.broker.url)
        self.lines[name] = LineMqtt(self.ways[name].url, name, prefix="line/v1", will=will)
        self.lines[name].connect()

    def disconnect(self, name: str) -> None:
        assert self.lines.pop(name).close()

    def lose(self, name: str) -> None:
        self.ways[name].cut()
        self.lines.pop(name).close(0.0)
        self.ways[name].heal()

    def publish(self, name: str, payload: str, topic: str = TOPIC, *, retain: bool = False) -> None:
        self.lines[name].publish(topic, payload.encode(), retain=retain)

    def take(self, name: str, *last: str) -> list[Delivered]:
        return take(self.lines[name], lambda got: set(last) <= set(texts(got)))

    def broker_down(self) -> None:
        if isinstance(self.broker, Mosquitto):
            self.broker.until_saved(*self.ways)
        self.broker.kill()
        until(lambda: not any(line.connected for line in self.lines.values()))

    def broker_up(self) -> None:
        self.broker.start()
        until(lambda: all(line.connected for line in self.lines.values()))

    def cut(self, name: str) -> None:
        self.ways[name].cut()
        until(lambda: not self.lines[name].connected)

    def heal(self, name: str) -> None:
        self.ways[name].heal()
        until(lambda: self.lines[name].connected)

    def gaps(self, name: str) -> int:
        return len(self.lines[name].gaps(0, 1 << 62)) - 1

    def close(self) -> None:
        for line in self.lines.values():
            line.close(0.0)
        for way in self.ways.values():
            way.close()
        self.broker.close()


@pytest.fixture(params=["virtual", "amqtt", "mosquitto"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "virtual":
        yield Virtual()
        return
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "amqtt":
            oracle("amqtt", "broker")
            broker: Broker | Mosquitto = Broker()
        else:
            broker = Mosquitto(mosquitto(), Path(folder))
        world = Real(broker)
        try:
            broker.start()
            yield world
        finally:
            world.close()


def texts(delivered: list[Delivered]) -> list[str]:
    return [d.payload.decode() for d in delivered]


def first_times(delivered: list[Delivered]) -> list[str]:
    """Each once, where it came first."""
    return list(dict.fromkeys(texts(delivered)))


def numbered(name: str, count: int, first: int = 0) -> list[str]:
    return [f"{name} {number}" for number in range(first, first + count)]


def of(name: str, told: list[str]) -> list[str]:
    return [t for t in told if t.startswith(f"{name} ")]


def test_the_order_of_each_publisher_is_kept(world: World) -> None:
    for name in ("blue", "red", "monitor"):
        world.connect(name)
    for number in range(500):
        world.publish("blue", f"blue {number}")
        world.publish("red", f"red {number}")
    for reader in ("monitor", "blue"):
        got = texts(world.take(reader, "blue 499", "red 499"))
        assert of("blue", got) == numbered("blue", 500)
        assert of("red", got) == numbered("red", 500)


def test_what_is_retained_goes_to_who_connects_anew(world: World) -> None:
    world.connect("blue")
    world.publish("blue", "old", "line/v1/plan/1", retain=True)
    world.publish("blue", "new", "line/v1/plan/1", retain=True)
    world.publish("blue", "withdrawn", "line/v1/plan/2", retain=True)
    world.publish("blue", "", "line/v1/plan/2", retain=True)
    world.publish("blue", "kept", "line/v1/plan/3", retain=True)
    world.publish("blue", "over")
    assert not any(d.retained for d in world.take("blue", "over")), "to who was there it is new"
    world.connect("late")
    world.publish("blue", "end")
    got = world.take("late", "end")
    assert {(d.topic, d.payload) for d in got if d.retained} == {
        ("line/v1/plan/1", b"new"),
        ("line/v1/plan/3", b"kept"),
    }
    assert texts([d for d in got if not d.retained]) == ["end"]


def test_who_is_lost_has_a_last_will_and_who_leaves_has_not(world: World) -> None:
    world.connect("red", Will("line/v1/gone", b"red is gone"))
    world.connect("blue", Will("line/v1/gone", b"blue is gone"))
    world.connect("monitor")
    world.disconnect("blue")
    world.lose("red")
    assert texts(world.take("monitor", "red is gone")) == ["red is gone"]


def test_a_session_resumes(world: World) -> None:
    world.connect("blue")
    world.connect("red")
    world.disconnect("red")
    for text in numbered("blue", 50):
        world.publish("blue", text)
    world.take("blue", "blue 49")
    world.connect("red")
    assert texts(world.take("red", "blue 49")) == numbered("blue", 50)


def test_the_broker_is_killed_and_comes_back_and_nothing_is_lost(world: World) -> None:
    for name in ("blue", "red", "monitor", "away"):
        world.connect(name)
    world.publish("blue", "plan", "line/v1/plan/1", retain=True)
    world.disconnect("away")
    for number in range(100):
        world.publish("blue", f"blue {number}")
        world.publish("red", f"red {number}")
    world.broker_down()
    for number in range(100, 200):
        world.publish("blue", f"blue {number}")
        world.publish("red", f"red {number}")
    world.broker_up()
    for number in range(200, 300):
        world.publish("blue", f"blue {number}")
        world.publish("red", f"red {number}")
    world.connect("away")
    for reader in ("monitor", "red", "away"):
        got = world.take(reader, "blue 299", "red 299")
        told = first_times(got)
        assert of("blue", told) == numbered("blue", 300)
        assert of("red", told) == numbered("red", 300)
        assert b"plan" in [d.payload for d in got]
    assert (world.gaps("monitor"), world.gaps("blue")) == (1, 1)
    world.connect("late")
    assert [d.topic for d in world.take("late", "plan") if d.retained] == ["line/v1/plan/1"], "retained as before"


def test_a_client_that_is_cut_off_loses_nothing_and_the_others_notice_nothing(world: World) -> None:
    for name in ("blue", "red"):
        world.connect(name)
    for number in range(100):
        world.publish("blue", f"blue {number}")
    world.cut("red")
    for number in range(100, 200):
        world.publish("blue", f"blue {number}")
        world.publish("red", f"red {number}")
    assert of("red", texts(world.take("blue", "blue 199"))) == []
    assert world.gaps("blue") == 0
    world.heal("red")
    got = world.take("red", "blue 199", "red 199")
    assert of("blue", first_times(got)) == numbered("blue", 200)
    assert of("red", first_times(got)) == numbered("red", 100, 100)
    assert world.gaps("red") == 1
    assert of("red", first_times(world.take("blue", "red 199"))) == numbered("red", 100, 100)
