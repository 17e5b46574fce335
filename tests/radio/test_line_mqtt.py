"""The client over MQTT, on both brokers: what it promises to a process that polls, and what it says of trouble."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from radio import broker as broker_module, line_mqtt, line_session
from radio.broker import Broker
from radio.broker_address import CA, PASSWORD, USER, LineError, LineUnreachable, broker_address
from radio.line import Will
from radio.line_mqtt import LineMqtt
from tests.oracles import mosquitto, oracle
from tests.radio.line_brokers import Mosquitto, Way, certificate, guarded_by, runs, take, until

TOPIC = "line/v1/note"
Connect = Callable[..., LineMqtt]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Clients that are closed at the end, whatever happens."""
    lines: list[LineMqtt] = []

    def make(url: str, name: str, **how) -> LineMqtt:
        how.setdefault("environment", {})
        line = LineMqtt(url, name, prefix="line/v1", **how)
        line.connect()
        lines.append(line)
        return line

    yield make
    for line in lines:
        line.close(0.0)


def numbers(delivered) -> list[int]:
    return [int(d.payload) for d in delivered]


# ---------------------------------------------------------------- documents


def test_a_stalled_subscriber_loses_nothing_and_keeps_little(broker, connect) -> None:
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    for number in range(3_000):
        blue.publish(TOPIC, b"%d" % number)
    take(blue, lambda got: len(got) >= 3_000)
    assert blue.flush(30.0)
    assert len(red._incoming._waiting) <= 2 * line_session.WINDOW, "the rest waits at the broker"
    assert numbers(take(red, lambda got: len(got) >= 3_000)) == list(range(3_000))


def test_the_broker_is_killed_with_thousands_of_documents_for_a_stalled_subscriber(broker, connect) -> None:
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    for number in range(2_000):
        blue.publish(TOPIC, b"%d" % number)
    assert blue.flush(30.0)
    if isinstance(broker, Mosquitto):
        broker.until_saved("blue", "red", "1999")
    broker.kill()
    until(lambda: not blue.connected)
    blue.publish(TOPIC, b"2000")
    broker.start()
    got = numbers(take(red, lambda got: any(d.payload == b"2000" for d in got)))
    assert list(dict.fromkeys(got)) == list(range(2_001))


def test_who_says_all_in_one_breath_and_leaves_is_heard(broker, connect) -> None:
    red = connect(broker.url, "red")

    def packet(kind: int, body: bytes) -> bytes:
        return bytes([kind, len(body)]) + body

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    connecting = packet(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text("hasty"))
    saying = b"".join(packet(0x32, text(TOPIC) + struct.pack(">H", n + 1) + b"%d" % n) for n in range(300))
    with socket.create_connection(("127.0.0.1", int(broker.url.rpartition(":")[2]))) as hasty:
        hasty.sendall(connecting)
        assert hasty.recv(4) == bytes([0x20, 2, 0, 0])
        hasty.sendall(saying + packet(0xE0, b""))
        hasty.settimeout(10.0)
        while hasty.recv(4_096):
            pass
    assert numbers(take(red, lambda got: len(got) >= 300)) == list(range(300))


def test_what_is_not_acknowledged_waits(broker, connect) -> None:
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    assert blue.flush(0.0)
    broker.kill()
    until(lambda: not blue.connected and not red.connected)
    blue.publish(TOPIC, b"1")
    blue.publish(TOPIC, b"2")
    assert not blue.flush(0.05)
    assert blue.unsent == 2
    broker.start()
    assert blue.flush(30.0)
    assert numbers(take(red, lambda got: len(got) >= 2)) == [1, 2]


def test_a_poller_wakes_when_something_can_be_read_and_only_then(broker, connect) -> None:
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    poller = zmq.Poller()
    poller.register(red.fileno(), zmq.POLLIN)
    assert poller.poll(0) == []
    blue.publish(TOPIC, b"1")
    blue.publish(TOPIC, b"2")
    for _ in range(2):
        assert poller.poll(30_000) == [(red.fileno(), zmq.POLLIN)]
        assert red.receive() is not None
    assert red.receive() is None
    assert poller.poll(0) == []


def test_what_a_broker_sends_beyond_all_bounds_is_not_taken_and_not_lost(broker, connect, monkeypatch) -> None:
    monkeypatch.setattr(line_mqtt, "MOST_UNREAD", 5)
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    for number in range(50):
        blue.publish(TOPIC, b"%d" % number)
    until(lambda: "5 documents wait to be read" in str(red.trouble))
    assert len(red._incoming._waiting) == 5
    monkeypatch.setattr(line_mqtt, "MOST_UNREAD", 10_000)
    got = numbers(take(red, lambda got: any(d.payload == b"49" for d in got)))
    assert list(dict.fromkeys(got)) == list(range(50))


def test_too_much_unsent_is_refused(broker, connect, monkeypatch) -> None:
    monkeypatch.setattr(line_mqtt, "MOST_UNSENT", 3)
    blue = connect(broker.url, "blue")
    broker.kill()
    until(lambda: not blue.connected)
    for _ in range(3):
        blue.publish(TOPIC, b"1")
    with pytest.raises(LineError, match="3 documents wait for the broker"):
        blue.publish(TOPIC, b"1")
    assert blue.unsent == 3


def test_a_session_that_is_to_be_forgotten_is(broker, connect) -> None:
    blue, red = connect(broker.url, "blue"), connect(broker.url, "red")
    assert red.close(forget=True)
    blue.publish(TOPIC, b"1")
    assert blue.flush(30.0)
    again = connect(broker.url, "red")
    blue.publish(TOPIC, b"2")
    assert numbers(take(again, lambda got: len(got) >= 1)) == [2]


def test_a_will_on_a_broker_that_was_restarted(broker, connect) -> None:
    blue = connect(broker.url, "blue")
    red = connect(broker.url, "red", will=Will("line/v1/gone", b"7"))
    broker.kill()
    until(lambda: not red.connected and not blue.connected)
    broker.start()
    until(lambda: red.connected and blue.connected)
    red._loop.call_soon_threadsafe(red._session._connection._sock.shutdown, socket.SHUT_RDWR)  # nothing said
    assert numbers(take(blue, lambda got: len(got) >= 1)) == [7]


def test_acknowledgements_do_not_wait_for_company(broker, connect) -> None:
    blue = connect(broker.url, "blue")
    assert blue._session._connection.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# ---------------------------------------------------------------- the connection


def test_a_broker_that_falls_silent_is_a_gap_from_its_last_word(broker, connect, monkeypatch) -> None:
    monkeypatch.setattr(line_session, "KEEPALIVE_S", 1)
    at_ns = [0]
    blue = connect(broker.url, "blue", clock=lambda: at_ns[0])
    at_ns[0] = 1_000
    blue.publish(TOPIC, b"1")
    take(blue, lambda got: len(got) == 1)
    assert blue.flush(30.0)
    os.kill(broker.pid, signal.SIGSTOP)
    at_ns[0] = 5_000
    until(lambda: not blue.connected)
    assert "fell silent" in str(blue.trouble)
    assert blue.gaps(0, 6_000) == ((1_000, 6_000),)
    os.kill(broker.pid, signal.SIGCONT)
    at_ns[0] = 7_000
    until(lambda: blue.connected)
    assert blue.gaps(0, 9_000) == ((1_000, 7_000),)


def test_who_was_stopped_himself_has_a_gap_from_when_he_last_was_at_work(broker, connect, monkeypatch) -> None:
    monkeypatch.setattr(line_session, "TICK_S", 60.0)
    monkeypatch.setattr(line_session, "ASLEEP_S", 0.0)
    at_ns = [1_000]
    blue = connect(broker.url, "blue", clock=lambda: at_ns[0])
    until(lambda: blue._incoming._ticked_ns == 1_000)
    at_ns[0] = 5_000
    broker.kill()
    until(lambda: not blue.connected)
    assert blue.gaps(0, 6_000) == ((1_000, 6_000),)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_line_that_breaks_itself_says_so_and_nobody_waits_for_ever(monkeypatch) -> None:
    async def broken(self: object, forget: object) -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr(line_session.Session, "run", broken)
    assert "the line itself broke (RuntimeError('of all things'))" in str(refused("mqtt://127.0.0.1:1", {}))


def test_a_broker_that_forgets_everything_is_told_again_by_who_is_there(connect, tmp_path) -> None:
    made = Mosquitto(mosquitto(), tmp_path, "allow_anonymous true", "persistence false")
    made.start()
    way = Way(made.url)
    try:
        blue, red = connect(made.url, "blue"), connect(way.url, "red")
        blue.publish("line/v1/plan/1", b"1", retain=True)
        for number in range(2, 400):  # more than red has room for on its way
            blue.publish(TOPIC, b"%d" % number)
        assert blue.flush(30.0)
        way.cut()
        made.kill()
        until(lambda: not blue.connected and not red.connected)
        blue.publish(TOPIC, b"400")
        made.start()
        until(lambda: blue.connected)
        way.heal()  # red is back later than blue
        got = numbers(take(red, lambda got: any(d.payload == b"400" for d in got)))
        assert list(dict.fromkeys(got)) == list(range(1, 401))
        late = connect(made.url, "late")
        assert [(d.payload, d.retained) for d in take(late, lambda got: len(got) >= 1)] == [(b"1", True)]
    finally:
        way.close()
        made.close()


def test_what_is_retained_is_retained_again_by_a_broker_that_forgot(connect, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(line_session, "KEPT_S", 0.0)
    monkeypatch.setattr(line_session, "GRACE_S", 0.0)
    made = Mosquitto(mosquitto(), tmp_path, "allow_anonymous true", "persistence false")
    try:
        made.start()
        blue = connect(made.url, "blue")
        for plan, payload in (("a", b"1"), ("b", b"2"), ("a", b"3"), ("c", b"4"), ("c", b"")):
            blue.publish(f"line/v1/plan/{plan}", payload, retain=True)
        assert blue.flush(30.0)
        made.kill()
        until(lambda: not blue.connected)
        made.start()
        until(lambda: blue.connected and len(blue.gaps(0, 1 << 62)) == 2)
        blue.publish(TOPIC, b"5")
        take(blue, lambda got: any(d.payload == b"5" for d in got))
        late = connect(made.url, "late")
        got = take(late, lambda got: len(got) >= 2)
        assert {(d.topic, d.payload, d.retained) for d in got} == {
            ("line/v1/plan/a", b"3", True),
            ("line/v1/plan/b", b"2", True),
        }
    finally:
        made.close()


def test_nothing_is_left_behind(broker, connect) -> None:
    def there() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/dev/fd"))

    before = there()
    for _ in range(3):
        with LineMqtt(broker.url, "blue", prefix="line/v1", environment={}) as blue:
            blue.publish(TOPIC, b"1")
    with pytest.raises(LineError):
        LineMqtt("mqtt://127.0.0.1:1", "blue", prefix="line/v1", environment={}).connect(0.2)
    assert there() == before
    broker.kill()
    with pytest.raises(LineUnreachable):
        LineMqtt(broker.url, "blue", prefix="line/v1", environment={}).connect(0.2)


# ---------------------------------------------------------------- the embedded broker


@pytest.fixture
def embedded() -> Iterator[Broker]:
    oracle("amqtt", "broker")
    with Broker() as made:
        yield made


def test_the_embedded_broker_keeps_its_port_and_leaves_nothing_behind(embedded) -> None:
    url, state, pids = embedded.url, Path(embedded._state or ""), [embedded.pid]
    embedded.kill()
    assert embedded.pid is None
    embedded.start()
    pids.append(embedded.pid)
    embedded.stop()
    embedded.start()
    pids.append(embedded.pid)
    assert embedded.url == url
    assert state.is_dir()
    embedded.close()
    assert not state.exists()
    assert not any(runs(pid) for pid in pids)


def test_an_embedded_broker_that_is_stopped_publishes_no_wills(embedded, connect) -> None:
    blue = connect(embedded.url, "blue")
    red = connect(embedded.url, "red", will=Will("line/v1/gone", b"7"))
    embedded.stop()
    until(lambda: not blue.connected and not red.connected)
    embedded.start()
    until(lambda: blue.connected and red.connected)
    blue.publish(TOPIC, b"8")
    assert numbers(take(blue, lambda got: len(got) >= 1)) == [8]


def test_what_the_embedded_broker_has_accepted_it_has_stored(embedded, connect, monkeypatch) -> None:
    monkeypatch.setattr(line_session, "KEPT_S", 0.0)  # nobody says it again
    red, blue = connect(embedded.url, "red"), connect(embedded.url, "blue")
    red.close()
    blue.publish("line/v1/plan/1", b"0", retain=True)
    for number in range(1, 1_500):
        blue.publish(TOPIC, b"%d" % number)
    until(lambda: blue.unsent < 1_400)
    embedded.kill()
    assert blue.unsent > 0, "in the middle of it"
    embedded.start()
    assert blue.flush(30.0)
    got = numbers(take(connect(embedded.url, "red"), lambda got: any(d.payload == b"1499" for d in got)))
    assert list(dict.fromkeys(got)) == list(range(1_500))
    assert take(connect(embedded.url, "late"), lambda got: len(got) >= 1)[0][2:] == (b"0", True)


def test_the_embedded_broker_ends_with_who_started_it() -> None:
    oracle("amqtt", "broker")
    program = (
        "from radio.broker import Broker; import sys; b = Broker(); b.start(); print(b.pid, b._state, flush=True);"
        "sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    pid, state = starter.stdout.readline().split()
    starter.kill()
    starter.wait()
    starter.stdin.close()
    starter.stdout.close()
    until(lambda: not runs(int(pid)))
    assert not Path(state).exists()


def test_the_embedded_broker_is_deaf_to_what_ends_a_run(embedded, connect) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(embedded.pid, number)
    connect(embedded.url, "blue")


def test_without_the_extra_there_is_a_clear_message(monkeypatch) -> None:
    monkeypatch.setattr(broker_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LineError, match=r"pip install 'airaccord\[broker\]'.*--broker"):
        Broker().start()


def test_an_embedded_broker_that_does_not_start_leaves_nothing_behind(monkeypatch, tmp_path) -> None:
    oracle("amqtt", "broker")
    monkeypatch.setattr(broker_module.sys, "executable", "/bin/false")
    monkeypatch.setattr(broker_module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(LineError, match="the embedded broker does not start: it said nothing"):
        Broker().start()
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_somebody_took_meanwhile(embedded) -> None:
    embedded.kill()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", embedded._port))
        other.listen()
        with pytest.raises(LineError, match=rf"does not start at port {embedded._port}: .*in use"):
            embedded.start()


# ---------------------------------------------------------------- no way in


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("127.0.0.1:1883", "a broker is named like"),
        ("tcp://127.0.0.1:1883", "a broker is named like"),
        ("mqtt://", "a broker is named like"),
        ("mqtt://127.0.0.1:99999", "a broker is named like"),
        ("mqtt://127.0.0.1:0", "a broker is named like"),
        ("mqtt://127.0.0.1:port", "a broker is named like"),
        ("mqtt://[::1", "a broker is named like"),
        ("mqtt://127.0.0.1/topic", "a broker is named like"),
        ("mqtt://me:secret@127.0.0.1", "names no user: give user and password in AIRACCORD_BROKER_USER"),
    ],
)
def test_a_url_that_cannot_be_right(url: str, expected: str) -> None:
    with pytest.raises(LineError, match=expected) as told:
        LineMqtt(url, "blue", prefix="line/v1", environment={})
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_what_a_url_stands_for() -> None:
    assert broker_address("mqtt://broker.example", {})[:5] == (
        "mqtt://broker.example:1883",
        "broker.example",
        1883,
        None,
        None,
    )
    secure = broker_address("mqtts://[::1]/", {USER: "u", PASSWORD: "p"})
    assert secure[:5] == ("mqtts://[::1]:8883", "::1", 8883, "u", "p")
    assert secure.tls is not None


def test_a_password_without_a_user() -> None:
    with pytest.raises(LineError, match=f"{PASSWORD} is set and {USER} is not"):
        broker_address("mqtt://127.0.0.1", {PASSWORD: "p"})


def refused(url: str, environment: dict[str, str], patience_s: float = 20.0) -> LineError:
    with pytest.raises(LineError) as told:
        LineMqtt(url, "blue", prefix="line/v1", environment=environment).connect(patience_s)
    assert "\n" not in str(told.value)
    return told.value


def test_no_broker_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began_s = time.monotonic()
    error = refused(f"mqtt://127.0.0.1:{port}", {}, 0.3)
    assert time.monotonic() - began_s < 5.0
    assert isinstance(error, LineUnreachable)
    assert str(error).startswith(f"mqtt://127.0.0.1:{port}: no broker there (connection refused): start one")
    assert "no broker there" in str(refused("mqtt://no.such.host.invalid", {}, 2.0))


def test_what_listens_there_is_no_broker(monkeypatch) -> None:
    monkeypatch.setattr(line_session, "ANSWER_S", 0.1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        assert "does not answer as a broker does" in str(refused(url, {}, 0.5))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that wants user and password."""
    made = guarded_by(mosquitto(), tmp_path, "blue", "right")
    try:
        made.start()
        yield made
    finally:
        made.close()


def test_user_and_password(guarded, connect) -> None:
    connect(guarded.url, "blue", environment={USER: "blue", PASSWORD: "right"})
    wrong = str(refused(guarded.url, {USER: "blue", PASSWORD: "wrong"}))
    assert wrong == f"{guarded.url}: the broker does not let user 'blue' in: set {USER} and {PASSWORD}"
    assert "a client without user and password" in str(refused(guarded.url, {}))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_certificates(host: str, tmp_path: Path, connect) -> None:
    program = mosquitto()
    certificate(tmp_path, "broker", host, certificate(tmp_path, "authority", ""))
    certificate(tmp_path, "stranger", "")
    files = (f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key", f"cafile {tmp_path}/authority.pem")
    made = Mosquitto(program, tmp_path, "allow_anonymous true", *files, scheme="mqtts")
    trusted = {CA: str(tmp_path / "authority.pem")}
    try:
        made.start()
        if host == "127.0.0.1":
            line = connect(made.url, "blue", environment=trusted)
            line.publish(TOPIC, b"1")
            assert numbers(take(line, lambda got: len(got) == 1)) == [1]
        else:
            text = str(refused(made.url, trusted))
            assert text.startswith(f"{made.url}: the broker's certificate is not accepted (IP address mismatch")
            assert text.endswith(f"name its authority's file in {CA}")
        for elsewhere in ({}, {CA: str(tmp_path / "stranger.pem")}):
            assert "certificate is not accepted" in str(refused(made.url, elsewhere))
    finally:
        made.close()


def test_an_authority_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LineError, match=f"{CA}: .*missing.pem: No such file"):
        broker_address("mqtts://127.0.0.1", {CA: str(tmp_path / "missing.pem")})
    (tmp_path / "empty.pem").touch()
    with pytest.raises(LineError, match=f"{CA}: .*empty.pem: no certificates in it"):
        broker_address("mqtts://127.0.0.1", {CA: str(tmp_path / "empty.pem")})


def test_tls_to_a_broker_that_speaks_plainly(guarded) -> None:
    assert "does not speak TLS: try mqtt://" in str(refused(guarded.url.replace("mqtt:", "mqtts:"), {}))
