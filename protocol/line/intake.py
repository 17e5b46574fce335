"""What a client takes from the line: only documents that are whole, signed, and new. Memory is bounded."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from protocol.line.documents import Document
from protocol.line.envelope import Keys, Reason, Refused, open_sealed
from protocol.units import NS_PER_S

EARLY_NS = 5 * NS_PER_S
"""How far ahead of the receiver's clock a document may be dated."""
REMEMBERED = 4096
"""How many documents of each sender are remembered, to know them again."""


class Refusal(NamedTuple):
    """Something that came and was not taken.

    `sender` is whom it names, if it came so far that this can be said. Only if `signed` did the sender make it so:
    otherwise anybody may have sent it.
    """

    reason: Reason
    detail: str
    topic: str
    at_ns: int
    sender: str
    signed: bool


_NEVER = (-1, 0)
"""Before every document."""


class _Sender:
    """Which documents of one sender were taken.

    They may come in another order than they were written in: after a new connection retained ones of long ago come,
    and a last will is signed long before it is sent. So each number is taken once, in whatever order, while it is
    remembered; below what was forgotten only what may come late, and only if nothing newer came under its topic.
    """

    def __init__(self) -> None:
        self._taken: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._topics: OrderedDict[str, tuple[tuple[int, int], str]] = OrderedDict()
        self._forgotten = _NEVER

    def repetition(self, document: Document) -> Reason | None:
        """Why a document is not new; None if it is."""
        digest = self._taken.get(document.order)
        if digest is None:
            if document.order > self._forgotten:
                return None
            order, digest = self._topics.get(document.topic, (_NEVER, ""))
            if document.body.may_come_late and document.order > order:
                return None
        return Reason.REPEATED if digest == document.digest else Reason.REPLAYED

    def take(self, document: Document) -> None:
        """Remember one that is new, and forget the oldest."""
        self._taken[document.order] = document.digest
        if len(self._taken) > REMEMBERED:
            self._forgotten = max(self._forgotten, self._taken.popitem(last=False)[0])
        if document.body.may_come_late and document.order > self._topics.get(document.topic, (_NEVER, ""))[0]:
            self._topics[document.topic] = (document.order, document.digest)
            self._topics.move_to_end(document.topic)
            if len(self._topics) > REMEMBERED:
                self._topics.popitem(last=False)


class Intake:
    """Takes whatever came under the agreement's topics, and tells documents to act on from all the rest.

    `agreement` is the digest of the terms, `keys` the public keys of the annexes in hex, by client. What is new to this
    intake may still be old, or sent by somebody who recorded it: what a document says, it says of its `at_ns`.
    """

    def __init__(self, agreement: str, keys: Mapping[str, str], early_ns: int = EARLY_NS):
        self._agreement, self._keys, self._early_ns = agreement, Keys(dict(keys)), early_ns
        self._senders = {client: _Sender() for client in keys}
        self.refused: Counter[Reason] = Counter()
        self.taken: Counter[str] = Counter()
        """By kind."""

    def take(self, topic: str, payload: bytes, at_ns: int) -> Document | Refusal:
        """What came under a topic at an instant (medium time): a document, each once, or why it is none to act on."""
        try:
            document = open_sealed(topic, payload, self._agreement, self._keys)
            self._check_new(document, at_ns)
        except Refused as refused:
            self.refused[refused.reason] += 1
            return Refusal(refused.reason, refused.detail, topic, at_ns, refused.sender, refused.signed)
        self.taken[document.kind] += 1
        return document

    def _check_new(self, document: Document, at_ns: int) -> None:
        sender = self._senders[document.sender]
        if reason := sender.repetition(document):
            # anybody who listens can send a text again
            raise Refused(reason, document.id, document.sender)
        if document.at_ns > at_ns + self._early_ns:
            raise Refused(Reason.EARLY, f"{(document.at_ns - at_ns) / NS_PER_S:.3f} s", document.sender, signed=True)
        sender.take(document)
