// For the tests: a small hub for granted time, written from docs/link-protocol.md. Its medium is that of world.js.
'use strict';

const { Router } = require('zeromq');

const { Medium, START_NS, WINDOW_NS, briefingOf } = require('./world');

function timed(kind, ...instants) {
  const bytes = Buffer.alloc(2 + 8 * instants.length);
  bytes[0] = 1;
  bytes.write(kind, 1, 'latin1');
  instants.forEach((ns, i) => bytes.writeBigInt64BE(ns, 2 + 8 * i));
  return bytes;
}

function welcome(briefing, endNs, nowNs, life) {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(Number(WINDOW_NS), 0);
  numbers.writeUInt32BE(life, 4);
  return Buffer.concat([timed('W', START_NS, endNs, nowNs), numbers, Buffer.from(JSON.stringify(briefing))]);
}

function time(fromNs, untilNs, receptions) {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(receptions.length);
  const parts = receptions.map(({ dueNs, arrivalNs, number, channel, frame }) => {
    const head = Buffer.alloc(24);
    head.writeBigInt64BE(dueNs, 0);
    head.writeBigInt64BE(arrivalNs, 8);
    head.writeUInt32BE(number, 16);
    head[20] = channel;
    head.writeInt16BE(-705, 21);
    head[23] = frame.length;
    return Buffer.concat([head, frame]);
  });
  return Buffer.concat([timed('G', fromNs, untilNs), count, ...parts]);
}

class FakeHub {
  /** `life` is what WELCOME says; `cutOffAtS` is when every station is cut off once and welcomed with the next life. */
  constructor(addresses, { durationS, life = 0, cutOffAtS = null }) {
    this.addresses = addresses;
    this.endNs = START_NS + BigInt(durationS) * 1_000_000_000n;
    this.cutOffNs = cutOffAtS === null ? null : START_NS + BigInt(cutOffAtS) * 1_000_000_000n;
    this.life = life;
    this.nowNs = START_NS;
    this.medium = new Medium();
    this.routes = new Map(); // address to the socket's name for it
    this.said = []; // everything that was heard: { address, kind, bytes }
    this.waiting = new Set(addresses);
    this.socket = new Router({ linger: 0 });
  }

  async bind() {
    await this.socket.bind('tcp://127.0.0.1:*');
    return this.socket.lastEndpoint;
  }

  /** Runs to the end of the scenario, and says END. */
  async run() {
    for await (const [route, bytes] of this.socket) {
      const kind = String.fromCharCode(bytes[1]);
      if (kind === 'H') await this.#hello(route, bytes);
      const address = this.addresses.find((candidate) => this.routes.get(candidate)?.equals(route));
      this.said.push({ address, kind, bytes });
      if (kind === 'T') this.medium.transmit(address, readTransmit(bytes));
      if (kind === 'D' && bytes.readBigInt64BE(2) === this.nowNs) this.waiting.delete(address);
      if (kind === 'B') return this.#end();
      if (this.waiting.size === 0 && !(await this.#grant())) return this.#end();
    }
    return undefined;
  }

  async #hello(route, bytes) {
    const address = bytes.readUInt32BE(2);
    this.routes.set(address, route);
    await this.#welcome(address);
  }

  async #welcome(address) {
    const bytes = welcome(briefingOf(address), this.endNs, this.nowNs, this.life);
    await this.socket.send([this.routes.get(address), bytes]);
  }

  /** Grants the next window, or cuts everybody off; false when the scenario is over. */
  async #grant() {
    if (this.nowNs >= this.endNs) return false;
    this.waiting = new Set(this.addresses); // for DONE, with the now_ns of the WELCOME or the until_ns of the TIME
    if (this.nowNs === this.cutOffNs) {
      this.cutOffNs = null;
      this.life += 1;
      this.medium.numbers.clear();
      for (const address of this.addresses) await this.#welcome(address);
      return true;
    }
    const fromNs = this.nowNs;
    this.nowNs += WINDOW_NS;
    for (const [address, route] of this.routes) {
      const receptions = this.medium.receptions(address, fromNs, this.nowNs);
      await this.socket.send([route, time(fromNs, this.nowNs, receptions)]);
    }
    return true;
  }

  async #end() {
    for (const route of this.routes.values()) {
      await this.socket.send([route, Buffer.concat([timed('E', this.nowNs), Buffer.from('the scenario is over')])]);
    }
  }

  close() {
    this.socket.close();
  }
}

function readTransmit(bytes) {
  return {
    startNs: bytes.readBigInt64BE(2),
    channel: bytes[10],
    session: bytes.readUInt16BE(11),
    sequence: bytes.readUInt32BE(13),
    frame: bytes.subarray(17),
  };
}

module.exports = { FakeHub };
