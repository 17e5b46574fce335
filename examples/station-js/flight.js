// The way through the waypoints: where the aircraft is and how it moves at an instant. Pure geometry, no I/O.
//
// Between waypoints latitude, longitude and altitude run evenly with time. At a waypoint where the velocity changes,
// an instant change would be more than clause 4.4 allows. So the corner is rounded: for a while before and after the
// waypoint's time the acceleration is constant, and the velocity turns evenly from the old one to the new one. The
// timetable stays as it is: the aircraft is back on the next straight line exactly in time. It passes the waypoint on
// the inner side (by a quarter of the change of velocity times half the length of the bend).
'use strict';

const FOOT_M = 0.3048;
const G_MPS2 = 9.80665;
const GENTLE_G = 2; // bends are flown with so much, or with half of what clause 4.4 allows if that is less
const WGS84_A_M = 6378137;
const WGS84_E2 = 6.69437999014e-3;
const DEGREE = Math.PI / 180;

/** Metres for one degree to the north and to the east, at a latitude and a height over the WGS-84 ellipsoid. */
function metresPerDegree(latitudeDeg, heightM) {
  const sin = Math.sin(latitudeDeg * DEGREE);
  const w2 = 1 - WGS84_E2 * sin * sin;
  const n = WGS84_A_M / Math.sqrt(w2);
  const m = (n * (1 - WGS84_E2)) / w2;
  return [(m + heightM) * DEGREE, (n + heightM) * Math.cos(latitudeDeg * DEGREE) * DEGREE];
}

const wrapDeg = (deg) => deg - 360 * Math.round(deg / 360);

/** Distance over ground in metres between two places with latitude_deg and longitude_deg; the earth is a sphere. */
function distanceM(a, b) {
  const h =
    Math.sin(((b.latitude_deg - a.latitude_deg) * DEGREE) / 2) ** 2 +
    Math.cos(a.latitude_deg * DEGREE) *
      Math.cos(b.latitude_deg * DEGREE) *
      Math.sin(((b.longitude_deg - a.longitude_deg) * DEGREE) / 2) ** 2;
  return 2 * 6371008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
}

class Flight {
  /**
   * `waypoints` are those of the briefing, `startNs` is the scenario's start, `limit` is clause 4.4 of the agreement
   * or undefined. Throws RangeError if the way cannot be flown within that limit.
   */
  constructor(waypoints, startNs, limit) {
    this.startNs = startNs;
    this.points = waypoints.map(([second, latitude, longitude, feet]) => ({ second, at: [latitude, longitude, feet] }));
    for (let i = 1; i < this.points.length; i += 1) {
      const previous = this.points[i - 1].at;
      this.points[i].at[1] = previous[1] + wrapDeg(this.points[i].at[1] - previous[1]); // across 180 degrees
    }
    this.legs = this.points.slice(1).map((to, i) => {
      const from = this.points[i];
      const duration = to.second - from.second;
      return { from, duration, rate: to.at.map((value, axis) => (value - from.at[axis]) / duration) };
    });
    const limitG = limit ? limit.acceleration_g : Infinity;
    this.bends = this.legs.slice(1).map((leg, i) => this.#round(this.legs[i], leg, limitG));
    this.firstNs = this.#instant(this.points[0].second);
    this.lastNs = this.#instant(this.points.at(-1).second);
  }

  #instant(second) {
    return this.startNs + BigInt(Math.round(second * 1e9));
  }

  #round(before, after, limitG) {
    const { second, at } = after.from;
    const [north, east] = metresPerDegree(at[0], at[2] * FOOT_M);
    const perUnit = [north, east, FOOT_M];
    const change = Math.hypot(...after.rate.map((rate, axis) => (rate - before.rate[axis]) * perUnit[axis]));
    const gentle = change / (2 * Math.min(GENTLE_G, limitG / 2) * G_MPS2);
    const half = Math.min(gentle, before.duration / 2, after.duration / 2); // two bends never overlap
    if (change > 0 && change / (2 * half) > limitG * G_MPS2) {
      throw new RangeError(`the corner at ${second} s needs more than the ${limitG} g of clause 4.4`);
    }
    return { second, half, at, before: before.rate, after: after.rate };
  }

  #bendAt(second) {
    return this.bends.find((bend) => Math.abs(second - bend.second) < bend.half);
  }

  /** Whether the aircraft is in a bend at an instant. */
  isTurning(ns) {
    return this.#bendAt(Number(ns - this.startNs) / 1e9) !== undefined;
  }

  /** Whether its course changes by more than so many degrees between two instants. */
  turnsBetween(fromNs, untilNs, degrees) {
    const [from, until] = [fromNs, untilNs].map((ns) => Number(ns - this.startNs) / 1e9);
    return this.bends.some(({ second, half, at, before, after }) => {
      if (second + half < from || second - half > until) return false;
      const [north, east] = metresPerDegree(at[0], at[2] * FOOT_M);
      const course = ([dLatitude, dLongitude]) => Math.atan2(dLongitude * east, dLatitude * north) / DEGREE;
      return Math.abs(wrapDeg(course(after) - course(before))) > degrees;
    });
  }

  /** Whether the aircraft is there at an instant. */
  has(ns) {
    return ns >= this.firstNs && ns <= this.lastNs;
  }

  /** Place and velocity at an instant, which must be one of the flight. */
  at(ns) {
    const second = Number(ns - this.startNs) / 1e9;
    const bend = this.#bendAt(second);
    const { position, rate } = bend ? this.#inBend(bend, second) : this.#onLeg(second);
    const [latitude, longitude, feet] = position;
    const [north, east] = metresPerDegree(latitude, feet * FOOT_M);
    return {
      latitude_deg: latitude,
      longitude_deg: wrapDeg(longitude),
      altitude_ft: feet,
      height_m: feet * FOOT_M,
      north_mps: rate[0] * north,
      east_mps: rate[1] * east,
      up_mps: rate[2] * FOOT_M,
    };
  }

  #onLeg(second) {
    const leg = this.legs.findLast(({ from }) => from.second <= second) || this.legs[0];
    const position = leg.from.at.map((value, axis) => value + leg.rate[axis] * (second - leg.from.second));
    return { position, rate: leg.rate };
  }

  #inBend({ second: corner, half, at, before, after }, second) {
    const since = second - corner;
    const turned = since + half; // seconds since the bend began
    const rate = before.map((old, axis) => old + ((after[axis] - old) * turned) / (2 * half));
    const position = at.map(
      (value, axis) => value + before[axis] * since + ((after[axis] - before[axis]) * turned ** 2) / (4 * half),
    );
    return { position, rate };
  }

  /** The waypoints that are still ahead at an instant, as they will be passed: `{ ns, latitude_deg, ... }`. */
  ahead(ns) {
    return this.points
      .map(({ second }) => this.#instant(second))
      .filter((pointNs) => pointNs > ns)
      .map((pointNs) => ({ ns: pointNs, ...this.at(pointNs) }));
  }
}

/** Course in degrees from true north (0 to below 360; north if it does not move) and speed in m/s over ground. */
function courseOf({ north_mps: north, east_mps: east }) {
  const deg = (Math.atan2(east, north) / DEGREE + 360) % 360;
  return { deg: (Math.round(deg * 100) % 36000) / 100, speed_mps: Math.hypot(north, east) };
}

module.exports = { Flight, courseOf, distanceM };
