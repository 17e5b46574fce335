// The program itself, against a small hub on a loopback port.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');

const { Router } = require('zeromq');

const { decode } = require('../frames');
const { FakeHub } = require('./fake-hub');

const PROGRAM = path.join(__dirname, '..', 'station.js');
const KEY = '00112233445566778899aabbccddeeff';
const LIMIT = { timeout: 60_000 };

function start(argv, env = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.said = '';
  child.stderr.on('data', (data) => (child.said += data));
  return child;
}

/** Starts the program as SOKOL 1 and HAWK 11, runs the hub to its end, and waits for both to exit. */
async function fly(options) {
  const addresses = [0x155001, 0xae1001];
  const hub = new FakeHub(addresses, options);
  const endpoint = await hub.bind();
  const environment = { AIRACCORD_HUB: endpoint, AIRACCORD_ADDRESS: '155001', AIRACCORD_KEY: KEY };
  const children = [start([], environment), start([endpoint, 'ae1001'])];
  const exits = children.map((child) => once(child, 'exit'));
  try {
    await hub.run();
    const codes = (await Promise.all(exits)).map(([code]) => code);
    return { codes, hub, errors: children.map(({ said }) => said) };
  } finally {
    children.forEach((child) => child.kill());
    hub.close();
  }
}

test('two stations fly through a run and end with it', LIMIT, async () => {
  const { codes, hub, errors } = await fly({ durationS: 40 });
  assert.deepEqual([codes, errors], [[0, 0], ['', '']]);
  const [hello] = hub.said.filter(({ kind, address }) => kind === 'H' && address === 0x155001);
  assert.equal(hello.bytes.toString('hex'), `0148${'00155001'}01${KEY}`);
  const sentBy = (address) => hub.medium.sent.filter((sent) => sent.address === address);
  const types = (address) => sentBy(address).map(({ frame }) => decode(frame).type);
  assert.ok(types(0xae1001).includes('HAIL'));
  assert.ok(types(0x155001).includes('ACK'));
  const doneBySokol = hub.said.filter(({ kind, address }) => kind === 'D' && address === 0x155001);
  assert.equal(doneBySokol.length, 801); // one for the WELCOME
});

test('another life begins a new session with PLACE first and the sequence at 0', LIMIT, async () => {
  const { codes, hub } = await fly({ durationS: 20, life: 4, cutOffAtS: 10 });
  assert.deepEqual(codes, [0, 0]);
  const sokol = hub.medium.sent.filter(({ address }) => address === 0x155001);
  assert.deepEqual([...new Set(sokol.map(({ session }) => session))], [4, 5]);
  assert.equal(sokol.find(({ session }) => session === 5).sequence, 0);
  assert.ok(sokol.every(({ frame, session }) => decode(frame).header.session === session));
});

test('a signal makes it say BYE', LIMIT, async () => {
  const hub = new FakeHub([0x155001, 0xae1001], { durationS: 20 }); // the other never comes, so nothing is granted
  const child = start([await hub.bind(), '155001']);
  const exit = once(child, 'exit');
  try {
    const running = hub.run();
    while (!hub.said.some(({ kind }) => kind === 'P')) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGTERM');
    await running;
    assert.deepEqual(await exit, [0, null]);
    assert.equal(hub.said.at(-1).kind, 'B');
  } finally {
    child.kill();
    hub.close();
  }
});

test('HELLO is said again while nothing comes', LIMIT, async () => {
  const socket = new Router({ linger: 0 });
  await socket.bind('tcp://127.0.0.1:*');
  const child = start([socket.lastEndpoint, '155001']);
  try {
    const [, first] = await socket.receive();
    const [, second] = await socket.receive();
    assert.deepEqual(first, second);
    assert.equal(first.toString('latin1', 1, 2), 'H');
  } finally {
    child.kill('SIGKILL');
    socket.close();
  }
});

test('wrong arguments are told in one message', LIMIT, async () => {
  const child = start(['tcp://127.0.0.1:1', 'SOKOL 1']);
  assert.deepEqual(await once(child, 'close'), [2, null]);
  assert.match(child.said, /usage/);
});
