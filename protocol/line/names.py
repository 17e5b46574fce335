"""What clients are called on the ground line, and the topics of their documents."""

import re
from collections.abc import Iterable

PROTOCOL = "airaccord/v1"
"""What every topic begins with."""
VERSION = 1
"""Of the documents: their `v`."""
CLIENT_PATTERN = r"^[a-z0-9-]{1,64}$"
MONITOR = "monitor-"
"""What the name of every monitor begins with, and of nobody else."""


def client_of_party(party: str) -> str:
    """The name of a party's headquarters: lower case, and "-" for everything but a-z and 0-9."""
    return re.sub(r"[^a-z0-9]", "-", party.lower())


def client_of_monitor(monitor: str) -> str:
    """The name of a monitor, which the recording calls `monitor`: `mon_1` is `monitor-mon-1`."""
    return MONITOR + client_of_party(monitor)


def is_monitor(client: str) -> bool:
    """Whether a client is a monitor; otherwise it is a headquarters."""
    return client.startswith(MONITOR)


def clients(parties: Iterable[str], monitors: Iterable[str]) -> dict[str, str]:
    """Every client by its name, as "party coalition" or "monitor mon_1".

    Raises ValueError where a name is too long, or two clients would have the same one.
    """
    named = [(client_of_party(p), f"party {p}") for p in parties]
    if taken := next((who for client, who in named if is_monitor(client)), None):
        raise ValueError(f"{taken} would be taken for a monitor on the ground line: its name begins with {MONITOR!r}")
    found: dict[str, str] = {}
    for client, who in [*named, *((client_of_monitor(m), f"monitor {m}") for m in monitors)]:
        if not re.fullmatch(CLIENT_PATTERN, client):
            raise ValueError(f"{who} has no name on the ground line: {client!r} is not 1 to 64 letters long")
        if client in found:
            raise ValueError(f"{found[client]} and {who} would both be called {client!r} on the ground line")
        found[client] = who
    return found


def prefix(agreement: str) -> str:
    """What all topics under an agreement begin with, by its digest; subscribe to this and `/#`."""
    return f"{PROTOCOL}/{agreement}"


def topic(agreement: str, kind: str, sender: str, parts: tuple[str, ...] = ()) -> str:
    """The topic of a document; `parts` tell apart the retained documents of one kind."""
    return "/".join((prefix(agreement), kind, sender, *parts))
