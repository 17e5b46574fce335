"""What a broker must not forget when it is killed, in a file: sessions, what waits for them, what is retained.

SQLite without waiting for the disk: a process that is killed loses nothing, a machine that loses its power may.
"""

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS subscription (client TEXT, filter TEXT, qos INTEGER, PRIMARY KEY (client, filter));
CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY, client TEXT, topic TEXT, payload BLOB, retain INTEGER);
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, payload BLOB, qos INTEGER);
"""


class BrokerStore:
    """The file. `number` counts what waits, over all clients and over restarts."""

    def __init__(self, path: Path):
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {TABLES}")
        (newest,) = self._database.execute("SELECT max(number) FROM waiting").fetchone()
        self._number: int = newest or 0

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def subscriptions(self) -> list[tuple[str, str, int]]:
        """Client, filter and QoS of each."""
        return self._database.execute("SELECT client, filter, qos FROM subscription ORDER BY rowid").fetchall()

    def waiting(self) -> list[tuple[int, str, str, bytes, bool]]:
        """Number, client, topic, payload and whether it was retained, of what waits; the oldest first."""
        rows = self._database.execute("SELECT number, client, topic, payload, retain FROM waiting ORDER BY number")
        return [(number, client, topic, payload, bool(retain)) for number, client, topic, payload, retain in rows]

    def retained(self) -> list[tuple[str, bytes, int]]:
        """Topic, payload and QoS of each."""
        return self._database.execute("SELECT topic, payload, qos FROM retained").fetchall()

    def subscribe(self, client: str, topics: str, qos: int) -> None:
        """A client's subscription, new or changed."""
        self._database.execute("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?)", (client, topics, qos))

    def unsubscribe(self, client: str, topics: str) -> None:
        """One that is no more."""
        self._database.execute("DELETE FROM subscription WHERE client = ? AND filter = ?", (client, topics))

    def forget(self, client: str) -> None:
        """A session that is no more."""
        self._database.execute("DELETE FROM subscription WHERE client = ?", (client,))
        self._database.execute("DELETE FROM waiting WHERE client = ?", (client,))

    def add(self, client: str, topic: str, payload: bytes, *, retain: bool) -> int:
        """Something more that waits for a client; its number."""
        self._number += 1
        row = (self._number, client, topic, payload, retain)
        self._database.execute("INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", row)
        return self._number

    def delivered(self, numbers: list[int]) -> None:
        """These have been delivered."""
        self._database.executemany("DELETE FROM waiting WHERE number = ?", [(n,) for n in numbers])

    def retain(self, topic: str, payload: bytes, qos: int) -> None:
        """What is retained for a topic; no bytes: nothing."""
        if payload:
            self._database.execute("INSERT OR REPLACE INTO retained VALUES (?, ?, ?)", (topic, payload, qos))
        else:
            self._database.execute("DELETE FROM retained WHERE topic = ?", (topic,))
