// Who was online at a time.

import { byId, element, foreign, setNotice, setText } from "../assets/dom.js";
import { count, counted } from "../assets/format.js";
import { moment } from "./when.js";
import { leftOut, stopped, wordsOf } from "./api.js";

const calm = 200; // milliseconds that a time must stand still before it is asked about
const size = 100; // users of a page

const gone = "That is before what retention has kept: nobody knows any more.";

export class Crowd {
  #api;
  #open;
  #signal;
  #asking = new AbortController();
  #timer = 0;
  #at;
  #more = false; // more than a page is shown: it is left alone while the time stays the same
  #shown = ""; // the table, as text: it is left alone while it stays the same

  constructor(api, open) {
    this.#api = api;
    this.#open = open;
    byId("crowd-more").addEventListener("click", () => {
      this.#more = true;
      this.stay();
      this.#ask(byId("crowd-more").value);
    });
  }

  /** Called when the time that is looked at is to stay. */
  stay = () => {};

  start(signal) {
    this.#signal = signal;
  }

  clear() {
    clearTimeout(this.#timer);
    this.#more = false;
    this.#shown = "";
    byId("crowd").tBodies[0].replaceChildren();
    for (const id of ["crowd-when", "crowd-total"]) setText(byId(id), "");
    for (const id of ["crowd-scroll", "crowd-none", "crowd-more"]) byId(id).hidden = true;
    setNotice(byId("crowd-error"), "");
  }

  /** Shows who was online at a time, once no other is wanted; of one that is forgotten, that it is. */
  show(at, forgotten) {
    if (this.#more && Math.abs(at - this.#at) <= 1) return;
    this.#more = false;
    this.#at = at;
    clearTimeout(this.#timer);
    if (forgotten) {
      this.#asking.abort();
      this.#fail(gone);
      return;
    }
    this.#timer = setTimeout(() => this.#ask(""), calm);
  }

  async #ask(after) {
    this.#asking.abort();
    this.#asking = new AbortController();
    const at = this.#at;
    const parameters = { at: new Date(at).toISOString(), limit: size };
    if (after) parameters.after = after;
    try {
      const { answer } = await this.#api.get(["online"], parameters, AbortSignal.any([this.#asking.signal, this.#signal]));
      this.#fill(answer, Boolean(after));
      setText(byId("crowd-when"), `At ${moment(new Date(at), new Date())}`);
      setNotice(byId("crowd-error"), "");
    } catch (error) {
      if (stopped(error) || error.status === 401) return;
      this.#fail(error.status === 410 ? gone : wordsOf(error));
    }
  }

  #fail(words) {
    this.clear();
    setText(byId("crowd-when"), `At ${moment(new Date(this.#at), new Date())}`);
    setNotice(byId("crowd-error"), words, "warn");
  }

  #fill(answer, more) {
    const body = byId("crowd").tBodies[0];
    const now = JSON.stringify(answer.users);
    if (more) {
      body.append(...answer.users.map((u) => this.#row(u)));
      this.#shown = "";
    } else if (now !== this.#shown) {
      const focused = document.activeElement?.dataset.user;
      body.replaceChildren(...answer.users.map((u) => this.#row(u)));
      this.#shown = now;
      if (focused !== undefined) [...body.querySelectorAll("button")].find((b) => b.dataset.user === focused)?.focus();
    }
    byId("crowd-scroll").hidden = body.rows.length === 0;
    byId("crowd-none").hidden = body.rows.length > 0;
    byId("crowd-more").hidden = !answer.next;
    byId("crowd-more").value = answer.next ?? "";
    setText(byId("crowd-total"), `${counted(answer.total, "connection")} online` + (answer.unknown > 0 ? `, ${count(answer.unknown)} unknown` : "") + leftOut(answer));
  }

  #row(u) {
    const button = element("button", { class: "link", type: "button", "data-user": u.user }, foreign(u.user));
    button.addEventListener("click", () => this.#open(u.user));
    return element("tr", {},
      element("th", { scope: "row" }, button),
      element("td", {}, element("span", { class: "badge", "data-tone": u.state === "online" ? "good" : "warn" }, u.state)),
      element("td", { class: "nowrap" }, moment(new Date(u.since), new Date())),
      element("td", { class: "number" }, count(u.connections)));
  }
}
