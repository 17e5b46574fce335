"""How improbable the losses behind an open finding are: said beside it, and never a reason for a verdict.

A monitor loses frames of every station; here they are counted by sequence numbers. How probable it is that it lost as
many as are missing in one stretch follows from the share that it lost of the station's frames in the whole recording,
**if each frame is lost or heard independently of the others**. Where losses come in bursts (a jammer, a turn away, the
edge of range) many together are less improbable than this says. The share is of all that was lost, also in the stretch
itself and while the monitor was deaf: so it is too kind to the station rather than too hard. Nobody is convicted by it.
"""

from collections.abc import Iterable
from math import exp, fsum, lgamma, log, log1p

from protocol.accounts import Account
from protocol.verdicts import Cause, Missing

BY_LOSS = frozenset({Cause.FRAME_LOST, Cause.STATE_UNHEARD})
"""The causes that losses are behind."""


def missing_of(address: int, accounts: Iterable[Account], from_ns: int, until_ns: int) -> Missing:
    """What is missing of a station between the frames that were heard nearest to two instants (ns), in each session.

    Of what it sent before the first and after the last frame of a session, nothing is known.
    """
    counts = [a.missing_between(from_ns, until_ns) for a in accounts if a.source == address and a.named]
    return Missing(address, sum(passed for passed, _ in counts), sum(unheard for _, unheard in counts))


def share_lost(heard: int, unheard: int) -> float:
    """The share of a station's frames that is lost, above 0 and below 1, from how many were heard and were not.

    By the rule of succession: who heard everything may still lose the next.
    """
    return (unheard + 1) / (heard + unheard + 2)


def at_least(unheard: int, passed: int, share: float) -> float:
    """How probable it is that of `passed` frames at least so many are lost, each with this probability (0 to 1, both
    excluded), independently of the others: the tail of a binomial distribution."""
    lost, kept = log(share), log1p(-share)
    ways = (lgamma(passed + 1) - lgamma(k + 1) - lgamma(passed - k + 1) for k in range(unheard, passed + 1))
    return min(fsum(exp(w + k * lost + (passed - k) * kept) for k, w in enumerate(ways, unheard)), 1.0)
