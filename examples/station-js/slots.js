// When the station may begin a frame: its own slots and the shared ones of the first channel that has slots.
'use strict';

class Slots {
  /** `channel` is one of the agreement's with `access` "tdma", `own` the numbers of the station's own slots. */
  constructor(channel, own) {
    this.channel = channel.number;
    const slotNs = BigInt(Math.round(channel.slot_ms * 1e6));
    this.periodNs = slotNs * BigInt(channel.slots);
    this.starts = Array.from({ length: channel.slots }, (_, slot) => ({
      offsetNs: BigInt(slot) * slotNs,
      own: own.includes(slot),
      shared: channel.shared_slots.includes(slot),
    })).filter((slot) => slot.own || slot.shared);
  }

  /** The first own or shared slot that begins at `fromNs` or later: `{ startNs, own }`. */
  next(fromNs) {
    const inPeriodNs = fromNs % this.periodNs;
    const slot = this.starts.find(({ offsetNs }) => offsetNs >= inPeriodNs);
    const { offsetNs, own } = slot || this.starts[0];
    return { startNs: fromNs - inPeriodNs + offsetNs + (slot ? 0n : this.periodNs), own };
  }
}

/** The slots that a briefing gives; throws RangeError if it gives none. */
function slotsOf(briefing) {
  const channel = briefing.agreement.channel.find(({ access }) => access === 'tdma');
  if (!channel) throw new RangeError('the agreement has no channel with slots');
  const address = String(parseInt(briefing.address, 16));
  const own = (briefing.annexes.slots[address] || {})[String(channel.number)] || [];
  if (own.length === 0) throw new RangeError(`no own slot on channel ${channel.number}`);
  return new Slots(channel, own);
}

module.exports = { Slots, slotsOf };
