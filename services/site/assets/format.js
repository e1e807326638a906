// How values are written for people. Pure: what is now is an argument.

const whole = new Intl.NumberFormat();
const plurals = new Intl.PluralRules("en");

/** A whole number, grouped as people of the browser's language do. */
export function count(n) {
  return whole.format(n);
}

/** "1 user", "1,200 users". */
export function counted(n, one, many = one + "s") {
  return `${count(n)} ${plurals.select(n) === "one" ? one : many}`;
}

/** A time of day with seconds, in a time zone; without one, in the browser's. */
export function timeOfDay(date, timeZone) {
  return date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone });
}

/** A date with the day of the week, in a time zone; without one, in the browser's. */
export function day(date, timeZone) {
  return date.toLocaleDateString(undefined, { weekday: "long", year: "numeric", month: "long", day: "numeric", timeZone });
}

/** A moment, short: the time, and the date too if that is not today. */
export function moment(date, now) {
  if (date.toDateString() === now.toDateString()) return timeOfDay(date);
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** UTC as protocols write it, to the second: 2026-11-23 10:00:00 UTC. */
export function utc(date) {
  return date.toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

const spans = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** A span of time in its two largest units: "3 h 12 min", "42 s". */
export function span(milliseconds) {
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [];
  for (const [unit, seconds] of spans) {
    const n = Math.floor(rest / seconds);
    rest -= n * seconds;
    if (n > 0 || (unit === "s" && parts.length === 0)) parts.push(`${n} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** A short duration: "850 µs", "1.24 ms", "38 ms", "2.1 s". */
export function duration(milliseconds) {
  if (milliseconds < 0.9995) return `${Math.round(milliseconds * 1000)} µs`;
  if (milliseconds < 9.995) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
