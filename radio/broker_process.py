"""The embedded broker's process: amqtt, made to keep its word at QoS 1 also when somebody or itself is lost.

amqtt alone forgets what is on its way to a client that is cut off (its issue 401), mixes what waited with what is new,
and keeps everything in memory. Here each session has one queue, in the order of publication; a document is written down
in it before its publisher is told that it is accepted, and leaves it once the client has acknowledged it. What is
overridden is below amqtt's public names: pyproject.toml bounds its version, and the tests named test_line hold it.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import setproctitle
from amqtt.broker import Broker as Amqtt, RetainedApplicationMessage
from amqtt.mqtt.constants import QOS_0, QOS_1
from amqtt.mqtt.publish import PublishPacket
from amqtt.plugins.base import BaseAuthPlugin

from radio.broker import KEEP
from radio.broker_store import BrokerStore

WINDOW = 100
"""Documents on their way to a client that it has not acknowledged."""
DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Everybody(BaseAuthPlugin):  # type: ignore[misc]
    """Lets everybody in, for it listens on loopback alone. amqtt's own way to do that takes their sessions away."""

    async def authenticate(self, *, session: Any) -> bool:
        """Yes."""
        return True


class Accepting(asyncio.Queue[Any]):
    """Where amqtt puts what a client publishes, to acknowledge it then: here it is stored before that."""

    def __init__(self, accept: Callable[[Any], Coroutine[Any, Any, None]]):
        super().__init__()
        self._accept = accept
        self._turn = asyncio.Lock()
        self._accepting: set[asyncio.Task[None]] = set()

    async def put(self, item: Any) -> None:
        """Accept it, after what came before."""
        async with self._turn:
            await self._accept(item)

    def put_nowait(self, item: Any) -> None:
        """The same for what is not to be acknowledged."""
        self._accepting.add(task := asyncio.create_task(self.put(item)))
        task.add_done_callback(self._accepting.discard)


class Waiting(NamedTuple):
    """A document that waits for a client; number 0 if it is not written down."""

    number: int
    topic: str
    payload: bytes
    retain: bool


class Outbox:
    """What waits for one client, in order."""

    def __init__(self) -> None:
        self.waiting: deque[Waiting] = deque()
        self.changed = asyncio.Event()

    def add(self, waiting: Waiting) -> None:
        """One more."""
        self.waiting.append(waiting)
        self.changed.set()


class StoringBroker(Amqtt):  # type: ignore[misc]
    """A broker at a port of 127.0.0.1 (0: a free one) with a store."""

    def __init__(self, store: BrokerStore, port: int):
        listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
        super().__init__({"listeners": listeners, "plugins": {f"{__name__}.{Everybody.__name__}": {}}})
        self._store = store
        self._outboxes: dict[str, Outbox] = {}
        self._served: set[str] = set()
        """Clients that are past the beginning of their connection."""
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._servers["default"].instance.sockets[0].getsockname()[1]
        return port

    async def _start_listeners(self) -> None:
        await self._restore()
        await super()._start_listeners()

    async def _restore(self) -> None:
        for client, topics, qos in self._store.subscriptions():
            if client not in self._sessions:
                handler, session = self.create_offline_session(client)
                self._sessions[client] = (session, handler)
            await self.add_subscription((topics, qos), self._sessions[client][0])
        for number, client, topic, payload, retain in self._store.waiting():
            self._outbox(client).add(Waiting(number, topic, payload, retain))
        for topic, payload, qos in self._store.retained():
            self._retained_messages[topic] = RetainedApplicationMessage(None, topic, payload, qos)

    # ------------------------------------------------------------ to clients

    def _outbox(self, client: str) -> Outbox:
        return self._outboxes.setdefault(client, Outbox())

    def _queue(self, session: Any, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Have a document delivered to a session; at QoS 0, to one that is there."""
        client = session.client_id
        if qos != QOS_0:
            number = 0 if session.clean_session else self._store.add(client, topic, data, retain=retain)
            self._outbox(client).add(Waiting(number, topic, data, retain))
        elif client in self._served:
            self._spawn(self._sessions[client][1].mqtt_publish(topic, data, QOS_0, retain=retain))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, session: Any, handler: Any) -> None:
        """Send a connected client what waits for it, up to a window ahead; it leaves the queue once acknowledged."""
        outbox = self._outbox(session.client_id)
        sent: deque[asyncio.Future[Any]] = deque()
        try:
            while True:
                outbox.changed.clear()
                delivered = []
                while sent and sent[0].done():
                    sent.popleft().result()  # cancelled if the connection has ended
                    delivered.append(outbox.waiting.popleft().number)
                self._store.delivered(delivered)
                while len(sent) < min(WINDOW, len(outbox.waiting)):
                    acknowledged = asyncio.get_running_loop().create_future()
                    acknowledged.add_done_callback(lambda _: outbox.changed.set())
                    sent.append(acknowledged)
                    await self._send(outbox.waiting[len(sent) - 1], acknowledged, session, handler)
                await outbox.changed.wait()
        except Exception:
            await handler.handle_connection_closed()

    async def _send(self, waiting: Waiting, acknowledged: Any, session: Any, handler: Any) -> None:
        packet_id = session.next_packet_id
        handler._puback_waiters[packet_id] = acknowledged
        acknowledged.add_done_callback(lambda _: handler._puback_waiters.pop(packet_id, None))
        packet = PublishPacket.build(waiting.topic, waiting.payload, packet_id, False, QOS_1, waiting.retain)
        await handler._send_packet(packet)

    async def _publish_session_retained_messages(self, session: Any) -> None:
        """Nothing: amqtt's own queue of what waits is not used."""

    async def _publish_retained_messages_for_subscription(self, subscription: tuple[str, int], session: Any) -> None:
        if session.client_id not in self._served:
            return  # a session that goes on has had them
        topics, qos = subscription
        for topic, retained in list(self._retained_messages.items()):
            if self._matches(topic, topics):
                self._queue(session, topic, bytes(retained.data), qos, retain=True)

    # ------------------------------------------------------------ from clients

    async def _initialize_client_session(self, *connection: Any) -> tuple[Any, Any]:
        handler, session = await super()._initialize_client_session(*connection)
        session.delivered_message_queue = Accepting(lambda message: self._accept(message, session, handler))
        return handler, session

    async def _accept(self, message: Any, session: Any, handler: Any) -> None:
        accepted = asyncio.get_running_loop().create_future()
        accepted.set_result(message)
        if not await self._handle_message_delivery(session, handler, accepted):
            await handler.handle_connection_closed()

    async def _broadcast_message(self, session: Any, topic: Any, data: Any, force_qos: int | None = None) -> None:
        """Queue a document for all who want it, before anything else is done."""
        targets: dict[str, tuple[Any, int]] = {}
        for topics, subscriptions in self._subscriptions.items():
            if self._matches(topic, topics):
                for target, qos in subscriptions:
                    targets[target.client_id] = (target, max(qos, targets.get(target.client_id, (None, 0))[1]))
        for target, qos in targets.values():
            self._queue(target, topic, bytes(data or b""), qos, retain=False)

    async def _client_message_loop(self, client_session: Any, handler: Any) -> None:
        delivering = asyncio.create_task(self._deliver(client_session, handler))
        self._served.add(client_session.client_id)
        try:
            await super()._client_message_loop(client_session, handler)
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
            if self._sessions.get(client_session.client_id, (None, handler))[1] is handler:  # and nobody took over
                self._served.discard(client_session.client_id)
                if client_session.clean_session:
                    self._outboxes.pop(client_session.client_id, None)

    async def add_subscription(self, subscription: tuple[str, int], session: Any) -> int:
        """One more; written down unless the session ends with the connection."""
        granted: int = await super().add_subscription(subscription, session)
        if granted <= QOS_1 and not session.clean_session:
            self._store.subscribe(session.client_id, subscription[0], granted)
        return granted

    def _del_subscription(self, a_filter: str, session: Any) -> int:
        if session.client_id in self._served:
            self._store.unsubscribe(session.client_id, a_filter)
        deleted: int = super()._del_subscription(a_filter, session)
        return deleted

    async def _delete_session(self, client_id: str) -> None:
        self._store.forget(client_id)
        self._outboxes.pop(client_id, None)
        await super()._delete_session(client_id)

    async def retain_message(self, source_session: Any, topic_name: Any, data: Any, qos: int | None = None) -> None:
        """Retain, or retain no longer."""
        self._store.retain(topic_name, bytes(data or b""), qos or 0)
        await super().retain_message(source_session, topic_name, data, qos)


async def serve(state: Path, port: int) -> None:
    """Tell the port on standard output, and serve until standard input says KEEP or ends.

    If it just ends, whoever started this is gone, and nobody else removes the folder.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    store = BrokerStore(state / "broker.sqlite")
    broker = StoringBroker(store, port)
    await broker.start()
    loop.add_reader(0, over.set)
    print(broker.port, flush=True)
    await over.wait()
    store.close()
    if os.read(0, len(KEEP)) != KEEP:
        shutil.rmtree(state, ignore_errors=True)
    os._exit(0)  # all is stored; amqtt's own end would wait for clients, and speak for them as if they were lost


def main() -> None:
    """Started by `radio.broker.Broker` with a folder for what must not be forgotten, and a port."""
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    setproctitle.setproctitle("airaccord broker")
    logging.disable(logging.CRITICAL)
    folder, port = sys.argv[1:]
    asyncio.run(serve(Path(folder), int(port)))


if __name__ == "__main__":
    main()
