// The way through the waypoints.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Flight, courseOf, distanceM } = require('../flight');

const START = 1445418000000000000n;
const LIMIT = { acceleration_g: 9 };
const at = (second) => START + BigInt(Math.round(second * 1e9));
const CORNER = [
  [0, 35.01, 36.5, 26000],
  [45, 35.01, 36.62, 26000],
  [75, 35.07, 36.66, 26000],
];

test('a straight leg runs evenly', () => {
  const flight = new Flight([[10, 35, 36, 1000], [30, 35.02, 36, 3000]], START, LIMIT);
  const state = flight.at(at(20));
  assert.ok(Math.abs(state.latitude_deg - 35.01) < 1e-9);
  assert.equal(state.altitude_ft, 2000);
  assert.ok(Math.abs(state.height_m - 609.6) < 1e-9);
  assert.ok(Math.abs(state.up_mps - 30.48) < 1e-9);
  assert.ok(Math.abs(state.north_mps - 110.95) < 0.05); // a minute of latitude at 35 degrees is 1849 m
  assert.deepEqual(courseOf(state).deg, 0);
  assert.deepEqual([flight.has(at(9.9)), flight.has(at(10)), flight.has(at(30)), flight.has(at(30.1))], [
    false,
    true,
    true,
    false,
  ]);
});

test('a corner is rounded gently, and the velocity is that of the way', () => {
  const flight = new Flight(CORNER, START, LIMIT);
  const stepS = 0.1;
  let before = flight.at(at(0));
  for (let second = stepS; second < 75; second += stepS) {
    const now = flight.at(at(second));
    const change = Math.hypot(now.north_mps - before.north_mps, now.east_mps - before.east_mps);
    assert.ok(change / stepS < 2.05 * 9.80665, `${change / stepS} m/s2 at ${second} s`);
    const flown = distanceM(before, now) / stepS;
    assert.ok(Math.abs(flown - Math.hypot(now.north_mps, now.east_mps)) < 3, `at ${second} s`);
    before = now;
  }
});

test('away from the corners the timetable holds', () => {
  const flight = new Flight(CORNER, START, LIMIT);
  for (const [second, latitude, longitude] of [CORNER[0], CORNER[2]]) {
    const state = flight.at(at(second));
    assert.ok(Math.abs(state.latitude_deg - latitude) < 1e-9);
    assert.ok(Math.abs(state.longitude_deg - longitude) < 1e-9);
  }
  const corner = { latitude_deg: 35.01, longitude_deg: 36.62 };
  const cut = distanceM(corner, flight.at(at(45)));
  assert.ok(cut > 100 && cut < 800, `${cut} m`);
});

test('a way that no aircraft can fly is refused', () => {
  const sharp = [[0, 35, 36, 1000], [1, 35.01, 36, 1000], [2, 35, 36, 1000]];
  assert.throws(() => new Flight(sharp, START, LIMIT), /clause 4\.4/);
});

test('a way across 180 degrees goes the short way round', () => {
  const flight = new Flight([[0, 0, 179.9, 0], [100, 0, -179.9, 0]], START, LIMIT);
  assert.ok(Math.abs(Math.abs(flight.at(at(50)).longitude_deg) - 180) < 1e-9);
  assert.ok(Math.abs(flight.at(at(75)).longitude_deg + 179.95) < 1e-9);
  assert.ok(flight.at(at(75)).east_mps > 0);
});

test('the points ahead are where they will be passed', () => {
  const flight = new Flight(CORNER, START, LIMIT);
  assert.deepEqual(flight.ahead(at(44)).map(({ ns }) => ns), [at(45), at(75)]);
  assert.deepEqual(flight.ahead(at(45)).map(({ ns }) => ns), [at(75)]);
});

test('a turn is seen in the time in which it is flown', () => {
  const flight = new Flight(CORNER, START, LIMIT);
  assert.equal(flight.turnsBetween(at(0), at(30), 8), false);
  assert.equal(flight.turnsBetween(at(0), at(60), 8), true);
  assert.equal(flight.turnsBetween(at(0), at(60), 179), false);
});
