#!/usr/bin/env node
// A station for airaccord: the socket, the wall clock for HELLO, and nothing else. What it does is in aircraft.js.
'use strict';

const { Dealer } = require('zeromq');

const link = require('./link');
const { Aircraft } = require('./aircraft');

const USAGE =
  'usage: node station.js [HUB ADDRESS]     such as: node station.js tcp://127.0.0.1:40123 155001\n' +
  'without arguments, AIRACCORD_HUB, AIRACCORD_ADDRESS and AIRACCORD_KEY say them';
const HELLO_AFTER_MS = 1000; // without a word from the hub
const GIVE_UP_AFTER_MS = 30_000; // without a word from a hub that had spoken, or that started us
const GIVE_UP_AFTER_REFUSALS = 30; // in a row; the hub may change its mind
const EXIT_USAGE = 2;
const EXIT_LOST = 1;

const complain = (text) => process.stderr.write(`station-js: ${text}\n`);

/** What to connect to and as whom; null if the command line and the environment do not say it. */
function settings(argv, env) {
  const [hub, address, key] = argv.length > 0 ? argv : [env.AIRACCORD_HUB, env.AIRACCORD_ADDRESS, env.AIRACCORD_KEY];
  if (argv.length > 3 || !hub || !/^[0-9a-f]{6}$/i.test(address || '') || !/^([0-9a-f]{32})?$/i.test(key || '')) {
    return null;
  }
  return { hub, address: parseInt(address, 16), key: key || '' };
}

class Station {
  constructor({ hub, address, key }) {
    this.hello = link.hello(address, key);
    this.isOurs = key !== ''; // the run started us, so its hub must be there
    this.socket = new Dealer({ linger: 500 });
    this.socket.connect(hub);
    this.queue = Promise.resolve(); // a socket sends one message at a time
    this.life = null;
    this.session = 0;
    this.aircraft = null;
    this.refusals = 0;
    this.nextNumber = 0;
    this.lastHelloMs = 0;
    this.lastHeardMs = performance.now();
    this.exitCode = 0;
  }

  send(bytes) {
    this.queue = this.queue.then(() => this.socket.send(bytes)).catch(() => {}); // a closed socket is the end anyway
  }

  async run() {
    this.sayHello();
    const timer = setInterval(() => this.watchSilence(), HELLO_AFTER_MS / 4);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => this.leave(0));
    try {
      for await (const parts of this.socket) {
        this.lastHeardMs = performance.now();
        if (parts.length === 1) this.hear(parts[0]);
      }
    } finally {
      clearInterval(timer);
    }
    return this.exitCode;
  }

  sayHello() {
    this.lastHelloMs = performance.now();
    this.send(this.hello);
  }

  watchSilence() {
    const nowMs = performance.now();
    const silentMs = nowMs - this.lastHeardMs;
    if (silentMs >= GIVE_UP_AFTER_MS && (this.isOurs || this.life !== null)) {
      complain('the hub has fallen silent');
      this.leave(EXIT_LOST);
    } else if (silentMs >= HELLO_AFTER_MS && nowMs - this.lastHelloMs >= HELLO_AFTER_MS) {
      this.sayHello();
    }
  }

  /** Says BYE and ends the run of this program. */
  async leave(exitCode) {
    this.exitCode = exitCode;
    this.send(link.bye());
    await this.queue;
    this.socket.close();
  }

  hear(bytes) {
    let message;
    try {
      message = link.read(bytes);
    } catch (error) {
      if (!(error instanceof link.LinkError)) throw error;
      complain(`dropped a message: ${error.message}`);
      return;
    }
    if (message.kind === 'welcome') this.onWelcome(message);
    if (message.kind === 'refused') this.onRefused(message);
    if (message.kind === 'time') this.onTime(message);
    if (message.kind === 'end') this.socket.close();
  }

  onWelcome(welcome) {
    if (welcome.life === this.life && this.refusals === 0) return;
    this.session = welcome.life % 255; // so no two lives of this station share one
    this.life = welcome.life;
    this.refusals = 0;
    this.nextNumber = 0;
    try {
      this.aircraft = new Aircraft(welcome, this.session);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      complain(error.message);
      this.leave(EXIT_USAGE);
      return;
    }
    this.carryOut(this.aircraft.advance(welcome.nowNs, []));
    this.send(link.done(welcome.nowNs)); // nothing goes on before that
  }

  onRefused({ reason }) {
    complain(`the hub refused: ${reason}`);
    this.aircraft = null;
    this.refusals += 1;
    if (this.refusals >= GIVE_UP_AFTER_REFUSALS) this.leave(EXIT_LOST);
  }

  onTime({ untilNs, receptions }) {
    if (this.aircraft === null) return;
    for (const { number } of receptions) {
      if (number !== this.nextNumber) complain(`the link lost receptions ${this.nextNumber} to ${number - 1}`);
      this.nextNumber = number + 1;
    }
    this.carryOut(this.aircraft.advance(untilNs, receptions));
    this.send(link.done(untilNs));
  }

  carryOut(commands) {
    for (const command of commands) {
      const { kind, atNs, startNs, channel, session, sequence } = command;
      if (kind === 'place') this.send(link.place(atNs, command.state));
      if (kind === 'offTheAir') this.send(link.offTheAir(atNs));
      if (kind === 'transmit') this.send(link.transmit(startNs, channel, session, sequence, command.frame));
    }
  }
}

async function main() {
  const chosen = settings(process.argv.slice(2), process.env);
  if (chosen === null) {
    complain(USAGE);
    process.exitCode = EXIT_USAGE;
    return;
  }
  let station;
  try {
    station = new Station(chosen);
  } catch (error) {
    complain(`cannot connect to ${chosen.hub}: ${error.message}`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  process.exitCode = await station.run();
}

main();
