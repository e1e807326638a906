// How many were online in the course of time, and the time that is looked at.

import { byId, element, setNotice, setText } from "../assets/dom.js";
import { count, counted, span } from "../assets/format.js";
import { moment } from "./when.js";
import { leftOut, stopped, wordsOf } from "./api.js";
import { draw, point } from "./chart.js";
import { rounds } from "./rounds.js";
import { pointAt, stepsOf } from "./scale.js";

// Each range with the number of its points, and how far a step of the slider goes (in ms).
const ranges = [
  { words: "15 min", spoken: "15 minutes", last: "15m", points: 181, step: 1000 },
  { words: "1 h", spoken: "1 hour", last: "1h", points: 241, step: 5000 },
  { words: "6 h", spoken: "6 hours", last: "6h", points: 361, step: 30_000 },
  { words: "24 h", spoken: "24 hours", last: "24h", points: 289, step: 120_000 },
  { words: "7 d", spoken: "7 days", last: "168h", points: 337, step: 900_000 },
];
const measures = [
  { words: "Users", spoken: "Users", key: "users" },
  { words: "Connections", spoken: "Connections", key: "connections" },
];
const soonest = 5000; // milliseconds between two questions, at least,
const calm = 200; // milliseconds that a time must stand still before it is asked about
const share = 20; // and so many times what the last answer took: the log is not read all the time

export class History {
  #api;
  #range = ranges[0];
  #measure = "users";
  #line; // the last answer, with times as numbers
  #drawn;
  #exact; // how many there were at a time that was looked at
  #timer = 0;
  #at; // the time that is looked at; undefined: the end, whatever it is
  #busy = 0; // answers that are waited for
  #took = 0; // milliseconds that the last answer took
  #signal;
  #asking = new AbortController();
  #listed = ""; // the marks that are listed, as text: they are left alone while they stay the same

  /** Called with each time that is looked at, and whether that is forgotten. */
  pick = () => {};

  constructor(api) {
    this.#api = api;
    choices(byId("ranges"), "range", ranges, (r) => {
      this.#range = r;
      this.#ask();
    });
    choices(byId("measures"), "measure", measures, (m) => {
      this.#measure = m.key;
      this.#draw();
    });
    byId("when").addEventListener("input", () => this.#slide());
    byId("when-now").addEventListener("click", () => this.#look(undefined));
    byId("chart").addEventListener("pointerdown", (event) => this.#touch(event));
    byId("chart").addEventListener("pointermove", (event) => event.buttons === 1 && this.#touch(event));
    new ResizeObserver(() => this.#draw()).observe(byId("chart"));
  }

  /** The span of time that is shown, and in words. */
  get shown() {
    return { from: this.#line?.from, to: this.#line?.to, words: this.#range.spoken };
  }

  start(signal) {
    this.#signal = signal;
    rounds(signal, () => Math.max(soonest, share * this.#took), () => (this.#busy ? true : this.#ask()));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#line = undefined;
    this.#exact = undefined;
    this.#at = undefined;
    this.#drawn = undefined;
    this.#listed = "";
    for (const id of ["chart", "legend", "marks", "history-span", "when-words", "when-from", "when-to", "marks-summary"]) byId(id).replaceChildren();
    byId("when").removeAttribute("aria-valuetext");
    setNotice(byId("history-error"), "");
  }

  async #ask() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const signal = AbortSignal.any([this.#asking.signal, this.#signal]);
    const began = performance.now();
    this.#busy++;
    byId("figure").setAttribute("aria-busy", "true");
    try {
      const { answer } = await this.#api.get(["timeline"], { last: this.#range.last, points: this.#range.points }, signal);
      this.#took = performance.now() - began;
      this.#line = understood(answer);
      setNotice(byId("history-error"), "");
      this.#draw();
      this.#showMarks();
      this.#look(this.#at);
      return true;
    } catch (error) {
      if (stopped(error) || error.status === 401) return true;
      setNotice(byId("history-error"), failed(error), "bad");
      return false;
    } finally {
      this.#busy--;
      if (!this.#busy) byId("figure").removeAttribute("aria-busy");
    }
  }

  #draw() {
    if (!this.#line) return;
    this.#drawn = draw(byId("chart"), this.#line, this.#measure);
    const now = new Date();
    setText(byId("when-from"), moment(new Date(this.#line.from), now));
    setText(byId("when-to"), moment(new Date(this.#line.to), now));
    setText(byId("history-span"), this.#line.kept ? `Of the time before ${moment(new Date(this.#line.kept), now)} nothing is kept.` : "");
    this.#cursor();
  }

  // look looks at a time, as far as it is shown.
  #look(at) {
    const { from, to } = this.#line ?? {};
    if (from === undefined) return;
    this.#at = at === undefined || at >= to ? undefined : Math.max(at, from);
    const slider = byId("when");
    const steps = stepsOf(from, to, this.#range.step);
    slider.max = steps.last;
    slider.value = this.#at === undefined ? steps.last : steps.of(this.#at);
    this.#cursor();
    this.#tell(this.#at ?? to);
  }

  /** Stays at the time that is looked at, also if that is the end, which moves on. */
  stay() {
    this.#look(this.#at ?? this.#line?.to - 1);
  }

  #slide() {
    const { from, to } = this.#line ?? {};
    if (from === undefined) return;
    const at = stepsOf(from, to, this.#range.step).at(Number(byId("when").value));
    this.#at = at === to ? undefined : at;
    this.#cursor();
    this.#tell(this.#at ?? to);
  }

  // tell has others show the time that is looked at, and asks how many there were exactly
  // then: the points of the chart are minutes apart.
  #tell(at) {
    this.pick(at, at < this.#line.kept);
    clearTimeout(this.#timer);
    if (this.#at !== undefined && !(at < this.#line.kept)) this.#timer = setTimeout(() => this.#exactly(at), calm);
  }

  async #exactly(at) {
    try {
      const span = { from: new Date(at).toISOString(), to: new Date(at + 1).toISOString(), points: 2 };
      const { answer } = await this.#api.get(["timeline"], span, this.#signal);
      if (this.#at !== at) return;
      this.#exact = { ...answer.points[0], at };
      this.#cursor();
    } catch {
      // Then it stays with the chart's point before; who was online says what is wrong.
    }
  }

  #touch(event) {
    if (!this.#drawn || event.button > 0) return; // the menu of another button is no click
    const box = this.#drawn.svg.getBoundingClientRect();
    this.#look(Math.round(this.#drawn.timeAt(((event.clientX - box.left) / box.width) * this.#drawn.svg.viewBox.baseVal.width)));
  }

  #cursor() {
    const at = this.#at ?? this.#line.to;
    const p = this.#exact?.at === at ? this.#exact : pointAt(this.#line.points, at);
    const known = p && p.at <= at;
    point(this.#drawn, at, known ? p[this.#measure].online : undefined);
    const when = moment(new Date(at), new Date());
    const words = known ? `${counted(p.users.online, "user")} online` + (p.users.unknown > 0 ? `, ${p.users.unknown} unknown` : "") : "before what retention has kept";
    setText(byId("when-words"), when); // no live region: with the end it moves on by itself
    byId("when").setAttribute("aria-valuetext", `${when}: ${words}`);
    byId("legend").replaceChildren(...legend(this.#line, this.#measure, known ? p : undefined));
  }

  #showMarks() {
    const { marks, marksLeftOut } = this.#line;
    const now = JSON.stringify([marks, marksLeftOut, new Date().toDateString()]);
    if (now === this.#listed) return;
    this.#listed = now;
    const kinds = ["lost", "started", "left"].map((kind) => [marks.filter((m) => m.kind === kind).length, kind]).filter(([n]) => n > 0);
    setText(byId("marks-summary"), `What happened to nodes: ${kinds.map(([n, kind]) => `${count(n)} ${kind}`).join(", ") || "nothing"}`);
    const items = marks.slice().reverse().map((m) => element("li", { class: m.kind }, markButton(m, () => this.#look(m.lastSeen ? m.lastSeen + 1 : m.at)), ` ${markWords(m)}`));
    if (marksLeftOut) items.push(element("li", { class: "muted" }, `${counted(marksLeftOut, "earlier one is", "earlier ones are")} left out.`));
    if (items.length === 0) items.push(element("li", { class: "muted" }, "No node started, left or was lost in this time."));
    byId("marks").replaceChildren(...items);
  }
}

function failed(error) {
  if (error.status === 410) return "Nothing is kept of that time: retention has deleted it.";
  if (error.status === 500) return `${wordsOf(error)} Verify, below, says whether the log is in order.`;
  return wordsOf(error);
}

// Radio buttons that look like one thing.
function choices(group, name, all, chosen) {
  group.append(...all.map((choice, i) => {
    const input = element("input", { type: "radio", name, value: choice.words, checked: i === 0, "aria-label": choice.spoken, class: "visually-hidden" });
    input.addEventListener("change", () => chosen(choice));
    return element("label", {}, input, element("span", {}, choice.words));
  }));
}

// Times become numbers: milliseconds since 1970.
function understood(answer) {
  const time = (text) => (text === undefined ? undefined : Date.parse(text));
  return {
    ...answer, from: time(answer.from), to: time(answer.to), kept: time(answer.kept),
    points: answer.points.map((p) => ({ ...p, at: time(p.at) })),
    marks: answer.marks.map((m) => ({ ...m, at: time(m.at), lastSeen: time(m.lastSeen) })),
  };
}

function legend(line, measure, p) {
  const key = (kind, words) => element("span", { class: `key ${kind}` }, words);
  const keys = [key("online", p ? `${counted(p[measure].online, measure.slice(0, -1))} online` : "online")];
  if (p && p[measure].unknown > 0) keys.push(key("unknown", `${p[measure].unknown} unknown`));
  else if (line.marks.some((m) => m.kind === "lost")) keys.push(key("unknown", "unknown: a node was silent"));
  if (line.marks.some((m) => m.kind === "lost")) keys.push(key("lost", "lost"));
  if (line.marks.some((m) => m.kind === "started")) keys.push(key("started", "started"));
  if (line.marks.some((m) => m.kind === "left")) keys.push(key("left", "left"));
  if (line.broken) keys.push(key("unknown", `unknown${leftOut(line)}`));
  return keys;
}

function markButton(m, go) {
  const button = element("button", { class: "link", type: "button" }, moment(new Date(m.at), new Date()));
  button.addEventListener("click", go);
  return button;
}

function markWords(m) {
  const node = `${m.node}, epoch ${m.epoch},`;
  switch (m.kind) {
    case "lost":
      return `${node} was declared lost. Its last sign of life was ${span(m.at - m.lastSeen)} before, with ${counted(m.connections, "connection")}.`;
    case "left":
      return `${node} left in good order.`;
    default:
      return `${node} started.`;
  }
}
