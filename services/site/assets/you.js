// The card about the visitor: connecting, and how that stands.

import { expiryOf, nameProblem, tokenProblem } from "./address.js";
import { announce } from "./announce.js";
import { byId, setNotice, setText } from "./dom.js";
import { moment, span } from "./format.js";
import { connectedAs, rememberConnected, rememberedName, rememberName } from "./memory.js";
import { wordsOf } from "./refusal.js";

const phases = {
  off: { pill: "Not connected", tone: "" },
  connecting: { pill: "Connecting…", tone: "warn", session: "Connecting as" },
  joining: { pill: "Being recorded…", tone: "warn", session: "Being recorded as" },
  online: { pill: "Online", tone: "good", session: "Online as" },
  waiting: { pill: "Connection lost", tone: "bad", session: "Connecting again as" },
  stopped: { pill: "Not connected", tone: "bad" },
};

const long = 3000; // milliseconds, after which it is said why somebody is not online yet
const notRecorded = "The server has let you in, but cannot record it yet: its store does not answer. The time and Fibonacci numbers work meanwhile.";

/** Shows the state of a connection, and lets the visitor change it. */
export function showYou(connection) {
  const form = byId("connect");
  const user = byId("user");
  let name = ""; // that the connection is for, as far as is known

  const connect = (who) => {
    name = who.user ?? "";
    connection.connect(who);
    rememberConnected(who.token ? "" : who.user);
  };
  user.value = connectedAs() || rememberedName();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const who = read();
    if (who) connect(who);
  });
  byId("disconnect").addEventListener("click", () => {
    rememberConnected("");
    connection.disconnect();
    user.focus();
  });
  byId("retry").addEventListener("click", () => connection.retry());
  addEventListener("online", () => connection.retry()); // the network is back
  renewing(connection);

  let before = { phase: "off" };
  let since = 0; // when it became so
  connection.on("state", (state) => {
    if (state.phase === "online") name = state.welcome.user;
    since = performance.now();
    show(state, before, name);
    before = state;
  });
  setInterval(() => {
    showPill(connection.state);
    if (connection.state.phase === "joining" && performance.now() - since > long && byId("why").hidden) {
      setNotice(byId("why"), notRecorded, "warn");
      announce(notRecorded);
    }
  }, 1000);

  byId("state").hidden = false;
  if (connectedAs()) connect({ user: connectedAs() });
}

// What the form says, if there is nothing wrong with it.
function read() {
  const user = byId("user").value.trim();
  const token = byId("token").value.trim();
  if (token) {
    complain("token", tokenProblem(token));
    complain("user", "");
    return tokenProblem(token) ? null : { token };
  }
  complain("token", "");
  complain("user", nameProblem(user));
  if (nameProblem(user)) return null;
  rememberName(user);
  return { user };
}

function complain(field, problem) {
  const input = byId(field);
  setNotice(byId(`${field}-error`), problem, "bad");
  input.toggleAttribute("aria-invalid", false);
  if (!problem) return;
  input.setAttribute("aria-invalid", "true");
  input.focus();
  announce(problem);
}

function show(state, before, name) {
  const { session } = phases[state.phase];
  const focused = ["connect", "session"].find((id) => byId(id).contains(document.activeElement));
  showPill(state);
  byId("connect").hidden = session !== undefined;
  byId("session").hidden = session === undefined;
  setText(byId("session-words"), session ?? "");
  setText(byId("session-user"), name || "the token’s user");
  byId("retry").hidden = state.phase !== "waiting";
  setNotice(byId("why"), why(state), state.phase === "waiting" ? "warn" : "bad");
  showWelcome(state.welcome);
  if (state.phase === "stopped") rememberConnected("");
  if (state.code === 4500) byId("token-details").open = true; // that is what helps, mostly
  if (focused) keepFocus(session !== undefined);
  if (state.phase !== before.phase) announce(spoken(state, before, name));
}

// What had the focus may have gone. It goes to no button: a second Enter must not press it.
function keepFocus(connected) {
  if (document.activeElement?.offsetParent) return; // it is still there
  byId(connected ? "session-title" : "user").focus();
}

// A try that follows on another does not take away why that is so.
function why(state) {
  if (state.phase === "connecting" && state.failures > 0) return byId("why").textContent;
  if (state.phase === "stopped") return `${state.words} This page does not connect again by itself.`;
  return state.words ?? "";
}

function showWelcome(welcome) {
  byId("session-facts").hidden = !welcome;
  setText(byId("session-since"), welcome ? moment(new Date(welcome.time), new Date()) : "–");
  setText(byId("session-node"), welcome?.node ?? "–");
  setText(byId("session-connection"), welcome?.connection ?? "–");
}

function showPill(state) {
  const { pill, tone } = phases[state.phase];
  const left = state.phase === "waiting" ? Math.ceil((state.until - Date.now()) / 1000) : 0;
  setText(byId("state"), left > 0 ? `Trying again in ${span(left * 1000)}` : pill);
  byId("state").dataset.tone = tone;
}

// What is worth to be said aloud. That each try fails like the one before is not.
function spoken(state, before, name) {
  if (state.phase === "online") return `Online as ${name}`;
  if (state.phase === "off") return "Disconnected";
  if (state.phase === "stopped") return why(state);
  if (state.phase === "waiting" && (before.phase === "online" || state.failures === 1)) return `${state.words} Trying again.`;
  return "";
}

// Sending another token before the one that was connected with expires.
function renewing(connection) {
  const form = byId("renew");
  const input = byId("renew-token");
  connection.on("state", (state) => {
    const expires = expiryOf(byId("token").value.trim());
    form.hidden = state.phase !== "online" || byId("token").value.trim() === "";
    if (state.phase === "online") showExpiry(expires);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = input.value.trim();
    complain("renew-token", "");
    try {
      if (tokenProblem(token)) return complain("renew-token", tokenProblem(token));
      const answer = await connection.ask({ type: "token", token });
      connection.keepToken(token);
      byId("token").value = token;
      input.value = "";
      showExpiry(new Date(answer.expires));
      announce(byId("renew-expires").textContent);
    } catch (error) {
      complain("renew-token", wordsOf(error));
    }
  });
}

function showExpiry(expires) {
  setText(byId("renew-expires"), expires ? `Your token is good until ${moment(expires, new Date())}. The connection ends then, unless you send the next one.` : "");
}
