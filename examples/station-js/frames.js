// Frames to bytes and back (docs/messages.md): the codec, CRC-32C, the header's time. Pure functions, no I/O.
'use strict';

const { TYPES, HEADER, MESSAGES } = require('./layouts');

const VERSION = 1;
const HEADER_BYTES = 16;
const CRC_BYTES = 4;
const MIN_BYTES = 20;
const MAX_BYTES = 64;
const INCOMPATIBLE_FLAGS = 0xf0;
const SECOND_NS = 1_000_000_000n;
const TIME_PERIOD_NS = 1024n * SECOND_NS;

/** Bytes or a value that break the wire format; the message says which rule. */
class FrameError extends Error {}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const bitsOf = (field) => (field.fields ? field.fields.reduce((sum, inner) => sum + inner.bits, 0) : field.bits);
const bytesOf = (fields) => fields.reduce((sum, field) => sum + bitsOf(field), 0) / 8;
const FRAME_BYTES = Object.fromEntries(
  TYPES.map((type) => [type, HEADER_BYTES + bytesOf(MESSAGES[type]) + CRC_BYTES]),
);

// A field of up to 32 bits never spans more than 5 bytes, so that all of it fits a double exactly.

function getBits(bytes, at, bits) {
  const first = at >> 3;
  const last = (at + bits - 1) >> 3;
  let value = 0;
  for (let i = first; i <= last; i += 1) value = value * 256 + bytes[i];
  return Math.floor(value / 2 ** ((last + 1) * 8 - at - bits)) % 2 ** bits;
}

function putBits(bytes, at, bits, value) {
  for (let bit = 0; bit < bits; bit += 1) {
    if (Math.floor(value / 2 ** (bits - 1 - bit)) % 2) bytes[(at + bit) >> 3] |= 0x80 >> ((at + bit) & 7);
  }
}

function rawToValue(field, unsigned) {
  const raw = field.min < 0 && unsigned >= 2 ** (field.bits - 1) ? unsigned - 2 ** field.bits : unsigned;
  if (field.na !== null && raw === field.na) return null;
  if (raw < field.min || raw > field.max) throw new FrameError(`${field.name}: raw ${raw} is out of range`);
  return field.names ? field.names[raw - field.min] : raw / field.perUnit;
}

function valueToRaw(field, value) {
  let raw;
  if (value === null || value === undefined) {
    if (field.na === null) throw new FrameError(`${field.name} is missing`);
    raw = field.na;
  } else {
    const index = field.names ? field.names.indexOf(value) : 0;
    raw = field.names ? field.min + index : Math.round(Number(value) * field.perUnit);
    if (index < 0 || !(raw >= field.min && raw <= field.max)) {
      throw new FrameError(`${field.name}: ${value} is no legal value`);
    }
  }
  return raw < 0 ? raw + 2 ** field.bits : raw;
}

function readCallSign(bytes, start) {
  const text = Buffer.from(bytes.subarray(start, start + 8)).toString('latin1');
  if (!/^([A-Z0-9][A-Z0-9 ]*| {8})$/.test(text)) throw new FrameError('call_sign is misspelled');
  return text.trimEnd();
}

function readFields(bytes, fields, start) {
  const values = {};
  let at = start;
  for (const field of fields) {
    const from = at >> 3;
    if (field.fields) {
      const hex = Buffer.from(bytes.subarray(from, from + bitsOf(field) / 8)).toString('hex');
      values[field.name] = hex === field.absent ? null : readFields(bytes, field.fields, at);
    } else if (field.text) {
      values[field.name] = readCallSign(bytes, from);
    } else {
      const value = rawToValue(field, getBits(bytes, at, field.bits));
      if (!field.hidden) values[field.name] = value;
    }
    at += bitsOf(field);
  }
  return values;
}

function writeFields(bytes, fields, values, start) {
  let at = start;
  for (const field of fields) {
    const value = values[field.name];
    if (field.fields) {
      if (value) writeFields(bytes, field.fields, value, at);
      else Buffer.from(field.absent, 'hex').copy(bytes, at >> 3);
    } else if (field.text) {
      bytes.write(String(value).padEnd(8), at >> 3, 8, 'latin1');
      readCallSign(bytes, at >> 3);
    } else {
      putBits(bytes, at, field.bits, field.hidden ? 0 : valueToRaw(field, value));
    }
    at += bitsOf(field);
  }
}

/**
 * The bytes of a frame.
 * `type` is a name of TYPES; `header` has channel, source, session, intent, sequence, time_quality and `startNs`
 * (BigInt, the frame's first bit); `payload` has the message's fields, null where "not available".
 */
function encode(type, header, payload) {
  const bytes = Buffer.alloc(FRAME_BYTES[type]);
  const inSecondNs = header.startNs % SECOND_NS;
  const values = {
    ...header,
    version: VERSION,
    type: TYPES.indexOf(type) + 1,
    flags: 0,
    length: bytes.length,
    time_second: Number((header.startNs / SECOND_NS) % 1024n),
    time_microsecond: Number(inSecondNs / 1000n),
  };
  writeFields(bytes, HEADER, values, 0);
  writeFields(bytes, MESSAGES[type], payload, HEADER_BYTES * 8);
  const end = bytes.length - CRC_BYTES;
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * The frame that `bytes` are: `{ type, header, payload }`; throws FrameError at the first rule that does not hold,
 * in the order of "Reading a frame".
 */
function decode(bytes) {
  if (bytes.length < MIN_BYTES || bytes.length > MAX_BYTES) throw new FrameError(`${bytes.length} bytes`);
  const end = bytes.length - CRC_BYTES;
  const frame = Buffer.from(bytes);
  if (frame.readUInt32BE(end) !== crc32c(frame.subarray(0, end))) throw new FrameError('the checksum is wrong');
  if (frame[0] !== VERSION) throw new FrameError(`version ${frame[0]}`);
  if (frame[2] & INCOMPATIBLE_FLAGS) throw new FrameError('an incompatible flag is set');
  if (frame[3] !== frame.length) throw new FrameError('length is not the number of bytes');
  const type = TYPES[frame[1] - 1];
  if (type === undefined) throw new FrameError(`type ${frame[1]}`);
  if (frame.length !== FRAME_BYTES[type]) throw new FrameError(`${frame.length} bytes are no ${type}`);
  const header = readFields(frame, HEADER, 0);
  return { type, header, payload: readFields(frame, MESSAGES[type], HEADER_BYTES * 8) };
}

/** The instant (ns, BigInt) that a header's time means for a frame that arrived at `arrivalNs`: the nearest one. */
function instantOf(header, arrivalNs) {
  const remainder = BigInt(header.time_second) * SECOND_NS + BigInt(header.time_microsecond) * 1000n;
  const backNs = (arrivalNs - remainder) % TIME_PERIOD_NS; // since the last instant with that remainder
  return backNs <= TIME_PERIOD_NS / 2n ? arrivalNs - backNs : arrivalNs - backNs + TIME_PERIOD_NS;
}

module.exports = { FRAME_BYTES, FrameError, crc32c, decode, encode, instantOf };
