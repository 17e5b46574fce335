// The declaration in force (INTENT, clause 5.1): when to declare anew, when to repeat, and what it says.
'use strict';

const { courseOf } = require('./flight');

const SECOND_NS = 1_000_000_000n;
const VALID_NS = 60n * SECOND_NS;
const RENEW_NS = 20n * SECOND_NS; // a new declaration when so little validity is left ...
const REPEAT_NS = 10n * SECOND_NS; // ... and until then the same again and again, for those who missed it
const LEVEL_MPS = 0.5; // slower than this up or down is level flight
const TURN_DEG = 8; // a flight that turns by less is called straight
const MAX_TIME_OVER_S = 65534;

class Intent {
  constructor(flight) {
    this.flight = flight;
    this.serial = 0;
    this.validUntilNs = null;
    this.sentNs = null;
  }

  /** The serial that the header of a frame at `ns` names; 0: none is in force. */
  inForce(ns) {
    return this.validUntilNs !== null && ns < this.validUntilNs ? this.serial : 0;
  }

  /** From 1 on a frame at `ns` should be an INTENT, the more urgently the greater it is. */
  lateness(ns) {
    if (this.sentNs === null) return Infinity;
    const late = Number(ns - this.sentNs) / Number(REPEAT_NS);
    return this.#mustRenew(ns) ? Math.max(1, late) : late;
  }

  #mustRenew(ns) {
    if (this.validUntilNs === null || this.validUntilNs - ns < RENEW_NS) return true;
    return this.points.length > 0 && this.points[0].ns <= ns; // a repetition could not name the point any more
  }

  /** What the INTENT that is sent at `ns` says. */
  payload(ns) {
    if (this.#mustRenew(ns)) this.#declare(ns);
    this.sentNs = ns;
    const [first = null, second = null] = this.points.map((point) => ({
      ...point,
      time_over_s: Math.round(Number(point.ns - ns) / 1e9),
    }));
    const validityS = Number((this.validUntilNs - ns) / SECOND_NS); // rounded down: it must not claim more than before
    return { ...this.words, serial: this.serial, validity_s: validityS, first, second };
  }

  #declare(ns) {
    const state = this.flight.at(ns);
    const course = courseOf(state);
    this.serial = (this.serial % 255) + 1;
    this.validUntilNs = ns + VALID_NS;
    const reachable = ({ ns: pointNs }) => Number(pointNs - ns) / 1e9 < MAX_TIME_OVER_S;
    this.points = this.flight.ahead(ns).slice(0, 2).filter(reachable);
    this.words = {
      // a TRANSIT is straight as long as it is valid (clause 5.2), so a turn is declared in time by the one before it
      kind: this.flight.turnsBetween(ns, this.validUntilNs, TURN_DEG) ? 'TURN' : kindOf(state.up_mps),
      selected_altitude_ft: (this.points[0] || state).altitude_ft,
      track_deg: course.deg,
      speed_mps: course.speed_mps,
    };
  }
}

function kindOf(upMps) {
  if (Math.abs(upMps) < LEVEL_MPS) return 'TRANSIT';
  return upMps > 0 ? 'CLIMB' : 'DESCEND';
}

module.exports = { Intent };
