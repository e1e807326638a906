// The server's time, and how far away it is.

import { byId, setText } from "./dom.js";
import { day, duration, span, timeOfDay, utc } from "./format.js";

const pingEvery = 3000; // milliseconds
const agree = 250; // milliseconds by which two clocks may differ and still agree
const overdue = 3000; // milliseconds without a time, after which the last one is old

/** Shows the times that come, and measures round trips. */
export function showClock(connection) {
  let latest = 0; // when the last time came
  let roundTrip; // milliseconds

  setText(byId("clock-zone"), Intl.DateTimeFormat().resolvedOptions().timeZone);
  connection.on("time", (message) => {
    latest = performance.now();
    const now = new Date(message.unixMs);
    byId("clock-time").dateTime = message.time;
    setText(byId("clock-time"), timeOfDay(now));
    setText(byId("clock-day"), day(now));
    setText(byId("clock-utc"), utc(now));
    if (roundTrip !== undefined) setText(byId("clock-offset"), offset(Date.now() - message.unixMs - roundTrip / 2));
    byId("clock-time").parentElement.classList.remove("stale");
  });

  const measure = async () => {
    if (connection.state.phase !== "online" || document.hidden) return;
    const began = performance.now();
    try {
      await connection.ask({ type: "ping" });
      roundTrip = performance.now() - began;
      setText(byId("clock-latency"), duration(roundTrip));
    } catch {
      // The connection has ended, or it is told too much: the next round says more.
    }
  };
  connection.on("state", (state) => {
    if (state.phase === "online") measure();
    else setText(byId("clock-latency"), "–");
  });
  setInterval(measure, pingEvery);
  setInterval(() => {
    if (performance.now() - latest > overdue) byId("clock-time").parentElement.classList.add("stale");
  }, 1000);
}

/** How another clock stands to the server's, which is `ahead` milliseconds behind it. */
export function offset(ahead) {
  if (Math.abs(ahead) <= agree) return "agrees";
  const by = Math.abs(ahead) < 10_000 ? duration(Math.abs(ahead)) : span(Math.abs(ahead));
  return ahead > 0 ? `${by} ahead` : `${by} behind`;
}
