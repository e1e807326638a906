// Where things are in a chart. Pure.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const ticks = [
  second, 5 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
  hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 48 * hour,
];

/** A function from numbers between a0 and a1 to those between b0 and b1; others are cut off. */
export function linear(a0, a1, b0, b1) {
  return (a) => b0 + ((Math.min(Math.max(a, a0), a1) - a0) / (a1 - a0 || 1)) * (b1 - b0);
}

/** Round times between two, at most so many, evenly apart as the clock on the wall shows. */
export function timeTicks(from, to, most) {
  const step = ticks.find((t) => (to - from) / t <= most) ?? ticks.at(-1);
  const all = [];
  for (let wall = Math.ceil(onWall(from) / step) * step; ; wall += step) {
    const t = offWall(wall);
    if (t > to) return { step, all };
    if (t >= from && t > (all.at(-1) ?? -Infinity)) all.push(t);
  }
}

// A time as the clock on the wall shows it, as if it were UTC; that differs by more or less
// in summer.
const onWall = (t) => t - new Date(t).getTimezoneOffset() * minute;

// When the clock on the wall shows a time.
function offWall(wall) {
  const near = wall + new Date(wall).getTimezoneOffset() * minute;
  return wall + new Date(near).getTimezoneOffset() * minute;
}

/** Whole numbers from 0 to at least most and 1, some four of them, evenly apart. */
export function countTicks(most) {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const all = [];
  for (let n = 0; n < Math.max(1, most) + step; n += step) all.push(n);
  return all;
}

/**
 * The steps of a slider over a span of time: its ends are those of the span, and in between
 * are round times. `at` is the time of a step, `of` the step at or before a time.
 */
export function stepsOf(from, to, step) {
  const first = Math.ceil(from / step) * step;
  const last = Math.max(0, Math.ceil((to - first) / step)) + 1;
  return {
    last,
    at: (n) => (n <= 0 ? from : n >= last ? to : first + (n - 1) * step),
    of: (at) => (at >= to ? last : at < first ? 0 : Math.floor((at - first) / step) + 1),
  };
}

/** The last point that is not after a time; the first one if all are. */
export function pointAt(points, at) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle].at <= at) low = middle;
    else high = middle - 1;
  }
  return points[low];
}
