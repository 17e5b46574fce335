"""What the medium knows, as lines of JSON: what became of every frame at every receiver. The judge never reads it."""

from radio.medium import Fate, Outcome

_QUOTED = {outcome: f'"{outcome.value}"' for outcome in Outcome}


def truth_line(fate: Fate) -> str:
    """One frame on the air, in the form that docs/architecture.md describes; ends with a new line.

    Written out by hand: nothing in it needs escaping, and a run writes more of these than of anything else.
    """
    sent = fate.transmission
    receivers = ",".join(
        f'"{receiver:06x}":[{_QUOTED[outcome]},{power_dbm}]'
        if rival < 0
        else f'"{receiver:06x}":[{_QUOTED[outcome]},{power_dbm},"{rival:06x}"]'
        for receiver, outcome, power_dbm, rival in zip(
            fate.receivers, fate.outcomes, fate.power_dbm, fate.rivals, strict=True
        )
    )
    return (
        f'{{"frame":"{sent.source:06x}:{sent.session}:{sent.sequence}","start_ns":{sent.start_ns},'
        f'"channel":{sent.channel},"bytes":{len(sent.data)},"receivers":{{{receivers}}}}}\n'
    )
