// Has the server verify its log, and says what came of it.

import { byId, element, setNotice, setText } from "../assets/dom.js";
import { count, counted, span } from "../assets/format.js";
import { stopped, wordsOf } from "./api.js";
import { pause } from "./rounds.js";

const patience = 5_000; // milliseconds that a server may take to notice that it is to stop
const listed = 1000; // problems that are listed: a log that is broken all over has one for each event
const between = 200; // milliseconds between two questions whether it has

export class Verify {
  #api;
  #signal;
  #running;
  #stoppedAt = -Infinity;

  constructor(api) {
    this.#api = api;
    byId("verify-start").addEventListener("click", () => this.#run());
    byId("verify-stop").addEventListener("click", () => this.#stop());
  }

  start(signal) {
    this.#signal = signal;
  }

  clear() {
    this.#problems().replaceChildren();
    setNotice(byId("verify-result"), "");
  }

  #stop() {
    this.#stoppedAt = performance.now();
    this.#running?.abort();
  }

  async #run() {
    if (this.#running) return;
    this.clear();
    this.#running = new AbortController();
    this.#busy(true);
    try {
      await this.#insist(AbortSignal.any([this.#running.signal, this.#signal]));
    } catch (error) {
      if (this.#signal.aborted || error.status === 401) return;
      setNotice(byId("verify-result"), stopped(error) ? "Stopped. Nothing can be said." : wordsOf(error), stopped(error) ? "warn" : "bad");
    } finally {
      this.#running = undefined;
      this.#busy(false);
    }
  }

  // Whoever stops and starts again at once must not be told that somebody verifies: that is
  // still the run that was stopped, and the server serves one at a time.
  async #insist(signal) {
    for (;;) {
      try {
        return await this.#read(signal);
      } catch (error) {
        if (error.status !== 409 || performance.now() - this.#stoppedAt > patience) throw error;
        await pause(between, signal);
      }
    }
  }

  async #read(signal) {
    for await (const line of this.#api.lines("POST", ["verify"], {}, {}, signal)) {
      if (line.runningSeconds !== undefined) setText(byId("verify-progress"), `Running for ${span(line.runningSeconds * 1000)}…`);
      else if (line.problem) this.#problem(line.problem);
      else if (line.error) return setNotice(byId("verify-result"), `The log could not be verified: ${line.error.message}.`, "bad");
      else if (line.report) return verdict(line.report);
      byId("problems-scroll").hidden = this.#problems().rows.length === 0;
    }
    setNotice(byId("verify-result"), "The server ended before it was done. Nothing can be said; verify again.", "warn");
  }

  #problems() {
    return byId("problems").tBodies[0];
  }

  #problem(p) {
    if (this.#problems().rows.length >= listed) return;
    this.#problems().append(element("tr", {},
      element("th", { scope: "row" }, p.kind), element("td", { class: "mono small" }, p.id ?? p.stream), element("td", {}, p.detail)));
  }

  #busy(yes) {
    byId("verify-start").setAttribute("aria-disabled", String(yes)); // it keeps the focus
    if (!yes && document.activeElement === byId("verify-stop")) byId("verify-start").focus();
    byId("verify-stop").hidden = !yes;
    setText(byId("verify-progress"), yes ? "Asking…" : "");
    byId("problems-scroll").hidden = this.#problems().rows.length === 0;
  }
}

function verdict(r) {
  const read = `${counted(r.streams, "stream")}, ${counted(r.events, "event")}, ${counted(r.open, "open connection")}`;
  if (r.holds) setNotice(byId("verify-result"), `All holds: who is online is what the log says. It was ${read}.`, "good");
  else setNotice(byId("verify-result"), `${counted(r.problems, "problem")} in ${read}, ${r.problems > listed ? `the first ${count(listed)} ` : ""}listed below. “presenced verify --repair” mends what differs in online.`, "bad");
}
