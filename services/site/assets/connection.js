// The connection to the server: one socket at a time, made again when it is lost. It knows
// when to connect and what answers what, and nothing of the page.
//
// Its state is one of
//
//	off         never connected, or disconnected on purpose
//	connecting  the socket is being opened
//	joining     it is open, and the server is recording it
//	online      recorded: the welcome came
//	waiting     lost; it tries again at `until`
//	stopped     lost, and it does not try again by itself
//
// with `words` on why, where there is something to say.

import { socketAddress, subprotocols } from "./address.js";
import { wait } from "./backoff.js";
import { judge } from "./closing.js";
import { Refusal } from "./refusal.js";

const longest = 65_536; // bytes of a message; a longer one would end the connection
const patience = 20_000; // milliseconds that an answer may take
const silence = 30_000; // milliseconds without a word, not even the time, after which it is lost
const look = 2000; // milliseconds between looks at that
const settled = 10_000; // milliseconds online, after which failures before count no more

export class Connection {
  #state = { phase: "off" };
  #who = {}; // user or token
  #socket = null;
  #failures = 0; // since it was last online for a while
  #hint; // milliseconds that the server asked to wait, until it is used
  #retryTimer = 0;
  #settledTimer = 0;
  #silenceTimer = 0;
  #heard = 0; // when the socket said something last
  #asked = new Map(); // by id: what is called with the answer
  #lastID = 0;
  #listeners = new Map(); // by type of message, and "state"

  get state() {
    return this.#state;
  }

  /** Calls a function with each message of a type, or with each new state ("state"). */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, []);
    this.#listeners.get(type).push(listener);
  }

  /** Connects as a user, or with a token. A connection before is ended. */
  connect(who) {
    this.#drop();
    this.#who = who;
    this.#failures = 0;
    this.#hint = undefined;
    this.#open();
  }

  /** Does not wait any longer, if it waits to try again. */
  retry() {
    if (this.#state.phase === "waiting") this.#open();
  }

  /** Ends the connection, and does not make it again. */
  disconnect() {
    this.#drop();
    this.#who = {};
    this.#become({ phase: "off" });
  }

  /** From now on the token to connect with, after the server has accepted it. */
  keepToken(token) {
    this.#who = { ...this.#who, token };
  }

  /** Sends a command and returns a promise of its answer. It is rejected with a Refusal. */
  ask(command) {
    if (!this.#socket || this.#socket.readyState !== WebSocket.OPEN) {
      const coming = this.#state.phase === "connecting" || this.#state.phase === "waiting";
      const words = coming ? "you are not connected at the moment; ask again when you are" : "you are not connected; connect first, then ask again";
      return Promise.reject(new Refusal("offline", words, true));
    }
    const id = String(++this.#lastID);
    const text = JSON.stringify({ ...command, id });
    if (new TextEncoder().encode(text).length > longest) return Promise.reject(new Refusal("too_large", "that is more than the server takes at once (64 KiB); ask for less"));
    this.#socket.send(text);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, new Refusal("timeout", "the server has not answered for 20 seconds; ask again", true)), patience);
      this.#asked.set(id, { resolve, reject, timer });
    });
  }

  #open() {
    clearTimeout(this.#retryTimer);
    this.#become({ phase: "connecting", failures: this.#failures });
    let socket;
    try {
      socket = new WebSocket(socketAddress(document.baseURI, this.#who.user), subprotocols(this.#who.token));
    } catch (error) {
      this.#become({ phase: "stopped", words: `The browser does not open the connection: ${error.message}` });
      return;
    }
    this.#socket = socket;
    this.#listen();
    let opened = false;
    const mine = (listener) => (event) => this.#socket === socket && listener(event);
    socket.addEventListener("open", mine(() => {
      opened = true;
      this.#heard = performance.now();
      this.#become({ phase: "joining" });
    }));
    socket.addEventListener("message", mine((event) => this.#hear(JSON.parse(event.data))));
    socket.addEventListener("close", mine((event) => this.#closed(event, opened)));
  }

  #hear(message) {
    this.#heard = performance.now();
    if (message.type === "welcome") this.#welcomed(message);
    if (message.type === "drain") this.#hint = message.reconnectAfterMs;
    if (message.id !== undefined) this.#settle(message.id, message);
    for (const listener of this.#listeners.get(message.type) ?? []) listener(message);
  }

  #welcomed(message) {
    clearTimeout(this.#settledTimer);
    this.#settledTimer = setTimeout(() => (this.#failures = 0), settled);
    this.#become({ phase: "online", welcome: message });
  }

  #settle(id, answer) {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (answer instanceof Refusal) asked.reject(answer);
    else if (answer.type === "error") asked.reject(new Refusal(answer.code, answer.message, answer.retryable));
    else asked.resolve(answer);
  }

  #closed(event, opened) {
    const { again, words } = judge(event.code, event.reason, opened);
    this.#drop();
    if (!again) {
      this.#become({ phase: "stopped", words, code: event.code });
      return;
    }
    this.#again(words, event.code);
  }

  // Takes a socket that says nothing for lost: a browser does not notice for many minutes
  // that the network has swallowed one. Of two looks, since what has come while the device
  // slept may be heard after the first.
  #listen() {
    this.#heard = performance.now();
    let silent = 0;
    this.#silenceTimer = setInterval(() => {
      silent = performance.now() - this.#heard < silence ? 0 : silent + 1;
      if (silent < 2) return;
      this.#drop();
      this.#again("Nothing has come from the server for a while.");
    }, look);
  }

  #again(words, code) {
    const pause = wait(this.#failures, Math.random(), this.#hint);
    this.#failures++;
    this.#hint = undefined;
    this.#retryTimer = setTimeout(() => this.#open(), pause);
    this.#become({ phase: "waiting", words, code, failures: this.#failures, until: Date.now() + pause });
  }

  // Lets go of the socket: nothing that it says from now on counts.
  #drop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#settledTimer);
    clearInterval(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    for (const id of [...this.#asked.keys()]) {
      this.#settle(id, new Refusal("offline", "the connection was lost before the answer came; ask again", true));
    }
  }

  #become(state) {
    this.#state = state;
    for (const listener of this.#listeners.get("state") ?? []) listener(state);
  }
}
