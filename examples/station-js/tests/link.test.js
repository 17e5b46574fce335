// The link's messages against the examples of docs/link-protocol.md.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const link = require('../link');

const NINE = 1445418000000000000n;
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('HELLO is the one of the page', () => {
  assert.deepEqual(link.hello(0x155001, ''), hex('01 48 00155001 01 00000000000000000000000000000000'));
});

test('HELLO carries the key', () => {
  const key = '00112233445566778899aabbccddeeff';
  assert.equal(link.hello(0x155001, key).toString('hex', 7), key);
});

test('PLACE is the one of the page', () => {
  const state = { latitude_deg: 35, longitude_deg: 36.5, height_m: 8000, north_mps: 0, east_mps: 250, up_mps: 0 };
  const expected =
    '01 50 140f280349f4a000 4041800000000000 4042400000000000 40bf400000000000' +
    '0000000000000000 406f400000000000 0000000000000000';
  assert.deepEqual(link.place(NINE, state), hex(expected));
});

test('DONE is the one of the page', () => {
  assert.deepEqual(link.done(NINE + 50_000_000n), hex('01 44 140f28034cef9080'));
});

test('TRANSMIT has its fields in order', () => {
  const expected = '01 54 140f280349f4a000 01 00fe 0000ffff aabb';
  assert.deepEqual(link.transmit(NINE, 1, 254, 65535, hex('aabb')), hex(expected));
});

const TIME = hex(
  '01 47 140f280349f4a000 140f28034cef9080 0001' +
    '140f28034b25cd00 140f28034a03e240 00000000 01 fd3f 03 aabbcc',
);

test('TIME is read as the page says', () => {
  assert.deepEqual(link.read(TIME), {
    kind: 'time',
    fromNs: NINE,
    untilNs: NINE + 50_000_000n,
    receptions: [
      {
        dueNs: NINE + 20_000_000n,
        arrivalNs: NINE + 1_000_000n,
        number: 0,
        channel: 1,
        powerDbm: -70.5,
        frame: hex('aabbcc'),
      },
    ],
  });
});

test('what is no message is refused', () => {
  const wrong = [
    hex(''),
    hex('01'),
    hex('02 41'),
    hex('01 4e'),
    TIME.subarray(0, 30),
    TIME.subarray(0, TIME.length - 1),
    Buffer.concat([TIME, hex('00')]),
    hex('01 57 00'),
  ];
  for (const bytes of wrong) assert.throws(() => link.read(bytes), link.LinkError);
});
