// The card that shows who is online.

import { announce } from "./announce.js";
import { byId, setNotice, setText } from "./dom.js";
import { count, counted } from "./format.js";
import { wordsOf } from "./refusal.js";
import { Roster } from "./roster.js";
import { fill } from "./rows.js";
import { bounds, Sight } from "./sight.js";

const step = 100; // rows that are shown at first, and that are added by a click
const again = 5000; // milliseconds until the server is asked again that could not answer
const recount = 10_000; // milliseconds between two looks at how many there are, where only a page is watched
const pause = 250; // milliseconds without a key, after which the server is asked for a page

const connectedSoon = ["connecting", "joining", "waiting"];

// What the modes of a sight mean for the visitor.
const limits = {
  all: "",
  paged: "",
  listed: "This server tells only of users whom you name (WHO=listed), unless a token says more.",
  off: "This server does not tell who is online (WHO=off). All else works.",
};

/** Shows who is online, for as long as there is a connection. */
export function showPeople(connection) {
  new People(connection);
}

class People {
  #connection;
  #roster = new Roster();
  #sight;
  #rows = step;
  #me = "";
  #failed = ""; // words on what the server did not answer
  #stale = false; // the server cannot read its log
  #asked = 0; // the turn of the question that was asked last
  #retryTimer = 0;
  #searchTimer = 0;
  #drawn = 0; // the frame that will show what is new, 0: none

  constructor(connection) {
    this.#connection = connection;
    this.#sight = new Sight(connection, this.#roster);
    connection.on("state", (state) => this.#stateChanged(state));
    connection.on("watch", (message) => this.#take(message));
    connection.on("presence", (message) => this.#take(message));
    connection.on("error", (message) => message.id === undefined && this.#look());
    byId("people-search").addEventListener("input", () => this.#searched());
    byId("people-more").addEventListener("click", () => this.#showMore());
    byId("people-next").addEventListener("click", () => this.#turn(this.#sight.next));
    byId("people-first").addEventListener("click", () => this.#turn(""));
    byId("people-named").addEventListener("submit", (event) => this.#named(event));
    setInterval(() => this.#roster.settle(Date.now()) && this.#draw(), 1000);
    setInterval(() => this.#recount(), recount);
  }

  #stateChanged(state) {
    clearTimeout(this.#retryTimer);
    this.#failed = "";
    this.#stale = false;
    if (state.phase === "off") this.#roster.clear();
    if (state.phase === "online") {
      this.#me = state.welcome.user;
      this.#look();
    }
    this.#draw();
  }

  // Begins anew: what is allowed may have changed.
  #look() {
    this.#ask(() => this.#sight.begin(this.#me, this.#beginning()), () => this.#look());
  }

  #turn(after) {
    return this.#ask(() => this.#sight.page(after, this.#beginning()), () => this.#turn(after));
  }

  async #recount() {
    if (this.#sight.mode !== "paged" || this.#connection.state.phase !== "online" || document.hidden) return;
    try {
      await this.#sight.count();
      this.#draw();
    } catch {
      // Then the number stays until the next time.
    }
  }

  // Asks the server, and asks again later if it cannot answer now. How a question ends that
  // was asked before another is of no interest.
  async #ask(question, repeat) {
    const turn = ++this.#asked;
    clearTimeout(this.#retryTimer);
    this.#failed = "";
    try {
      await question();
    } catch (error) {
      if (turn !== this.#asked || error.code === "offline") return;
      this.#failed = wordsOf(error);
      if (error.retryable) this.#retryTimer = setTimeout(repeat, again);
    }
    this.#draw();
  }

  #take(message) {
    if (message.stale !== undefined) this.#stale = message.stale;
    this.#roster.apply(message, Date.now());
    if (this.#sight.mode === "all" && this.#roster.connections > 2 * bounds.everyone) {
      this.#sight.mode = "paged"; // more have come than everyone may be
      this.#turn("");
    }
    this.#draw();
  }

  #searched() {
    this.#rows = step;
    if (this.#sight.mode !== "paged") this.#draw();
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => this.#search(), pause);
  }

  // Who does not see the list is told what has become of it.
  async #search() {
    if (this.#sight.mode === "paged") await this.#turn("");
    if (this.#failed) return announce(this.#failed);
    const { entries, more } = this.#entries();
    const found = counted(entries.length + more, "user");
    if (this.#beginning()) announce(this.#sight.mode === "paged" && this.#sight.next ? `${found} found, and there are more` : `${found} found`);
  }

  #beginning() {
    return byId("people-search").value.trim();
  }

  #showMore() {
    this.#rows += step;
    this.#show();
    announce(`${counted(byId("people-list").children.length, "user")} are shown`);
    if (byId("people-more").hidden) byId("people-scroll").focus();
  }

  #named(event) {
    event.preventDefault();
    this.#rows = step;
    this.#watch(byId("people-names").value.split("\n").map((name) => name.trim()).filter((name) => name !== ""));
  }

  #watch(users) {
    this.#ask(() => this.#sight.name(users), () => this.#watch(users));
  }

  // Many messages may come between two frames; they are shown once.
  #draw() {
    this.#drawn ||= requestAnimationFrame(() => {
      this.#drawn = 0;
      this.#show();
    });
  }

  #show() {
    const { mode } = this.#sight;
    const live = this.#connection.state.phase === "online";
    const { entries, more } = this.#entries();
    const { text, tone } = this.#notice(live);
    setNotice(byId("people-notice"), text, tone);
    setText(byId("people-count"), this.#counts(live));
    fill(byId("people-list"), entries, this.#me, new Date());
    byId("people-scroll").hidden = entries.length === 0;
    setText(byId("people-empty"), this.#empty(live, entries.length));
    byId("people-more").hidden = more === 0;
    setText(byId("people-more"), `Show ${count(Math.min(step, more))} more of ${count(more)}`);
    byId("people-pages").hidden = mode !== "paged";
    byId("people-first").disabled = !live || this.#sight.after === "";
    byId("people-next").disabled = !live || this.#sight.next === "";
    byId("people-find").hidden = mode === "off" || mode === "listed" || (!live && this.#roster.users === 0);
    setText(byId("people-find-label"), mode === "paged" ? "Find names that begin with" : "Find a name");
    byId("people-named").hidden = mode !== "listed" || !live;
  }

  #entries() {
    const { mode, named } = this.#sight;
    if (mode === "off") return { entries: [], more: 0 };
    if (mode === "all") return this.#roster.list(this.#beginning(), this.#rows);
    const entries = named.slice(0, this.#rows).map((user) => this.#roster.entry(user));
    for (const entry of entries) if (entry.devices === 0 && entry.mark === "") entry.mark = mode === "listed" ? "absent" : "left";
    return { entries, more: Math.max(0, named.length - this.#rows) };
  }

  #counts(live) {
    const { mode, total } = this.#sight;
    if (!live || mode === "off") return "";
    if (mode === "paged") return counted(total, "device");
    return `${counted(this.#roster.users, "user")}, ${counted(this.#roster.connections, "device")}`;
  }

  #notice(live) {
    const warning = (text) => ({ text, tone: "warn" });
    if (this.#failed) return warning(this.#failed);
    if (!live && this.#roster.users > 0) return warning("This is how it was when the connection was lost.");
    if (live && this.#sight.leftOut > 0) return warning(`The server watches ${counted(this.#sight.named.length, "name")} at most. The last ${count(this.#sight.leftOut)} that you entered are left out.`);
    if (this.#stale) return warning("The server has not been able to read its log for a while, so this may be old.");
    return { text: live ? limits[this.#sight.mode] : "", tone: "" };
  }

  #empty(live, shown) {
    if (shown > 0 || this.#failed) return "";
    if (!live && this.#roster.users > 0) return "Nobody with that name was online.";
    if (!live) return connectedSoon.includes(this.#connection.state.phase) ? "You will see who is online once you are." : "Connect to see who is online.";
    if (this.#sight.mode === "off") return "";
    if (this.#sight.mode === "listed") return "Name somebody.";
    return this.#beginning() ? "Nobody with that name is online." : "Looking…";
  }
}
