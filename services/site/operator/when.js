// How moments are written in tables, where room is dear.

import { timeOfDay } from "../assets/format.js";

/** A moment, short: the time, and the date too if that is not today's, without the year. */
export function moment(date, now) {
  if (date.toDateString() === now.toDateString()) return timeOfDay(date);
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleString(undefined, { year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
