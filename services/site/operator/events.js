// The log as it grows: what happens from now on, also across a restart of the server.

import { byId, element, foreign, setText } from "../assets/dom.js";
import { count, counted, timeOfDay } from "../assets/format.js";
import { stopped, wordsOf } from "./api.js";
import { again, pause, seen } from "./rounds.js";

const keep = 500; // events, the newest
const silence = 40_000; // milliseconds without a line, after which the stream is dead: there is one every 15 s
const rest = 10_000; // milliseconds that nobody looks, after which the stream is given up: a browser has few for a server
const forget = 600_000; // and after which what came meanwhile is left out
const inVain = 5; // streams in a row that brought nothing and ended: their cursor is of no use any more

const reasons = {
  client: "left", timeout: "fell silent", slow: "read too slowly", kicked: "was closed by an operator", protocol: "broke the protocol",
  shutdown: "left, as its node stopped", node_lost: "was lost with its node", replaced: "was replaced",
};

export class Events {
  #api;
  #open;
  #signal;
  #cursor = "now";
  #told = new Set(); // ids of what came after the cursor: it comes again if the stream breaks here
  #all = []; // newest first
  #seen = 0;
  #fresh = 0; // of these, those that are not yet in the list
  #held = []; // that came while it is paused, newest first
  #missed = 0; // of these, those that were too many
  #paused = false;
  #due = false;
  #gap = false; // something was left out, since nobody looked

  constructor(api, open) {
    this.#api = api;
    this.#open = open;
    byId("events-pause").addEventListener("click", () => this.#pause(!this.#paused));
    byId("events-filter").addEventListener("input", () => this.#rebuild());
  }

  start(signal) {
    this.#signal = signal;
    this.#follow(signal);
  }

  clear() {
    this.#all = [];
    this.#held = [];
    this.#fresh = 0;
    this.#missed = 0;
    this.#seen = 0;
    this.#gap = false;
    this.#move("now");
    byId("events").replaceChildren();
    this.#tell();
  }

  async #follow(signal) {
    for (let failures = 0, vain = 0; !signal.aborted; ) {
      await this.#wake(signal);
      const before = this.#cursor;
      let words = "The server has ended the stream";
      try {
        await this.#stream(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted || error.status === 401) return;
        if (document.hidden) continue;
        words = stopped(error) ? "Nothing came any more" : wordsOf(error);
        failures++;
        if (error.status === 400 || error.status === 410) this.#move("now");
      }
      vain = failures === 0 && before === this.#cursor && before !== "now" ? vain + 1 : 0;
      if (vain >= inVain) this.#move("now");
      state("Reconnecting", "warn", words);
      await pause(again(failures), signal);
    }
  }

  // wake waits until somebody looks. What came meanwhile is read then, unless that is long ago.
  async #wake(signal) {
    if (!document.hidden) return;
    state("Resting", "", "Nobody looks");
    const began = performance.now();
    await seen(signal);
    if (performance.now() - began < forget || this.#cursor === "now") return;
    this.#move("now");
    this.#gap = true;
    this.#tell();
  }

  async #stream(signal) {
    const watchdog = new AbortController();
    let timer = setTimeout(() => watchdog.abort(), silence);
    let sleepy = 0;
    const look = () => {
      clearTimeout(sleepy);
      if (document.hidden) sleepy = setTimeout(() => watchdog.abort(), rest);
    };
    document.addEventListener("visibilitychange", look);
    try {
      const lines = this.#api.lines("GET", ["events"], { follow: "true", after: this.#cursor }, undefined, AbortSignal.any([signal, watchdog.signal]));
      for await (const line of lines) {
        clearTimeout(timer);
        timer = setTimeout(() => watchdog.abort(), silence);
        if (line.cursor === undefined) {
          this.#take(line);
        } else {
          this.#move(line.cursor);
          state("Live", "good", "");
        }
      }
    } finally {
      clearTimeout(timer);
      clearTimeout(sleepy);
      document.removeEventListener("visibilitychange", look);
    }
  }

  #move(cursor) {
    if (cursor !== this.#cursor) this.#told.clear();
    this.#cursor = cursor;
  }

  #take(event) {
    if (this.#told.has(event._id)) return;
    this.#told.add(event._id);
    if (!this.#paused) {
      this.#add(event);
    } else {
      this.#held.unshift(event);
      if (this.#held.length > keep) this.#missed++;
      this.#held.length = Math.min(this.#held.length, keep);
    }
    this.#tell();
  }

  #add(event) {
    this.#seen++;
    this.#fresh++;
    this.#all.unshift(event);
    this.#all.length = Math.min(this.#all.length, keep);
  }

  // list puts what is fresh into the list.
  #list() {
    const wanted = filter();
    const fresh = this.#all.slice(0, this.#fresh).filter((e) => matches(e, wanted));
    this.#fresh = 0;
    const list = byId("events");
    list.prepend(...fresh.map((e) => this.#item(e)));
    const kept = new Set(this.#all.map((e) => e._id));
    while (list.lastChild && !kept.has(list.lastChild.title)) list.lastChild.remove();
  }

  #pause(yes) {
    this.#paused = yes;
    setText(byId("events-pause"), yes ? "Go on" : "Pause");
    if (!yes) {
      this.#seen += this.#missed;
      this.#missed = 0;
      for (const event of this.#held.splice(0).reverse()) this.#add(event);
    }
    this.#tell();
  }

  #rebuild() {
    this.#fresh = this.#all.length;
    byId("events").replaceChildren();
    this.#tell();
  }

  // tell shows what there is, and how much, once for all that come at the same time.
  #tell() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#list();
      const shown = byId("events").children.length;
      byId("events-scroll").hidden = shown === 0;
      const held = this.#held.length + this.#missed;
      let words = this.#seen === 0 ? "Nothing has happened since this page was opened." : `${counted(this.#seen, "event")} since this page was opened`;
      if (this.#seen > 0) words += filter() ? `, of the last ${count(this.#all.length)} there are ${count(shown)} with that.` : this.#seen > keep ? `; the last ${count(keep)} are here.` : ".";
      if (this.#gap) words += " What happened while nobody looked is left out.";
      if (this.#paused) words += ` Paused: ${counted(held, "more has", "more have")} come.`;
      setText(byId("events-words"), words);
    });
  }

  #item(e) {
    return element("li", { title: e._id },
      element("time", { class: "mono small muted", datetime: e.at }, timeOfDay(new Date(e.at))),
      element("span", { class: "badge", "data-tone": tone(e) }, e.type),
      element("span", {}, ...this.#words(e)));
  }

  #words(e) {
    const node = e._id.split("/")[0];
    switch (e.type) {
      case "connected":
        return [this.#user(e.user), e.resumes ? ` is recorded anew on ${node}` : ` came, on ${node}`];
      case "disconnected":
        return [this.#user(e.user), ` ${reasons[e.reason] ?? e.reason}`, ...(e.reason === "node_lost" ? [`, ${node}`] : [])];
      case "sealed":
        return [e.reason === "node_lost" ? `${node} was declared lost by ${e.by}` : `${node} left in good order`];
      default:
        return [`${node} started`];
    }
  }

  #user(name) {
    const button = element("button", { class: "link", type: "button" }, foreign(name));
    button.addEventListener("click", () => this.#open(name));
    return button;
  }
}

const filter = () => byId("events-filter").value.trim().toLowerCase();

function matches(e, wanted) {
  return wanted === "" || [e._id, e.type, e.user, e.reason, e.by].some((text) => text?.toLowerCase().includes(wanted));
}

function tone(e) {
  if (e.reason === "node_lost") return "warn";
  return e.type === "connected" ? "good" : "";
}

function state(words, tone, why) {
  const pill = byId("events-state");
  setText(pill, words);
  pill.dataset.tone = tone;
  pill.title = why;
}
