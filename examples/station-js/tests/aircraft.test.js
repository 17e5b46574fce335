// What the aircraft does: two of them in a medium without sockets.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Aircraft } = require('../aircraft');
const { decode, instantOf } = require('../frames');
const { Medium, OWN_SLOTS, SHARED_SLOTS, START_NS, WINDOW_NS, briefingOf, second } = require('./world');

const HAWK = 0xae1001;
const SOKOL = 0x155001;
const SLOT_NS = 20_000_000n;

/** Flies both for `durationS`; returns every frame that was sent, decoded, and every other command of SOKOL. */
function fly({ durationS = 90, isLost, parts = 1n, nowNs = START_NS, hears = () => true } = {}) {
  const medium = new Medium(isLost);
  const endNs = START_NS + BigInt(durationS) * 1_000_000_000n;
  const frames = [];
  const moves = [];
  const enter = (address, stretchNs, commands) => {
    for (const command of commands) {
      if (command.kind !== 'transmit') {
        if (address === SOKOL) moves.push(command);
        continue;
      }
      assert.ok(command.startNs >= stretchNs + (stretchNs > nowNs ? WINDOW_NS / parts : 0n), 'handed over in time');
      medium.transmit(address, command);
      frames.push({ ...command, ...decode(command.frame) });
    }
  };
  const stations = [HAWK, SOKOL].filter(hears).map((address) => {
    const welcome = { briefing: briefingOf(address), startNs: START_NS, endNs, nowNs, windowNs: WINDOW_NS, life: 0 };
    return [address, new Aircraft(welcome, 5)];
  });
  for (const [address, aircraft] of stations) enter(address, nowNs, aircraft.advance(nowNs, []));
  for (let fromNs = nowNs; fromNs < endNs; fromNs += WINDOW_NS / parts) {
    const untilNs = fromNs + WINDOW_NS / parts;
    const heard = stations.map(([address]) => medium.receptions(address, fromNs, untilNs));
    stations.forEach(([address, aircraft], i) => enter(address, fromNs, aircraft.advance(untilNs, heard[i])));
  }
  return { frames, moves };
}

const of = (frames, source, type) => frames.filter((f) => f.header.source === source && (!type || f.type === type));
const slotOf = ({ startNs }) => Number((startNs % 1_000_000_000n) / SLOT_NS);

test('frames begin at own slots, calls and first answers at shared ones', () => {
  const { frames } = fly();
  assert.ok(frames.length > 200);
  for (const frame of frames) {
    assert.equal(frame.startNs % SLOT_NS, 0n);
    const allowed = ['HAIL', 'ACK'].includes(frame.type) ? SHARED_SLOTS : OWN_SLOTS[frame.header.source];
    assert.ok(allowed.includes(slotOf(frame)), `${frame.type} in slot ${slotOf(frame)}`);
    assert.equal(instantOf(frame.header, frame.startNs), frame.startNs);
    assert.equal(frame.header.channel, 1);
  }
});

test('sequences and counts run without holes', () => {
  const sokol = of(fly().frames, SOKOL);
  const counts = { IDENT: 0, HAIL: 0, ACK: 0 };
  sokol.forEach((frame, i) => {
    assert.deepEqual([frame.header.sequence, frame.sequence, frame.session], [i, i, 5]);
    if (i > 0) assert.ok(frame.startNs > sokol[i - 1].startNs);
    const { idents, hails, acks } = frame.payload;
    if (frame.type === 'POSITION') assert.deepEqual({ IDENT: idents, HAIL: hails, ACK: acks }, counts);
    if (frame.type in counts) counts[frame.type] += 1;
  });
});

test('every message comes as often as it should', () => {
  const { frames } = fly();
  const seconds = (type) => of(frames, SOKOL, type).map(({ startNs }) => second(startNs));
  const gaps = (times) => times.slice(1).map((time, i) => time - times[i]);
  assert.ok(Math.max(...gaps(seconds('POSITION'))) < 1.001);
  assert.ok(Math.max(...gaps(seconds('IDENT').slice(0, -1))) < 21.001);
  assert.ok(Math.max(...gaps(seconds('WATCH'))) < 4.001); // an IDENT and an INTENT may come in between
  assert.ok(Math.max(...gaps(seconds('INTENT'))) < 11.001);
  assert.ok(seconds('IDENT')[0] < 2 && seconds('INTENT')[0] < 3);
});

test('from the first INTENT on one is always in force, and repetitions say the same', () => {
  const sokol = of(fly().frames, SOKOL);
  const first = sokol.findIndex(({ type }) => type === 'INTENT');
  const untilNs = {};
  for (const frame of sokol.slice(first)) {
    const { type, payload, header, startNs } = frame;
    if (type === 'INTENT') {
      assert.equal(header.intent, payload.serial);
      const endNs = startNs + BigInt(payload.validity_s) * 1_000_000_000n;
      if (payload.serial in untilNs) assert.ok(endNs <= untilNs[payload.serial].endNs);
      else untilNs[payload.serial] = { endNs, first: payload.first };
      const named = untilNs[payload.serial].first;
      if (named) assert.equal(payload.first.latitude_deg, named.latitude_deg);
    }
    assert.ok(startNs < untilNs[header.intent].endNs);
  }
  assert.ok(Object.keys(untilNs).length >= 3);
});

test('the party named first calls inside the ring, the other answers and does not call', () => {
  const { frames } = fly();
  const [hail, ...more] = frames.filter(({ type }) => type === 'HAIL');
  assert.equal(more.length, 0);
  assert.equal(hail.header.source, HAWK);
  assert.equal(hail.payload.addressee, SOKOL);
  const [ack] = of(frames, SOKOL, 'ACK');
  assert.equal(ack.payload.answers_sequence, hail.header.sequence);
  assert.ok(ack.startNs - hail.startNs <= 200_000_000n);
  const position = of(frames, SOKOL, 'POSITION').find(({ startNs }) => startNs > ack.startNs);
  assert.deepEqual(position.payload.receipt, { source: HAWK, session: 5, sequence: hail.header.sequence });
});

test('who is not called calls, again until it is answered', () => {
  const deafHawk = (frame, address) => address === HAWK || decode(frame).type === 'HAIL';
  const { frames } = fly({ isLost: deafHawk });
  const calls = of(frames, SOKOL, 'HAIL');
  assert.equal(calls.length, 3);
  assert.equal(new Set(calls.map(({ payload }) => payload.call_id)).size, 1);
  assert.ok(calls[1].startNs - calls[0].startNs > 10_000_000_000n);
  assert.ok(second(calls[0].startNs) - 18 < 30);
});

test('a repeated call is answered in an own slot', () => {
  const { frames } = fly({ isLost: (frame) => decode(frame).type === 'ACK' });
  const [first, ...later] = of(frames, SOKOL, 'ACK');
  assert.ok(SHARED_SLOTS.includes(slotOf(first)));
  assert.equal(later.length, 2);
  for (const ack of later) assert.ok(OWN_SLOTS[SOKOL].includes(slotOf(ack)));
});

test('it signs off once, three seconds before the way ends, and is silent then', () => {
  const { frames, moves } = fly({ durationS: 95 });
  const sokol = of(frames, SOKOL);
  const last = sokol.at(-1);
  assert.equal(last.type, 'IDENT');
  assert.equal(last.payload.sign_off, 1);
  assert.ok(second(last.startNs) >= 82 && second(last.startNs) < 83);
  assert.equal(sokol.filter(({ payload }) => payload.sign_off).length, 1);
  assert.deepEqual([moves.at(-1).kind, second(moves.at(-1).atNs)], ['offTheAir', 85]);
});

test('it is placed at once and every second, more often in a bend', () => {
  const { moves } = fly();
  assert.equal(moves[0].atNs, START_NS);
  const gaps = moves.slice(1).map(({ atNs }, i) => Number(atNs - moves[i].atNs) / 1e9);
  assert.equal(Math.max(...gaps), 1);
  assert.equal(Math.min(...gaps), 0.25);
});

test('stretches of any length give the same frames', () => {
  const bytes = (flown) => flown.frames.map(({ frame }) => frame.toString('hex')).sort();
  assert.deepEqual(bytes(fly({ parts: 5n })), bytes(fly()));
});

test('a session that begins in the middle places itself where the aircraft is', () => {
  const nowNs = START_NS + 30_000_000_000n;
  const { frames, moves } = fly({ nowNs });
  assert.equal(moves[0].atNs, nowNs);
  assert.ok(moves[0].state.longitude_deg > 36.5);
  assert.ok(frames.every(({ startNs }) => startNs >= nowNs + WINDOW_NS));
});

test('WATCH reports what was heard of the other', () => {
  let n = 0;
  const { frames } = fly({ isLost: (_, address) => address === SOKOL && (n += 1) % 4 === 0 });
  const { report, stations_heard: heard } = of(frames, SOKOL, 'WATCH').at(-1).payload;
  assert.equal(heard, 1);
  assert.equal(report.peer, HAWK);
  const ones = report.earlier.toString(2).replaceAll('0', '').length;
  assert.ok(ones > 20 && ones < 28, `${ones} of 32`);
});

test('a briefing without a way, or without slots, is refused', () => {
  const welcome = { startNs: START_NS, endNs: START_NS, nowNs: START_NS, windowNs: WINDOW_NS, life: 0 };
  const without = (change) => ({ ...welcome, briefing: { ...briefingOf(SOKOL), ...change } });
  assert.throws(() => new Aircraft(without({ waypoints: null }), 0), /waypoints/);
  assert.throws(() => new Aircraft(without({ role: 'monitor' }), 0), /monitor/);
  assert.throws(() => new Aircraft(without({ address: '000001' }), 0), /slot/);
});
