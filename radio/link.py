"""A link as a station sees it: what carries messages between one station and a hub. The contract, and nothing else.

`radio.check_link` holds a link against it; docs/links.md says what each of ours guarantees and what it does not.
"""

from typing import Protocol

from radio.envelope import FromHub, FromStation


class LinkError(Exception):
    """A station cannot take part, or no longer; the text says why."""


class Refused(LinkError):
    """The hub did not let the station take part."""


class LinkLost(LinkError):
    """The hub cannot be reached, or the link is closed."""


class CutOff(LinkError):
    """The hub set the station aside, or another hub took over: what was said lately may be lost.

    To go on, leave the `async with` and enter it again: that is another life, with a new session.
    """


class RunOver(LinkError):
    """The run is over: nothing can be sent any more."""


class Link(Protocol):
    """The station's end. It opens when HELLO is sent, and after `close` it opens anew in the same way.

    Messages arrive in the order in which they were sent, each at most once. One task sends and one receives at a time.
    """

    async def send(self, message: FromStation) -> None:
        """Hand a message over to the hub. Raises BadEnvelope for one that cannot travel, and LinkLost."""
        ...

    async def receive(self) -> FromHub:
        """What the hub says next. Whoever gives up waiting loses nothing. Raises LinkLost."""
        ...

    async def close(self) -> None:
        """Close the connection, after what was sent has left; once more does no harm."""
        ...
