// The list of who is online, as elements. It knows no server.

import { element, foreign } from "./dom.js";
import { counted, moment } from "./format.js";

const marks = { joined: { text: "joined", tone: "good" }, left: { text: "left", tone: "bad" }, absent: { text: "not online", tone: "" } };

/**
 * Fills a list with entries of a roster. Rows that say the same stay where they are: whoever
 * selects a name, or reads it with a screen reader, is not disturbed by others.
 */
export function fill(list, entries, me, now) {
  const before = new Map([...list.children].map((row) => [row.dataset.says, row]));
  const rows = entries.map((entry) => {
    const says = JSON.stringify([entry, entry.user === me, now.toDateString()]);
    return before.get(says) ?? row(entry, me, now, says);
  });
  const wanted = new Set(rows);
  for (const row of before.values()) if (!wanted.has(row)) row.remove();
  let next = list.firstChild;
  for (const row of rows) {
    if (row === next) next = next.nextSibling;
    else list.insertBefore(row, next);
  }
}

function row({ user, devices, since, mark }, me, now, says) {
  return element(
    "li",
    { class: "person", "data-says": says, "data-mark": mark || null },
    element("span", { class: "name" }, foreign(user), user === me ? badge("you", "") : null, mark ? badge(marks[mark].text, marks[mark].tone) : null),
    element("span", { class: "muted small number" }, facts(devices, since, now)),
  );
}

function badge(text, tone) {
  return element("span", { class: "badge", "data-tone": tone }, text);
}

function facts(devices, since, now) {
  const parts = [];
  if (devices > 0) parts.push(counted(devices, "device"));
  if (since !== undefined) parts.push(`${devices > 0 ? "since" : "had come"} ${moment(new Date(since), now)}`);
  return parts.join(", ");
}
