// The nodes, their signs of life, and the counts of the one that answers.

import { byId, element, setNotice, setText } from "../assets/dom.js";
import { count, counted, span } from "../assets/format.js";
import { moment } from "./when.js";
import { stopped, wordsOf } from "./api.js";
import { rounds } from "./rounds.js";

const every = 2000; // milliseconds, as often as a node beats
const late = 5000; // milliseconds without a beat: two have failed to come
const lost = 10_000; // milliseconds without a beat, after which others declare a node lost

const figures = [
  ["connections", "Connections"],
  ["users", "Users"],
  ["sockets", "Sockets"],
  ["handshakes", "Unfinished handshakes"],
  ["queued", "Events waiting to be recorded"],
  ["room", "Room for events"],
  ["failing", "Steps that the store fails"],
  ["computing", "Fibonacci, computing"],
  ["waiting", "Fibonacci, waiting"],
  ["recorded", "Events recorded since the start"],
  ["fenced", "Times fenced"],
  ["takeovers", "Dead nodes taken over"],
  ["mended", "Mended by reconcile"],
  ["swept", "Streams swept"],
  ["kicked", "Clients kicked"],
];

export class Nodes {
  #api;
  #beats = new Map(); // by stream: the last beat that was seen, and since when
  #looked = -Infinity; // when the nodes were looked at last
  #rows = new Map(); // by stream

  constructor(api) {
    this.#api = api;
  }

  start(signal) {
    rounds(signal, () => every, () => this.#round(signal));
  }

  clear() {
    this.#rows.clear();
    this.#beats.clear();
    byId("nodes").tBodies[0].replaceChildren();
    byId("stats").replaceChildren();
    for (const id of ["cluster", "stats-node"]) setText(byId(id), "");
    setNotice(byId("nodes-error"), "");
  }

  async #round(signal) {
    try {
      const [nodes, stats] = await Promise.all([this.#api.get(["nodes"], {}, signal), this.#api.get(["stats"], {}, signal)]);
      this.#showNodes(nodes.answer.nodes, nodes.date, stats.answer.node.node);
      showStats(stats.answer);
      setNotice(byId("nodes-error"), "");
      return true;
    } catch (error) {
      if (stopped(error) || error.status === 401) return true;
      setNotice(byId("nodes-error"), wordsOf(error), "bad");
      this.#doubt();
      state(error.status === 0 ? "Cannot be reached" : "Failing", "bad");
      return false;
    }
  }

  #showNodes(nodes, date, self) {
    const now = performance.now();
    const rows = nodes.map((n) => {
      const key = `${n.node}/${n.epoch}`;
      const row = this.#rows.get(key) ?? newRow();
      this.#rows.set(key, row);
      fill(row, n, this.#age(key, n, date, now), n.node === self);
      return row.tr;
    });
    this.#looked = now;
    const body = byId("nodes").tBodies[0];
    if (rows.length !== body.rows.length || rows.some((tr, i) => tr !== body.rows[i])) body.replaceChildren(...rows);
    for (const [key, row] of this.#rows) if (!row.tr.isConnected) this.#forget(key);
  }

  // doubt says of what is shown how old it is, as nothing is known of now.
  #doubt() {
    for (const [key, row] of this.#rows) {
      row.life.dataset.tone = "";
      setText(row.life, `Last heard of ${span(performance.now() - this.#beats.get(key).at)} ago`);
    }
  }

  #forget(key) {
    this.#rows.delete(key);
    this.#beats.delete(key);
  }

  // age is how long ago a node has beaten: since its beat changed, by this device's clock,
  // as nodes judge each other. Before it has, and after nobody has looked for a while, the
  // clocks of server and store must do.
  #age(key, n, date, now) {
    const known = this.#beats.get(key);
    if (known?.beat === n.beat) return now - known.at;
    const ago = (known && now - this.#looked < late) || Number.isNaN(date) ? 0 : Math.max(0, date - Date.parse(n.beatAt));
    this.#beats.set(key, { beat: n.beat, at: now - ago });
    return ago;
  }
}

function newRow() {
  const cell = (attributes) => element("td", attributes);
  const row = {
    name: element("th", { scope: "row" }), life: element("span", { class: "badge" }), connections: cell({ class: "number" }), epoch: cell({ class: "number" }),
    addr: cell({ class: "mono small" }), tail: cell({ class: "mono small" }), version: cell({ class: "small" }), started: cell({ class: "nowrap" }),
  };
  row.tr = element("tr", {}, row.name, element("td", { class: "nowrap" }, row.life), row.connections, row.epoch, row.addr, row.tail, row.version, row.started);
  return row;
}

function fill(row, n, age, self) {
  const { tone, words } = lease(age);
  setText(row.name, self ? `${n.node} (this one)` : n.node);
  setText(row.life, words);
  row.life.dataset.tone = tone;
  setText(row.connections, count(n.connections));
  setText(row.epoch, count(n.epoch));
  setText(row.addr, n.addr);
  setText(row.tail, n.tail ?? "–");
  setText(row.version, n.version);
  setText(row.started, moment(new Date(n.startedAt), new Date()));
}

/** What the age of a beat means. */
export function lease(age) {
  if (age < late) return { tone: "good", words: `Beats, ${span(age)} ago` };
  if (age < lost) return { tone: "warn", words: `Late, ${span(age)} ago` };
  return { tone: "bad", words: `Silent for ${span(age)}: to be declared lost` };
}

function showStats({ node, cluster }) {
  setText(byId("cluster"), `${counted(cluster.nodes, "node")}, ${counted(cluster.connections, "connection")} online`);
  setText(byId("stats-node"), `${node.node}, up for ${span(node.uptimeSeconds * 1000)}, ${node.go}`);
  const facts = byId("stats");
  if (facts.children.length === 0) {
    facts.append(...figures.map(([name, words]) => element("div", {}, element("dt", {}, words), element("dd", { id: `stats-${name}` }))));
  }
  for (const [name] of figures) setText(byId(`stats-${name}`), count(node[name]));
  state(node.ready ? `${node.node} is ready` : `${node.node} is not ready`, node.ready ? "good" : "warn");
}

function state(words, tone) {
  setText(byId("state"), words);
  byId("state").dataset.tone = tone;
}
