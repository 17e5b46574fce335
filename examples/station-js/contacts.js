// Clauses 6.2 and 6.3 seen from one aircraft: who is inside the contact ring, who must be called, who has answered.
'use strict';

const { crc32c } = require('./frames');

const NAUTICAL_MILE_M = 1852;
const LOST_AFTER_NS = 30_000_000_000n; // without a report for so long, a contact is no longer known to be inside
const SETTLE_S = 2; // the first to call waits so long, so that the other sees itself inside the ring too
const DEFAULT_LIMIT_S = 10; // where clause 6.3 is switched off
const SPREAD_MS = 1000;

const toNs = (seconds) => BigInt(Math.round(seconds * 1e9));

class Contacts {
  /** `clauses` are the agreement's; `callsFirst` says whether our party is the one named first. */
  constructor(clauses, address, callsFirst) {
    const ring = clauses['6.2'];
    const answer = clauses['6.3'];
    this.address = address;
    this.ringM = ring ? ring.ring_nm * NAUTICAL_MILE_M : 0;
    this.firstNs = ring ? toNs(ring.first_s) : 0n;
    this.limitS = answer ? answer.limit_s : DEFAULT_LIMIT_S;
    this.calls = answer ? answer.calls : 1;
    this.waitNs = ring ? toNs(callsFirst ? waitOfFirst(ring) : waitOfSecond(ring)) : 0n;
    this.inside = new Map();
    this.calledBy = new Map();
    this.nextCallId = 0;
  }

  /** A report of the other party's aircraft `peer` at `atNs`, `distanceM` away from us at that instant. */
  report(peer, distanceM, atNs) {
    const contact = this.inside.get(peer);
    if (distanceM > this.ringM) {
      this.inside.delete(peer);
    } else if (contact) {
      contact.heardNs = atNs;
    } else {
      const callId = this.nextCallId;
      this.nextCallId = (callId + 1) % 256;
      const dueNs = atNs + this.waitNs + this.#spreadNs(callId, 0);
      this.inside.set(peer, { enteredNs: atNs, heardNs: atNs, dueNs, callId, sequences: [], answered: false });
    }
  }

  /** `peer` called us at `atNs`. */
  called(peer, atNs) {
    this.calledBy.set(peer, atNs);
  }

  /** `peer` answered our frame number `sequence`. */
  answered(peer, sequence) {
    const contact = this.inside.get(peer);
    if (contact && contact.sequences.includes(sequence)) contact.answered = true;
  }

  /** `peer` signed off. */
  gone(peer) {
    this.inside.delete(peer);
    this.calledBy.delete(peer);
  }

  /** The call to make at `nowNs`: `{ peer, callId, limitS }`, or null. */
  due(nowNs) {
    const due = [...this.inside]
      .filter(([peer, contact]) => contact.dueNs <= nowNs && this.#mustCall(peer, contact, nowNs))
      .sort(([peerA, a], [peerB, b]) => Number(a.dueNs - b.dueNs) || peerA - peerB);
    return due.length === 0 ? null : { peer: due[0][0], callId: due[0][1].callId, limitS: this.limitS };
  }

  #mustCall(peer, contact, nowNs) {
    const begun = contact.sequences.length > 0;
    const calledNs = this.calledBy.get(peer);
    // The other may see itself inside the ring a little earlier than we do.
    const wasCalled = calledNs !== undefined && calledNs >= contact.enteredNs - this.firstNs;
    if (contact.answered || contact.sequences.length >= this.calls) return false;
    return (begun || !wasCalled) && nowNs - contact.heardNs <= LOST_AFTER_NS;
  }

  /** The call to `peer` goes out as frame number `sequence` at `startNs`. */
  sent(peer, sequence, startNs) {
    const contact = this.inside.get(peer);
    contact.sequences.push(sequence);
    contact.dueNs = startNs + toNs(this.limitS) + this.#spreadNs(contact.callId, contact.sequences.length);
  }

  // Shared slots belong to everybody: two that call at once must not do so again and again in the same slot. Nothing
  // is drawn by chance, so that a run can be repeated.
  #spreadNs(callId, attempt) {
    const seed = Buffer.alloc(5);
    seed.writeUIntBE(this.address, 0, 3);
    seed[3] = callId;
    seed[4] = attempt % 256;
    return BigInt(crc32c(seed) % SPREAD_MS) * 1_000_000n;
  }
}

const waitOfFirst = ({ first_s: first }) => Math.min(SETTLE_S, first / 4);

/** Late enough to see that the first has not called, early enough for the clause. */
const waitOfSecond = ({ first_s: first, second_s: second }) =>
  Math.min(first + (second - first) / 4, (second * 3) / 4);

module.exports = { Contacts };
