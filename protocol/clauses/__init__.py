"""The clauses: one file each, and the table of them all.

A clause decides from what was heard. It shares no arithmetic with the stations it judges.
"""

import re

from protocol.agreement import Agreement
from protocol.clauses.base import Clause, World
from protocol.clauses.c0_1 import Avoidance
from protocol.clauses.c1_1 import Registered
from protocol.clauses.c1_2 import OneStation
from protocol.clauses.c1_3 import AgreementInForce
from protocol.clauses.c1_4 import Identified
from protocol.clauses.c2_1 import AgreedChannel
from protocol.clauses.c2_2 import GuardIsGuarded
from protocol.clauses.c2_3 import GuardIsForCalls
from protocol.clauses.c2_4 import CarriedOut
from protocol.clauses.c2_5 import InOrder
from protocol.clauses.c3_1 import OwnSlots
from protocol.clauses.c3_2 import FairShare
from protocol.clauses.c3_3 import WellFormed
from protocol.clauses.c3_4 import AgreedPower
from protocol.clauses.c4_1 import Reports
from protocol.clauses.c4_2 import NothingTwice
from protocol.clauses.c4_3 import TrueTime
from protocol.clauses.c4_4 import PossiblePositions
from protocol.clauses.c4_5 import TruePositions
from protocol.clauses.c4_6 import GoodEnough
from protocol.clauses.c4_7 import Emissions
from protocol.clauses.c5_1 import IntentInForce
from protocol.clauses.c5_2 import IntentFirst
from protocol.clauses.c5_3 import FlownAsDeclared
from protocol.clauses.c6_1 import SafeDistance
from protocol.clauses.c6_2 import Contact
from protocol.clauses.c6_3 import Answered
from protocol.clauses.c6_4 import RightAnswer
from protocol.clauses.c6_5 import ActsOnConflict
from protocol.clauses.c6_6 import NoAttack
from protocol.clauses.c6_7 import LostLinkSaid
from protocol.clauses.c7_1 import Complete
from protocol.clauses.c7_2 import DistressAnswered
from protocol.clauses.c7_3 import ChannelLeft
from protocol.clauses.c8_1 import CoOrdinated
from protocol.clauses.c8_2 import ClosedAreas
from protocol.clauses.c8_3 import LineAlive
from protocol.clauses.c8_4 import IncidentReported
from protocol.clauses.c9_1 import OwnWord

ALL: tuple[type[Clause], ...] = (
    Avoidance,
    Registered,
    OneStation,
    AgreementInForce,
    Identified,
    AgreedChannel,
    GuardIsGuarded,
    GuardIsForCalls,
    CarriedOut,
    InOrder,
    OwnSlots,
    FairShare,
    WellFormed,
    AgreedPower,
    Reports,
    NothingTwice,
    TrueTime,
    PossiblePositions,
    TruePositions,
    GoodEnough,
    Emissions,
    IntentInForce,
    IntentFirst,
    FlownAsDeclared,
    SafeDistance,
    Contact,
    Answered,
    RightAnswer,
    ActsOnConflict,
    NoAttack,
    LostLinkSaid,
    Complete,
    DistressAnswered,
    ChannelLeft,
    CoOrdinated,
    ClosedAreas,
    LineAlive,
    IncidentReported,
    OwnWord,
)
"""Every clause that can be judged, in order of id."""
IDS = tuple(clause.id for clause in ALL)


def in_words(agreement: Agreement) -> dict[str, dict[str, str]]:
    """Title and text of each clause, with the numbers of this agreement; dots where a clause is switched off."""
    terms = agreement.clause.model_dump(by_alias=True)
    dots = re.compile(r"\{[^}]*\}")
    return {
        c.id: {
            "title": c.title,
            "text": dots.sub("...", c.text) if terms[c.id] is None else c.text.format(**terms[c.id]),
        }
        for c in ALL
    }


def clauses_in_force(world: World) -> list[Clause]:
    """A fresh judge of each clause that the agreement has switched on, in order of id; of those of the ground line only
    where there is one."""
    terms = world.agreement.clause
    able = [clause for clause in ALL if world.line is not None or clause.kind != "G"]
    return [clause(world, its) for clause in able if (its := terms.of(clause.id))]
