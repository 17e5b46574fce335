"""7.1: an EMERGENCY is complete: what is wrong and where, how many are aboard, how long it can fly, what it will do."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.messages import Emergency, Intention, Nature, Severity
from protocol.terms import NoTerms
from protocol.verdicts import Finding, Outcome, Passes


class Complete:
    id = "7.1"
    title = "emergency complete"
    text = "An EMERGENCY gives nature, position, altitude, souls, endurance, intention and call sign."
    instance = "each EMERGENCY heard that is no CANCEL"
    proof = "The EMERGENCY itself gives no value for one of these."
    limits = "Whether what it gives is true is not known."
    suspended_by = ""
    kind = "C"
    hears_copies = False
    watches = (Emergency,)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        assert isinstance(message, Emergency)
        if message.severity is Severity.CANCEL or source not in self.world.flies:
            return ()
        missing = _missing(message)
        return (
            Finding(
                clause=self.id,
                subject=address_text(source),
                outcome=Outcome.FAIL if missing else Outcome.PASS,
                at_ns=booked.at_ns,
                summary=f"its EMERGENCY of incident {message.incident} lacks {', '.join(missing)}" if missing else "",
                evidence=(booked.id,),
                assumptions=BY_WORD if missing else (),
            ),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()


def _missing(message: Emergency) -> list[str]:
    """The fields that it should give and does not."""
    given = {
        "nature": message.nature is not Nature.NOT_GIVEN,
        "latitude": message.latitude_deg is not None,
        "longitude": message.longitude_deg is not None,
        "altitude": message.altitude_ft is not None,
        "souls": message.souls is not None,
        "endurance": message.endurance_min is not None,
        "intention": message.intention is not Intention.NOT_GIVEN,
        "call sign": bool(message.call_sign),
    }
    return [field for field, is_given in given.items() if not is_given]
