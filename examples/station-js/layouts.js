// The fields of every message, in the order of their bits, as the tables of docs/messages.md give them. Data only.
'use strict';

const TYPES = ['POSITION', 'INTENT', 'IDENT', 'HAIL', 'ACK', 'WATCH']; // the first is type 1

// `min`, `max` and `na` ("not available") are raw integers; a negative `min` makes the field two's complement;
// `perUnit` raw steps make one unit.
const number = (name, bits, perUnit, min, max, na = null) => ({ name, bits, perUnit, min, max, na });
const uint = (name, bits, max = 2 ** bits - 1, na = null) => number(name, bits, 1, 0, max, na);
const choice = (name, bits, names, first = 0) => ({ ...number(name, bits, 1, first, first + names.length - 1), names });
const reserved = (bits) => ({ ...uint('reserved', bits, 0), hidden: true });
// A group is there as a whole or not at all: `absent` is its bytes then, in hex.
const group = (name, absent, fields) => ({ name, absent, fields });

const address = (name, na = null) => uint(name, 24, 0xfffffe, na);
const session = (name) => uint(name, 8, 254);
const seconds = (name) => uint(name, 16, 65534);
const latitude = (na = null) => number('latitude_deg', 32, 1e7, -90e7, 90e7, na);
const longitude = (na = null) => number('longitude_deg', 32, 1e7, -180e7, 180e7, na);
const altitude = (name) => number(name, 24, 1, -2000, 200000, -0x800000);
const velocity = (name) => number(name, 16, 10, -32767, 32767, -0x8000);
const angle = (name) => number(name, 16, 100, 0, 35999, 0xffff);
const point = (name) =>
  group(name, '8000000080000000800000ffff', [
    latitude(),
    longitude(),
    altitude('altitude_ft'),
    seconds('time_over_s'),
  ]);

const HEADER = [
  uint('version', 8),
  uint('type', 8),
  uint('flags', 8),
  uint('length', 8),
  uint('channel', 8),
  address('source'),
  session('session'),
  uint('intent', 8),
  uint('sequence', 16),
  uint('time_quality', 2),
  uint('time_second', 10),
  uint('time_microsecond', 20, 999999),
];

const EMERGENCIES = [
  'NONE',
  'GENERAL',
  'MEDICAL',
  'MINIMUM_FUEL',
  'NO_COMMUNICATIONS',
  'UNLAWFUL_INTERFERENCE',
  'DOWNED',
];
const MANOEUVRES = ['HOLD', 'CLIMB', 'DESCEND', 'TURN', 'ORBIT', 'TRANSIT', 'RETURN', 'AVOID'];
const EMITTERS = ['UNKNOWN', 'FIXED_WING', 'ROTORCRAFT', 'HIGH_PERFORMANCE', 'UNCREWED', 'GROUND', 'MONITOR'];
const PHRASES = ['CONTACT', 'STATE_INTENTION', 'KEEP_CLEAR', 'YOU_ARE_CLOSING', 'CHANGE_FREQUENCY', 'SAY_AGAIN'];
const RESULTS = ['ROGER', 'WILCO', 'UNABLE', 'STANDBY', 'SAY_AGAIN'];
const REASONS = ['NONE', 'TRAFFIC', 'WEATHER', 'TECHNICAL', 'ORDERS', 'NOT_UNDERSTOOD'];

const MESSAGES = {
  POSITION: [
    latitude(-0x80000000),
    longitude(-0x80000000),
    altitude('baro_altitude_ft'),
    altitude('geo_altitude_ft'),
    velocity('velocity_north_mps'),
    velocity('velocity_east_mps'),
    velocity('velocity_up_mps'),
    angle('heading_deg'),
    uint('nic', 4, 11),
    uint('nacp', 4, 11),
    uint('nacv', 3, 4),
    uint('gva', 2),
    uint('sil', 2),
    uint('airborne', 1),
    choice('emergency', 3, EMERGENCIES),
    uint('uncrewed', 1),
    uint('degraded', 1),
    uint('simulated', 1),
    reserved(2),
    number('age_s', 8, 100, 0, 254, 0xff),
    uint('idents', 8),
    uint('hails', 8),
    uint('acks', 8),
    uint('emcon', 8),
    group('receipt', 'ffffffffffff', [address('source'), session('session'), uint('sequence', 16)]),
  ],
  INTENT: [
    number('serial', 8, 1, 1, 255),
    choice('kind', 8, MANOEUVRES),
    seconds('validity_s'),
    altitude('selected_altitude_ft'),
    angle('track_deg'),
    number('speed_mps', 16, 10, 0, 32767, 0xffff),
    point('first'),
    point('second'),
  ],
  IDENT: [
    { name: 'call_sign', bits: 64, text: true },
    choice('emitter', 8, EMITTERS),
    uint('agreement', 32),
    uint('guarded', 16),
    uint('sign_off', 1),
    reserved(7),
  ],
  HAIL: [
    address('addressee'),
    choice('phrase', 8, PHRASES, 1),
    uint('call_id', 8),
    seconds('reply_by_s'),
    uint('reply_channel', 8),
    address('subject', 0xffffff),
  ],
  ACK: [
    address('addressee'),
    session('answers_session'),
    uint('answers_sequence', 16),
    choice('answers_type', 8, TYPES, 1),
    choice('result', 8, RESULTS, 1),
    choice('reason', 8, REASONS),
    uint('read_back', 32, 0xfffffffe, 0xffffffff),
  ],
  WATCH: [
    uint('guarded', 16),
    uint('stations_heard', 8),
    uint('hails', 8),
    uint('acks', 8),
    group('report', 'ffffffffffffffffffff', [
      address('peer'),
      session('session'),
      uint('last_sequence', 16),
      uint('earlier', 32),
    ]),
  ],
};

module.exports = { TYPES, HEADER, MESSAGES };
