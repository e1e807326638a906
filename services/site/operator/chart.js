// Draws how many were online as SVG. What is not known is hatched, never counted as online.

import { shape } from "../assets/dom.js";
import { count, timeOfDay } from "../assets/format.js";
import { countTicks, linear, timeTicks } from "./scale.js";

const edge = { left: 48, right: 14, top: 22, bottom: 26 };
const many = 10_000; // from which on the numbers at the left have no room, and are written as 10K, 2M
const short = new Intl.NumberFormat("en", { notation: "compact" });
const apart = 4; // pixels between two marks of a kind, so that both are seen

/** Draws into a box, and returns how times and pixels go together. */
export function draw(box, line, measure) {
  const width = Math.max(260, box.clientWidth);
  const height = width < 520 ? 220 : 280;
  const most = Math.max(...line.points.map((p) => Math.max(p[measure].most, p[measure].online + p[measure].unknown)), 0);
  const levels = countTicks(most);
  const x = linear(line.from, line.to, edge.left, width - edge.right);
  const y = linear(0, levels.at(-1), height - edge.bottom, edge.top);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": summary(line, measure) },
    hatching(), rules(levels, y, width), times(line, x, height), forgotten(line, x, y),
    ...line.marks.filter((m) => m.kind === "lost").map((m) => silence(m, x, y)),
    curves(line.points, measure, x, y), marks(line.marks, x, y, height), shape("g", { class: "cursor", id: "cursor" }));
  box.replaceChildren(svg);
  return { svg, timeAt: linear(edge.left, width - edge.right, line.from, line.to), x, y };
}

/** Puts the cursor where a time is, with a dot at a level, if there is one. */
export function point(drawn, at, level) {
  const x = drawn.x(at);
  const cursor = drawn.svg.querySelector("#cursor");
  cursor.replaceChildren(shape("line", { x1: x, x2: x, y1: drawn.y(0), y2: edge.top - 8 }));
  if (level !== undefined) cursor.append(shape("circle", { cx: x, cy: drawn.y(level), r: 4.5 }));
}

/** The chart in a sentence, for who cannot see it. */
function summary(line, measure) {
  if (line.points.length === 0) return "Nothing is kept of this time.";
  const levels = line.points.map((p) => p[measure]);
  const least = Math.min(...levels.map((l) => l.least));
  const most = Math.max(...levels.map((l) => l.most));
  const lost = line.marks.filter((m) => m.kind === "lost").length;
  return `Chart of ${measure} online: at least ${least}, at most ${most}, ${levels.at(-1).online} at the end. ` +
    (lost > 0 ? `${lost} ${lost === 1 ? "node was" : "nodes were"} lost; for a while nothing is known of theirs.` : "No node was lost.");
}

// Lines on slant paper: the pattern of what is not known.
function hatching() {
  return shape("defs", {},
    shape("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      shape("rect", { class: "hatch-ground", width: 6, height: 6 }), shape("line", { class: "hatch-line", x1: 0, x2: 0, y1: 0, y2: 6 })));
}

function rules(levels, y, width) {
  const written = levels.at(-1) < many ? count : short.format;
  return shape("g", { class: "rules" }, ...levels.flatMap((n) => [
    shape("line", { x1: edge.left, x2: width - edge.right, y1: y(n), y2: y(n) }),
    shape("text", { x: edge.left - 8, y: y(n) + 4, "text-anchor": "end" }, written(n)),
  ]));
}

function times(line, x, height) {
  const { step, all } = timeTicks(line.from, line.to, (x(line.to) - x(line.from)) / 84);
  const room = 30; // pixels on either side that a text takes
  return shape("g", { class: "times" }, ...all.flatMap((t) => [
    shape("line", { x1: x(t), x2: x(t), y1: height - edge.bottom, y2: height - edge.bottom + 5 }),
    x(t) + room > x(line.to) + edge.right ? null : shape("text", { x: x(t), y: height - 6, "text-anchor": "middle" }, label(new Date(t), step)),
  ]));
}

function label(date, step) {
  if (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0) {
    return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
  }
  return step < 60_000 ? timeOfDay(date) : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

// What retention has deleted: no line at zero, but no line.
function forgotten(line, x, y) {
  if (!line.kept) return null;
  const group = shape("g", { class: "forgotten" },
    shape("rect", { x: x(line.from), y: edge.top, width: x(line.kept) - x(line.from), height: y(0) - edge.top }));
  if (x(line.kept) - x(line.from) > 90) group.append(shape("text", { x: x(line.from) + 10, y: edge.top + 18 }, "not kept"));
  return group;
}

// From a node's last sign of life until it was declared lost.
function silence(mark, x, y) {
  const left = x(mark.lastSeen);
  return shape("rect", { class: "silence", x: left, y: edge.top, width: Math.max(2, x(mark.at) - left), height: y(0) - edge.top },
    shape("title", {}, `${mark.node} was lost`));
}

function curves(points, measure, x, y) {
  if (points.length === 0) return null;
  const last = points.length - 1;
  const until = (i) => x(points[Math.min(i + 1, last)].at);
  // Steps: a number holds from its point until the next.
  const steps = (value) => points.map((p, i) => `${i === 0 ? "M" : "L"}${x(p.at)} ${y(value(p[measure]))}H${until(i)}`).join("");
  const back = (value) => points.map((p, i) => `L${until(i)} ${y(value(p[measure]))}H${x(p.at)}`).reverse().join("");
  const group = shape("g", { class: "curves" },
    shape("path", { class: "extent", d: steps((l) => l.most) + back((l) => l.least) + "Z" }),
    shape("path", { class: "area", d: steps((l) => l.online) + `L${x(points[last].at)} ${y(0)}H${x(points[0].at)}Z` }));
  if (points.some((p) => p[measure].unknown > 0)) {
    group.append(shape("path", { class: "unknown", d: steps((l) => l.online + l.unknown) + back((l) => l.online) + "Z" }));
  }
  group.append(shape("path", { class: "line", d: steps((l) => l.online) }));
  return group;
}

function marks(all, x, y, height) {
  const group = shape("g", { class: "marks" });
  const latest = {};
  for (const m of all) {
    const at = x(m.at);
    if (latest[m.kind] !== undefined && at - latest[m.kind] < apart) continue;
    latest[m.kind] = at;
    group.append(shape("g", { class: `mark ${m.kind}` }, ...sign(m.kind, at, y, height), shape("title", {}, `${m.node} ${m.kind === "lost" ? "was lost" : m.kind}`)));
  }
  return group;
}

function sign(kind, at, y, height) {
  const foot = height - edge.bottom;
  switch (kind) {
    case "lost":
      return [shape("line", { x1: at, x2: at, y1: edge.top, y2: foot }), shape("path", { d: `M${at - 4} ${edge.top - 12}l8 8m0 -8l-8 8` })];
    case "started":
      return [shape("path", { d: `M${at} ${foot - 9}l5 9h-10z` })];
    default:
      return [shape("path", { d: `M${at - 4} ${foot - 8}h8v8h-8z` })];
  }
}
