// An aircraft that keeps the agreement: what it does as medium time goes on. No I/O, no clock, no chance:
// receptions go in, commands for the hub come out.
'use strict';

const { FrameError, decode, encode, instantOf } = require('./frames');
const { Flight, courseOf, distanceM } = require('./flight');
const { Contacts } = require('./contacts');
const { Heard } = require('./heard');
const { Intent } = require('./intent');
const { slotsOf } = require('./slots');

const SECOND_NS = 1_000_000_000n;
const NEVER_NS = 1n << 62n;
const AGE_STEP_NS = SECOND_NS / 100n; // one step of age_s
const PLACE_EVERY_NS = SECOND_NS;
const PLACE_IN_BEND_NS = SECOND_NS / 4n; // PLACE goes straight on, and a bend does not
const WATCH_EVERY_NS = 2n * SECOND_NS;
const SIGN_OFF_BEFORE_NS = 3n * SECOND_NS;
const IDENT_S = 20; // where the clause that says it is switched off
const POSITION_S = 1;
const TIME_QUALITY = 3; // our clock is the medium's own
// What a good receiver claims: within 185 m for sure and 30 m as a rule, 3 m/s, 45 m in height (DO-260B).
const QUALITY = { nic: 8, nacp: 9, nacv: 2, gva: 2, sil: 3 };

const ANSWERS = {
  CONTACT: { result: 'ROGER', reason: 'NONE' },
  STATE_INTENTION: { result: 'ROGER', reason: 'NONE' }, // the INTENT is repeated anyway
  KEEP_CLEAR: { result: 'UNABLE', reason: 'ORDERS' }, // it flies its waypoints, whatever it is asked
  YOU_ARE_CLOSING: { result: 'ROGER', reason: 'NONE' },
  CHANGE_FREQUENCY: { result: 'UNABLE', reason: 'TECHNICAL' }, // own slots are on one channel only
  SAY_AGAIN: { result: 'ROGER', reason: 'NONE' },
};

const toNs = (seconds) => BigInt(Math.round(seconds * 1e9));
const minNs = (a, b) => (a < b ? a : b);
const maxNs = (a, b) => (a > b ? a : b);

class Aircraft {
  /**
   * `welcome` is the hub's, with the briefing; the session begins at its `nowNs`.
   * Throws RangeError if the briefing has nothing to fly, no slots, or a way that breaks clause 4.4.
   */
  constructor(welcome, session) {
    const { briefing, startNs, nowNs, windowNs } = welcome;
    const { agreement, annexes } = briefing;
    const clauses = agreement.clause;
    if (briefing.role === 'monitor') throw new RangeError('a monitor does not fly');
    if (!briefing.waypoints) throw new RangeError('the scenario gives this station no waypoints');
    this.briefing = briefing;
    this.address = parseInt(briefing.address, 16);
    this.session = session;
    this.windowNs = windowNs;
    this.ageNs = ((windowNs + AGE_STEP_NS - 1n) / AGE_STEP_NS) * AGE_STEP_NS; // of the position in a POSITION
    this.slots = slotsOf(briefing);
    this.guarded = agreement.channel.reduce((set, { number }) => set | (1 << number), 0);
    this.identNs = toNs(clauses['1.4'] ? clauses['1.4'].every_s : IDENT_S);
    this.positionNs = toNs(clauses['4.1'] ? clauses['4.1'].every_s : POSITION_S);

    const isOther = ({ party, role }) => party && party !== briefing.party && role !== 'monitor';
    this.others = new Set(annexes.register.filter(isOther).map(({ address }) => address)); // the other party's aircraft
    this.flight = new Flight(briefing.waypoints, startNs, clauses['4.4']);
    this.intent = new Intent(this.flight);
    this.contacts = new Contacts(clauses, this.address, agreement.party[0].name === briefing.party);
    this.heard = new Heard();

    this.sequence = 0;
    this.counts = { IDENT: 0, HAIL: 0, ACK: 0 };
    this.sentNs = {}; // by type: when the last one of it started
    this.previousOwn = null; // what went out in the own slot before
    this.receipt = null;
    this.answeredCalls = new Set();
    this.acksAtOnce = []; // for the next shared slot
    this.acksRepeated = []; // for an own slot
    this.signedOff = false;
    const firstNs = maxNs(nowNs, this.flight.firstNs);
    this.placeNs = firstNs < this.flight.lastNs ? firstNs : NEVER_NS; // the instant that the next PLACE is for
    this.slot = this.slots.next(firstNs + this.ageNs);
  }

  /**
   * Everything that is done before `untilNs` (BigInt) and was not done yet, with the receptions of that stretch in
   * order. Returns commands for the hub: `{ kind: 'place' | 'offTheAir' | 'transmit', ... }`.
   *
   * What begins or holds from an instant is decided one window earlier, which is as late as the link allows.
   */
  advance(untilNs, receptions) {
    const commands = [];
    let next = 0;
    for (;;) {
      const slotNs = this.signedOff ? NEVER_NS : this.slot.startNs;
      const plannedNs = minNs(this.placeNs, slotNs) - this.windowNs;
      const isPlanned = plannedNs < untilNs;
      if (next < receptions.length && (!isPlanned || receptions[next].dueNs <= plannedNs)) {
        this.#receive(receptions[next]);
        next += 1;
      } else if (isPlanned) {
        const command = this.placeNs <= slotNs ? this.#place() : this.#useSlot();
        if (command) commands.push(command);
      } else {
        return commands;
      }
    }
  }

  #place() {
    const atNs = this.placeNs;
    if (atNs >= this.flight.lastNs) {
      this.placeNs = NEVER_NS;
      return { kind: 'offTheAir', atNs };
    }
    const bends = this.flight.isTurning(atNs) || this.flight.isTurning(atNs + PLACE_EVERY_NS);
    const stepNs = bends ? PLACE_IN_BEND_NS : PLACE_EVERY_NS;
    this.placeNs = minNs(atNs - (atNs % stepNs) + stepNs, this.flight.lastNs);
    return { kind: 'place', atNs, state: this.flight.at(atNs) };
  }

  // --- What is sent

  #useSlot() {
    const { startNs, own } = this.slot;
    this.slot = this.slots.next(startNs + 1n);
    if (startNs >= this.flight.lastNs) {
      this.signedOff = true;
      return null;
    }
    const message = own ? this.#forOwnSlot(startNs) : this.#forSharedSlot(startNs);
    if (own) this.previousOwn = message && message.type;
    return message && this.#transmit(startNs, message.type, message.payload);
  }

  #transmit(startNs, type, payload) {
    const { address, session, sequence } = this;
    const { channel } = this.slots;
    const intent = this.intent.inForce(startNs);
    const header = { channel, source: address, session, intent, sequence, time_quality: TIME_QUALITY, startNs };
    const frame = encode(type, header, payload);
    this.sequence = (sequence + 1) % 65536;
    if (type in this.counts) this.counts[type] = (this.counts[type] + 1) % 256;
    this.sentNs[type] = startNs;
    return { kind: 'transmit', startNs, channel, session, sequence, frame };
  }

  /** How long ago the last one of a type was, in units of how often it should come: from 1 on it is due. */
  #lateness(type, everyNs, startNs) {
    const sentNs = this.sentNs[type];
    return sentNs === undefined ? Infinity : Number(startNs - sentNs) / Number(everyNs);
  }

  // POSITION comes first. With one own slot a second it would leave nothing to the others, so it gives way to them
  // every other time.
  #forOwnSlot(startNs) {
    if (startNs >= this.flight.lastNs - SIGN_OFF_BEFORE_NS) {
      this.signedOff = true;
      return { type: 'IDENT', payload: this.#ident(1) };
    }
    const positionIsDue = this.#lateness('POSITION', this.positionNs, startNs) >= 1;
    if (positionIsDue && this.previousOwn !== 'POSITION') return { type: 'POSITION', payload: this.#position(startNs) };
    const other = this.#otherForOwnSlot(startNs);
    if (other || !positionIsDue) return other;
    return { type: 'POSITION', payload: this.#position(startNs) };
  }

  // Of those that are due, the one that is latest, measured by how often it should come.
  #otherForOwnSlot(startNs) {
    if (this.acksRepeated.length > 0) return { type: 'ACK', payload: this.acksRepeated.shift() };
    const late = {
      IDENT: this.#lateness('IDENT', this.identNs, startNs),
      INTENT: this.intent.lateness(startNs),
      WATCH: this.#lateness('WATCH', WATCH_EVERY_NS, startNs),
    };
    const type = Object.keys(late).reduce((latest, other) => (late[other] > late[latest] ? other : latest));
    if (late[type] < 1) return null;
    if (type === 'IDENT') return { type, payload: this.#ident(0) };
    return { type, payload: type === 'INTENT' ? this.intent.payload(startNs) : this.#watch(startNs) };
  }

  #forSharedSlot(startNs) {
    if (this.acksAtOnce.length > 0) return { type: 'ACK', payload: this.acksAtOnce.shift() };
    const call = this.contacts.due(startNs);
    if (!call) return null;
    this.contacts.sent(call.peer, this.sequence, startNs);
    const payload = {
      addressee: call.peer,
      phrase: 'CONTACT',
      call_id: call.callId,
      reply_by_s: Math.ceil(call.limitS),
      reply_channel: this.slots.channel,
      subject: null,
    };
    return { type: 'HAIL', payload };
  }

  #position(startNs) {
    const state = this.flight.at(maxNs(startNs - this.ageNs, this.flight.firstNs));
    return {
      latitude_deg: state.latitude_deg,
      longitude_deg: state.longitude_deg,
      baro_altitude_ft: state.altitude_ft,
      geo_altitude_ft: state.altitude_ft, // the emulator's air is the standard one
      velocity_north_mps: state.north_mps,
      velocity_east_mps: state.east_mps,
      velocity_up_mps: state.up_mps,
      heading_deg: courseOf(state).deg, // there is no wind
      ...QUALITY,
      airborne: 1,
      emergency: 'NONE',
      uncrewed: this.briefing.role === 'uncrewed' ? 1 : 0,
      degraded: 0,
      simulated: 0, // in the world of the run it is as real as the others
      age_s: Number(this.ageNs) / 1e9,
      idents: this.counts.IDENT,
      hails: this.counts.HAIL,
      acks: this.counts.ACK,
      emcon: 0,
      receipt: this.receipt,
    };
  }

  #ident(signOff) {
    return {
      call_sign: this.briefing.call_sign,
      emitter: this.briefing.role === 'uncrewed' ? 'UNCREWED' : 'FIXED_WING',
      agreement: parseInt(this.briefing.digest.slice(0, 8), 16),
      guarded: this.guarded,
      sign_off: signOff,
    };
  }

  #watch(startNs) {
    return {
      guarded: this.guarded,
      stations_heard: this.heard.count(startNs),
      hails: this.counts.HAIL,
      acks: this.counts.ACK,
      report: this.heard.nextReport(this.others),
    };
  }

  // --- What is heard

  #receive({ dueNs, arrivalNs, frame }) {
    let message;
    try {
      message = decode(frame);
    } catch (error) {
      if (error instanceof FrameError) return; // a rejected frame has no meaning at all
      throw error;
    }
    const { type, header, payload } = message;
    if (header.source === this.address) return;
    this.heard.enter(header, dueNs);
    if (type === 'POSITION') this.#hearPosition(header, payload, arrivalNs);
    if (type === 'IDENT' && payload.sign_off) this.contacts.gone(header.source);
    if (payload.addressee !== this.address) return;
    this.receipt = { source: header.source, session: header.session, sequence: header.sequence };
    if (type === 'HAIL') this.#hearCall(header, payload, dueNs);
    if (type === 'ACK' && payload.answers_type === 'HAIL' && payload.answers_session === this.session) {
      this.contacts.answered(header.source, payload.answers_sequence);
    }
  }

  #hearPosition({ source, ...header }, payload, arrivalNs) {
    if (!this.others.has(source) || !payload.airborne) return;
    if (payload.latitude_deg === null || payload.longitude_deg === null) return;
    const atNs = instantOf(header, arrivalNs) - toNs(payload.age_s ?? 0);
    if (!this.flight.has(atNs)) return;
    this.contacts.report(source, distanceM(payload, this.flight.at(atNs)), atNs);
  }

  #hearCall(header, payload, dueNs) {
    const { source, session, sequence } = header;
    this.contacts.called(source, dueNs);
    const call = `${source} ${session} ${payload.call_id}`;
    const queue = this.answeredCalls.has(call) ? this.acksRepeated : this.acksAtOnce;
    this.answeredCalls.add(call);
    queue.push({
      addressee: source,
      answers_session: session,
      answers_sequence: sequence,
      answers_type: 'HAIL',
      ...ANSWERS[payload.phrase],
      read_back: null,
    });
  }
}

module.exports = { Aircraft };
