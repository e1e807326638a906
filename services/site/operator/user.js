// One user: the connections of now, which may be closed, and the sessions of the time that
// is shown.

import { byId, element, foreign, setNotice, setText } from "../assets/dom.js";
import { count, counted, span } from "../assets/format.js";
import { moment } from "./when.js";
import { addressable, leftOut, stopped, wordsOf } from "./api.js";

const size = 100; // of a page
const reasons = {
  client: "The client left", timeout: "Fell silent", slow: "Read too slowly", kicked: "Closed by an operator", protocol: "Broke the protocol",
  shutdown: "The node stopped", node_lost: "The node was lost", replaced: "Replaced",
};

export class User {
  #api;
  #shown; // the span of time that the page shows
  #dialog = byId("user");
  #name = "";
  #order; // who is to be kicked, once that is confirmed
  #asker; // the button that asked for it
  #session = new AbortController();
  #closing = new AbortController();

  constructor(api, shown) {
    this.#api = api;
    this.#shown = shown;
    byId("user-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#dialog.open || this.#closing.abort()); // it comes late: another user may be shown by then
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    byId("kick").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#confirm({ user: this.#name }, "all connections of this user");
    });
    byId("kick-yes").addEventListener("click", () => this.#kick());
    byId("kick-no").addEventListener("click", () => this.#refuse());
    byId("sessions-more").addEventListener("click", () => this.#more());
  }

  start(signal) {
    this.#session = signal;
  }

  clear() {
    if (this.#dialog.open) this.#dialog.close();
    for (const id of ["user-name", "user-seen", "kick-words"]) setText(byId(id), "");
    for (const id of ["user-error", "kick-result"]) setNotice(byId(id), "");
    byId("kick-reason").value = "";
    byId("sessions").tBodies[0].replaceChildren();
    byId("user-connections").replaceChildren();
  }

  /** Shows a user. */
  open(name) {
    this.clear();
    this.#closing.abort();
    this.#closing = new AbortController();
    this.#name = name;
    this.#confirm();
    setText(byId("user-name"), name);
    setText(byId("user-seen"), "…");
    setText(byId("sessions-words"), `In the ${this.#shown().words} that are shown, oldest first.`);
    byId("kick").hidden = true;
    byId("sessions-more").hidden = true;
    this.#dialog.showModal();
    this.#ask();
  }

  // ask asks for all that is shown.
  #ask() {
    setNotice(byId("user-error"), addressable(this.#name) ? "" : "A browser cannot ask for a user of this name. Use clientctl history and clientctl online.", "warn");
    this.#attempt(() => this.#lastSeen());
    if (!addressable(this.#name)) return;
    this.#attempt(() => this.#connections());
    this.#attempt(() => this.#sessions(""));
  }

  get #signal() {
    return AbortSignal.any([this.#session, this.#closing.signal]);
  }

  async #attempt(action) {
    try {
      await action();
    } catch (error) {
      if (!stopped(error) && error.status !== 401) setNotice(byId("user-error"), wordsOf(error), "bad");
    }
  }

  async #lastSeen() {
    const { answer } = await this.#api.get(["last-seen"], { user: this.#name }, this.#signal);
    const [seen] = answer.users;
    const now = new Date();
    if (!seen) setText(byId("user-seen"), `Never seen, or only before what retention has kept${leftOut(answer)}.`);
    else if (seen.state === "online") setText(byId("user-seen"), "Online.");
    else setText(byId("user-seen"), `${seen.state === "unknown" ? "Unknown" : "Offline"}; last seen ${moment(new Date(seen.last), now)}, ${span(now - new Date(seen.last))} ago${leftOut(answer)}.`);
  }

  async #connections() {
    const { answer } = await this.#api.get(["online", this.#name], { limit: size }, this.#signal);
    byId("user-offline").hidden = answer.connections.length > 0;
    byId("kick").hidden = answer.connections.length === 0;
    const items = answer.connections.map((c) => this.#item(c));
    if (answer.next) items.push(element("li", { class: "muted small" }, `There are more; these are the first ${count(size)}. Use clientctl online to see all.`));
    byId("user-connections").replaceChildren(...items);
  }

  #item(c) {
    const close = element("button", { class: "button quiet tiny", type: "button", "aria-label": `Close connection ${c.id}` }, "Close…");
    close.addEventListener("click", () => this.#confirm({ connection: c.id }, `the connection ${c.id}`));
    return element("li", { class: "row" }, element("span", { class: "grow" },
      element("span", { class: "mono small" }, c.id), element("br"),
      element("span", { class: "muted small" }, `since ${moment(new Date(c.since), new Date())}${c.remote ? `, from ${c.remote}` : ""}`, c.agent ? ", " : null, c.agent ? foreign(c.agent) : null)), close);
  }

  // more adds the next page of sessions, once, however often that is clicked.
  async #more() {
    const button = byId("sessions-more");
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    await this.#attempt(() => this.#sessions(button.value));
    button.ariaBusy = null;
    if (button.hidden && this.#dialog.open) byId("sessions-scroll").focus();
  }

  async #sessions(after) {
    const { from } = this.#shown();
    const parameters = { limit: size };
    if (from !== undefined) parameters.from = new Date(from).toISOString();
    if (after) parameters.after = after;
    const { answer } = await this.#api.get(["history", this.#name], parameters, this.#signal);
    if (!after) byId("sessions").tBodies[0].replaceChildren();
    byId("sessions").tBodies[0].append(...answer.sessions.map(sessionRow));
    byId("sessions-more").hidden = !answer.next;
    byId("sessions-more").value = answer.next ?? "";
    if (byId("sessions").tBodies[0].rows.length === 0) setText(byId("sessions-words"), `There were none in the ${this.#shown().words} that are shown${leftOut(answer)}.`);
    else if (answer.broken) setText(byId("sessions-words"), `Some may be missing${leftOut(answer)}.`);
  }

  // confirm asks whether to kick; without an order it asks no more. The focus goes to the
  // question, not to an answer: a key that is held down, or hit twice, must not say yes.
  #confirm(order, whom) {
    this.#order = order;
    byId("kick-confirm").hidden = !order;
    if (!order) return;
    this.#asker = document.activeElement;
    setText(byId("kick-words"), `Close ${whom}? The client is told, and may connect again.`);
    byId("kick-confirm").focus();
  }

  #refuse() {
    this.#confirm();
    if (this.#asker?.checkVisibility()) this.#asker.focus();
    else byId("user-title").focus();
  }

  async #kick() {
    const order = { ...this.#order, wait: "5s" };
    const reason = byId("kick-reason").value.trim();
    if (reason) order.reason = reason;
    this.#confirm();
    byId("user-title").focus(); // what was clicked has gone, and who is asked about may go
    setNotice(byId("kick-result"), "Closing…");
    const { signal } = this.#closing;
    try {
      const k = await this.#api.post(["kick"], order, this.#session);
      if (signal.aborted) return; // another user may be shown by now
      if (k.asked === 0) setNotice(byId("kick-result"), "There was nothing to close any more.");
      else if (k.gone === k.asked) setNotice(byId("kick-result"), `${counted(k.gone, "connection")} closed.`, "good");
      else setNotice(byId("kick-result"), `${k.gone} of ${counted(k.asked, "connection")} closed so far. The node of the others may be slow, cut off from the store, or dead.`, "warn");
    } catch (error) {
      if (stopped(error) || error.status === 401 || signal.aborted) return;
      setNotice(byId("kick-result"), wordsOf(error), "bad");
    }
    this.#ask();
  }
}

function sessionRow(s) {
  const now = new Date();
  const ended = s.until ? moment(new Date(s.until), now) : "–";
  const tone = { online: "good", unknown: "warn" }[s.state] ?? "";
  let why = s.reason ? (reasons[s.reason] ?? s.reason) : "–";
  if (s.lastSeen && s.until) why += `; last confirmed ${moment(new Date(s.lastSeen), now)}`;
  return element("tr", {},
    element("td", { class: "nowrap" }, moment(new Date(s.since), now)), element("td", { class: "nowrap" }, ended),
    element("td", {}, element("span", { class: "badge", "data-tone": tone }, s.state)), element("td", {}, why),
    element("td", { class: "small" }, element("bdi", {}, [s.remote, s.agent].filter(Boolean).join(", "))), element("td", { class: "mono small" }, s.connection));
}
