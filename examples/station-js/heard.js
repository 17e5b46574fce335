// What was heard of whom: reception reports and the number of stations heard (WATCH).
'use strict';

const HEARD_FOR_NS = 30_000_000_000n; // for so long a station counts as heard after its last frame
const EARLIER_MASK = 0xffffffffn;

class Heard {
  constructor() {
    this.bySource = new Map();
    this.lastReported = -1;
  }

  /** Enters one frame by its header, heard at `atNs`. */
  enter({ source, session, sequence }, atNs) {
    const known = this.bySource.get(source);
    if (!known || known.session !== session) {
      this.bySource.set(source, { session, last: sequence, earlier: 0n, atNs });
      return;
    }
    known.atNs = atNs;
    const ahead = (sequence - known.last + 65536) % 65536;
    const behind = 65536 - ahead;
    if (ahead > 0 && ahead < 32768) {
      known.earlier = ((known.earlier << BigInt(ahead)) | (1n << BigInt(ahead - 1))) & EARLIER_MASK;
      known.last = sequence;
    } else if (behind <= 32) {
      known.earlier |= 1n << BigInt(behind - 1);
    }
  }

  /** How many stations are heard, at most what WATCH can say. */
  count(nowNs) {
    const fresh = [...this.bySource.values()].filter(({ atNs }) => nowNs - atNs <= HEARD_FOR_NS);
    return Math.min(fresh.length, 255);
  }

  /** The reception report on the next of `peers` (a set of addresses) that was heard, in turn; null if none was. */
  nextReport(peers) {
    const heard = [...this.bySource.keys()].filter((source) => peers.has(source)).sort((a, b) => a - b);
    if (heard.length === 0) return null;
    const peer = heard.find((source) => source > this.lastReported) ?? heard[0];
    this.lastReported = peer;
    const { session, last, earlier } = this.bySource.get(peer);
    return { peer, session, last_sequence: last, earlier: Number(earlier) };
  }
}

module.exports = { Heard };
