// The wire format against what docs/messages.md says.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { FRAME_BYTES, FrameError, crc32c, decode, encode, instantOf } = require('../frames');

const EXAMPLE = Buffer.from(
  '0101003802ae1001070304d2a053d090' +
    '14ef6a07ea3e8ac000733c8000000401' +
    'f82ffffb74108957700c0502010043c0' +
    '010302bc1eb63cfd',
  'hex',
);

const HEADER = { channel: 1, source: 0x155001, session: 3, intent: 0, sequence: 65535, time_quality: 3, startNs: 7n };

const HAIL = { addressee: 1, phrase: 'CONTACT', call_id: 0, reply_by_s: 10, reply_channel: 1, subject: null };

/** The example, changed by `change`, with a checksum that fits. */
function altered(change) {
  const bytes = Buffer.from(EXAMPLE);
  change(bytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, bytes.length - 4)), bytes.length - 4);
  return bytes;
}

test('CRC-32C has the known check value', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('each message has the length of the table', () => {
  assert.deepEqual(FRAME_BYTES, { POSITION: 56, INTENT: 57, IDENT: 36, HAIL: 31, ACK: 33, WATCH: 35 });
});

test('the example says what the page says', () => {
  const { type, header, payload } = decode(EXAMPLE);
  assert.equal(type, 'POSITION');
  assert.equal(header.source, 0xae1001);
  assert.equal(header.sequence, 1234);
  assert.deepEqual([header.time_quality, header.time_second, header.time_microsecond], [2, 517, 250000]);
  assert.equal(payload.latitude_deg, 35.1234567);
  assert.equal(payload.longitude_deg, -36.5);
  assert.equal(payload.geo_altitude_ft, null);
  assert.equal(payload.velocity_east_mps, -200.1);
  assert.equal(payload.emergency, 'MINIMUM_FUEL');
  assert.deepEqual([payload.nic, payload.nacp, payload.nacv, payload.gva, payload.sil], [8, 9, 2, 2, 3]);
  assert.equal(payload.age_s, 0.12);
  assert.deepEqual(payload.receipt, { source: 0x43c001, session: 3, sequence: 700 });
});

test('the example is written as it was read', () => {
  const { type, header, payload } = decode(EXAMPLE);
  const startNs = instantOf(header, 1445418000000000000n);
  assert.deepEqual(encode(type, { ...header, startNs }, payload), EXAMPLE);
});

test('every message is read as it was written', () => {
  const point = { latitude_deg: -0.5, longitude_deg: 179.9999999, altitude_ft: null, time_over_s: 65534 };
  const words = { serial: 255, kind: 'AVOID', validity_s: 0, selected_altitude_ft: null, track_deg: 359.99 };
  const payloads = {
    INTENT: { ...words, speed_mps: 3276.7, first: point, second: null },
    IDENT: { call_sign: 'SOKOL 1', emitter: 'UNCREWED', agreement: 0xfffffffe, guarded: 0x8006, sign_off: 1 },
    HAIL: { addressee: 1, phrase: 'SAY_AGAIN', call_id: 9, reply_by_s: 10, reply_channel: 1, subject: null },
    ACK: {
      addressee: 0xfffffe,
      answers_session: 254,
      answers_sequence: 65535,
      answers_type: 'HAIL',
      result: 'WILCO',
      reason: 'ORDERS',
      read_back: null,
    },
    WATCH: {
      guarded: 6,
      stations_heard: 4,
      hails: 1,
      acks: 2,
      report: { peer: 5, session: 0, last_sequence: 7, earlier: 0xffffffff },
    },
  };
  for (const [type, payload] of Object.entries(payloads)) {
    const bytes = encode(type, HEADER, payload);
    assert.equal(bytes.length, FRAME_BYTES[type]);
    assert.deepEqual(decode(bytes).payload, payload);
  }
});

test('a frame that breaks one rule is rejected', () => {
  const broken = {
    'too short': EXAMPLE.subarray(0, 19),
    'too long': Buffer.concat([EXAMPLE, Buffer.alloc(9)]),
    checksum: Buffer.from(EXAMPLE).fill(0, 20, 21),
    version: altered((bytes) => (bytes[0] = 2)),
    flags: altered((bytes) => (bytes[2] = 0x10)),
    length: altered((bytes) => (bytes[3] = 57)),
    type: altered((bytes) => (bytes[1] = 7)),
    'length of the type': altered((bytes) => (bytes[1] = 3)),
    source: altered((bytes) => bytes.fill(0xff, 5, 8)),
    session: altered((bytes) => (bytes[8] = 255)),
    microsecond: altered((bytes) => bytes.fill(0xff, 13, 16)),
    latitude: altered((bytes) => bytes.writeInt32BE(900000001, 16)),
    heading: altered((bytes) => bytes.writeUInt16BE(36000, 36)),
    enumeration: altered((bytes) => (bytes[40] |= 0xe0)),
    reserved: altered((bytes) => (bytes[40] |= 0x01)),
    'group that is nearly absent': altered((bytes) => bytes.fill(0xff, 46, 52).fill(0xfe, 51, 52)),
  };
  for (const [name, bytes] of Object.entries(broken)) assert.throws(() => decode(bytes), FrameError, name);
});

test('the flags that may be ignored are', () => {
  assert.equal(decode(altered((bytes) => (bytes[2] = 0x0f))).header.flags, 15);
});

test('a value that is not legal is not written', () => {
  for (const wrong of [{ addressee: 0xffffff }, { phrase: 'HELLO' }, { reply_by_s: -1 }, { call_id: null }]) {
    assert.throws(() => encode('HAIL', HEADER, { ...HAIL, ...wrong }), FrameError);
  }
  const ident = { call_sign: 'sokol', emitter: 'UNKNOWN', agreement: 0, guarded: 0, sign_off: 0 };
  assert.throws(() => encode('IDENT', HEADER, ident), FrameError);
});

test("the header's time means the nearest instant", () => {
  const startNs = 1445418000123456000n;
  const { header } = decode(encode('HAIL', { ...HEADER, startNs }, HAIL));
  for (const off of [-511n, -1n, 0n, 1n, 511n]) {
    assert.equal(instantOf(header, startNs + off * 1_000_000_000n), startNs);
  }
});
