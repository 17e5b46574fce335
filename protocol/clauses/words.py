"""Calls and answers: what may be answered to what, and what of it can be about the way between two aircraft."""

from typing import TypeGuard

from protocol.accounts import Account, Booked
from protocol.clauses.base import World
from protocol.messages import Ack, FrequencyChange, Hail, MessageType, Phrase, Result

_SAID = frozenset({Result.ROGER, Result.UNABLE, Result.STANDBY, Result.SAY_AGAIN})
_TO_DO = frozenset({Result.WILCO, Result.UNABLE, Result.STANDBY, Result.SAY_AGAIN})
ALLOWED = {
    Phrase.CONTACT: _SAID,
    Phrase.STATE_INTENTION: _SAID,
    Phrase.KEEP_CLEAR: _TO_DO,
    Phrase.YOU_ARE_CLOSING: _SAID | _TO_DO,
    Phrase.CHANGE_FREQUENCY: _TO_DO,
    Phrase.SAY_AGAIN: _SAID - {Result.SAY_AGAIN},
}
"""What may be answered to a HAIL; to a FREQUENCY CHANGE as to CHANGE_FREQUENCY, to an EMERGENCY anything."""


def allowed(asked: object) -> frozenset[Result]:
    if isinstance(asked, Hail):
        return ALLOWED[asked.phrase]
    return _TO_DO if isinstance(asked, FrequencyChange) else frozenset(Result)


def to_read_back(asked: object) -> int | None:
    """What a WILCO has to read back."""
    if isinstance(asked, FrequencyChange):
        return asked.to_channel
    if isinstance(asked, Hail) and asked.phrase is Phrase.CHANGE_FREQUENCY:
        return asked.reply_channel
    return None


def is_right(asked: Booked, ack: Ack) -> bool:
    message = asked.frame.message
    if ack.result not in allowed(message):
        return False
    must = to_read_back(message)
    return ack.result is not Result.WILCO or must is None or ack.read_back == must


def asks(hail: Hail, addressee: int) -> bool:
    """Whether a call to somebody is one to which WILCO is an answer."""
    return hail.addressee == addressee and Result.WILCO in ALLOWED[hail.phrase]


def is_word(message: object, source: int, world: World) -> TypeGuard[Hail | Ack]:
    """Whether it is a call, or WILCO to one; not to one that was heard and asks for nothing."""
    if isinstance(message, Hail):
        return True
    if not isinstance(message, Ack) or message.answers_type is not MessageType.HAIL:
        return False
    if message.result is not Result.WILCO:
        return False
    caller = world.accounts.get((message.addressee, message.answers_session))
    heard = reversed(caller.hails) if caller else iter(())
    hail = next((b.frame.message for b in heard if b.frame.sequence == message.answers_sequence), None)
    return not isinstance(hail, Hail) or asks(hail, source)


def heard_every_word(account: Account, since_ns: int, asked_ns: int | None) -> bool:
    """Whether every HAIL of a session was heard since an instant, up to the last count, and every ACK that can be a
    WILCO: those since it can first have been asked for something (None: it was not)."""
    if not account.counts or account.unheard_hails_since(since_ns, account.counts[-1]) != 0:
        return False
    return asked_ns is None or account.unheard_acks(asked_ns, account.counts[-1]) == 0
