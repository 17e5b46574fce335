// For the tests: a briefing as the hub would give it, and a medium that everybody hears, a little later.
'use strict';

const START_NS = 1445418000000000000n; // 2015-10-21T09:00:00Z
const WINDOW_NS = 50_000_000n;
const AIRTIME_NS = 16_000_000n;
const FLIGHT_TIME_NS = 100_000n;

const STATIONS = [
  { address: 0xae1001, call_sign: 'HAWK 11', party: 'coalition', role: 'aircraft' },
  { address: 0x155001, call_sign: 'SOKOL 1', party: 'federation', role: 'aircraft' },
];
const WAYPOINTS = {
  0xae1001: [[0, 35, 37, 24000], [150, 35, 36.64, 24000]],
  0x155001: [[0, 35.01, 36.5, 26000], [45, 35.01, 36.62, 26000], [85, 35.07, 36.66, 26000]],
};
const OWN_SLOTS = { 0xae1001: [0, 20], 0x155001: [1, 26] };
const SHARED_SLOTS = [4, 9, 14, 19, 24, 29, 34, 39, 44, 49];

const second = (ns) => Number(ns - START_NS) / 1e9;

function briefingOf(address) {
  const slots = Object.entries(OWN_SLOTS).map(([station, own]) => [station, { 1: own }]);
  const { call_sign, party, role } = STATIONS.find((station) => station.address === address);
  return {
    address: address.toString(16).padStart(6, '0'),
    call_sign,
    party,
    role,
    agreement: {
      title: 'test',
      party: [{ name: 'coalition' }, { name: 'federation' }],
      channel: [
        { number: 1, access: 'tdma', slot_ms: 20, slots: 50, shared_slots: SHARED_SLOTS, slots_per_station: 2 },
        { number: 2, access: 'aloha' },
      ],
      clause: {
        1.4: { every_s: 20, limit_s: 60 },
        4.1: { every_s: 1, limit_s: 5 },
        4.4: { speed_kt: 2000, acceleration_g: 9, vertical_rate_fpm: 60000 },
        5.1: { grace_s: 30 },
        6.2: { ring_nm: 20, first_s: 15, second_s: 30 },
        6.3: { limit_s: 10, calls: 3 },
      },
    },
    digest: 'fedcba98'.padEnd(64, '0'),
    annexes: { register: STATIONS, slots: Object.fromEntries(slots) },
    waypoints: WAYPOINTS[address],
    unagreed_channels: [],
  };
}

/** Frames on the air, each heard by everybody else; `isLost(frame, address)` says which reception does not happen. */
class Medium {
  constructor(isLost = () => false) {
    this.isLost = isLost;
    this.sent = [];
    this.numbers = new Map();
  }

  transmit(address, command) {
    this.sent.push({ address, ...command });
  }

  /** What `address` receives in a stretch, in order. */
  receptions(address, fromNs, untilNs) {
    const heard = this.sent
      .slice(-20) // nobody hands a frame over long before it starts
      .map((command) => ({ ...command, dueNs: command.startNs + AIRTIME_NS + FLIGHT_TIME_NS }))
      .filter(({ dueNs }) => dueNs >= fromNs && dueNs < untilNs)
      .filter((command) => command.address !== address && !this.isLost(command.frame, address))
      .sort((a, b) => Number(a.dueNs - b.dueNs));
    return heard.map(({ dueNs, startNs, channel, frame }) => {
      const number = this.numbers.get(address) || 0;
      this.numbers.set(address, number + 1);
      return { dueNs, arrivalNs: startNs + FLIGHT_TIME_NS, number, channel, frame };
    });
  }
}

module.exports = { Medium, OWN_SLOTS, SHARED_SLOTS, START_NS, WINDOW_NS, briefingOf, second };
