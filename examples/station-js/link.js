// The link protocol's messages to bytes and back (docs/link-protocol.md). Pure functions; the socket is in station.js.
'use strict';

const VERSION = 1;
const GRANTED_TIME = 1;

/** Bytes that are no message of the hub; the reader drops them. */
class LinkError extends Error {}

function message(kind, bodyBytes) {
  const buffer = Buffer.alloc(2 + bodyBytes);
  buffer[0] = VERSION;
  buffer.write(kind, 1, 'latin1');
  return buffer;
}

/** A message whose first field is an instant, with `moreBytes` left free behind it (from byte 10 on). */
function timed(kind, instantNs, moreBytes = 0) {
  const buffer = message(kind, 8 + moreBytes);
  buffer.writeBigInt64BE(instantNs, 2);
  return buffer;
}

/** HELLO for granted time; `key` is 32 hex digits, or empty for a station that was not given one. */
function hello(address, key) {
  const buffer = message('H', 21);
  buffer.writeUInt32BE(address, 2);
  buffer[6] = GRANTED_TIME;
  Buffer.from(key, 'hex').copy(buffer, 7);
  return buffer;
}

/** PLACE; `state` is what flight.js says of an instant. */
function place(atNs, state) {
  const buffer = timed('P', atNs, 48);
  const { latitude_deg, longitude_deg, height_m, north_mps, east_mps, up_mps } = state;
  [latitude_deg, longitude_deg, height_m, north_mps, east_mps, up_mps].forEach((value, i) => {
    buffer.writeDoubleBE(value, 10 + 8 * i);
  });
  return buffer;
}

function transmit(startNs, channel, session, sequence, frame) {
  const buffer = timed('T', startNs, 7 + frame.length);
  buffer[10] = channel;
  buffer.writeUInt16BE(session, 11);
  buffer.writeUInt32BE(sequence, 13);
  frame.copy(buffer, 17);
  return buffer;
}

const done = (untilNs) => timed('D', untilNs);
const offTheAir = (atNs) => timed('O', atNs);
const bye = () => message('B', 0);

function readWelcome(bytes) {
  return {
    startNs: bytes.readBigInt64BE(2),
    endNs: bytes.readBigInt64BE(10),
    nowNs: bytes.readBigInt64BE(18),
    windowNs: BigInt(bytes.readUInt32BE(26)),
    life: bytes.readUInt32BE(30),
    briefing: JSON.parse(bytes.toString('utf8', 34)),
  };
}

const RECEPTION_BYTES = 24; // before the frame

function readTime(bytes) {
  const receptions = [];
  let at = 20;
  for (let n = bytes.readUInt16BE(18); n > 0; n -= 1) {
    const frameAt = at + RECEPTION_BYTES;
    const length = bytes[at + 23];
    if (bytes.length < frameAt + length) throw new LinkError('TIME is too short');
    receptions.push({
      dueNs: bytes.readBigInt64BE(at),
      arrivalNs: bytes.readBigInt64BE(at + 8),
      number: bytes.readUInt32BE(at + 16),
      channel: bytes[at + 20],
      powerDbm: bytes.readInt16BE(at + 21) / 10,
      frame: bytes.subarray(frameAt, frameAt + length),
    });
    at = frameAt + length;
  }
  if (at !== bytes.length) throw new LinkError('TIME is too long');
  return { fromNs: bytes.readBigInt64BE(2), untilNs: bytes.readBigInt64BE(10), receptions };
}

const READERS = {
  W: ['welcome', readWelcome],
  R: ['refused', (bytes) => ({ reason: bytes.toString('utf8', 2) })],
  G: ['time', readTime],
  E: ['end', (bytes) => ({ nowNs: bytes.readBigInt64BE(2), reason: bytes.toString('utf8', 10) })],
  A: ['alive', () => ({})],
};

/** What the hub says: `{ kind, ... }`; throws LinkError for anything that is not a message for a station. */
function read(bytes) {
  const reader = bytes.length >= 2 && bytes[0] === VERSION && READERS[String.fromCharCode(bytes[1])];
  if (!reader) throw new LinkError('another version or an unknown kind');
  try {
    return { kind: reader[0], ...reader[1](bytes) };
  } catch (error) {
    throw new LinkError(`${reader[0]}: ${error.message}`);
  }
}

module.exports = { LinkError, bye, done, hello, offTheAir, place, read, transmit };
