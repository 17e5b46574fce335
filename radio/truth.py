"""What the medium knows, as lines of JSON: what became of every frame at every receiver. The judge never reads it."""

import json

from radio.medium import Fate


def truth_line(fate: Fate) -> str:
    """One frame on the air, in the form that docs/architecture.md describes; ends with a new line."""
    sent = fate.transmission
    line = {
        "frame": f"{sent.source:06x}:{sent.session}:{sent.sequence}",
        "start_ns": sent.start_ns,
        "channel": sent.channel,
        "bytes": len(sent.data),
        "receivers": {
            f"{receiver:06x}": [outcome, power_dbm, f"{rival:06x}"] if rival >= 0 else [outcome, power_dbm]
            for receiver, outcome, power_dbm, rival in zip(
                fate.receivers, fate.outcomes, fate.power_dbm, fate.rivals, strict=True
            )
        },
    }
    return json.dumps(line, separators=(",", ":")) + "\n"
