"""What one aircraft says to another that can be about the way between them: a call, or WILCO to one that asks."""

from typing import TypeGuard

from protocol.accounts import Account
from protocol.clauses.base import World
from protocol.clauses.c6_4 import ALLOWED
from protocol.messages import Ack, Hail, MessageType, Result


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
