// Where and how to connect. Pure.

const subprotocol = "presence.v1";
const maxName = 128; // bytes

// What servers do not take in a name: characters that control, that change the direction of
// what follows, or that are half of one; and the names of those who were forgotten.
const invisible = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const forgotten = /^forgotten-[a-z2-7]{26}$/;

/** The address of the WebSocket that belongs to a page: beside it, on the same origin. */
export function socketAddress(page, user) {
  const address = new URL("ws", page);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.search = user ? "?user=" + encodeURIComponent(user) : "";
  address.hash = "";
  return address.href;
}

/** The subprotocols to offer. A token goes here, since addresses are kept by logs. */
export function subprotocols(token) {
  return token ? [subprotocol, "bearer." + token] : [subprotocol];
}

/** What is wrong with a name, "" if nothing is that a page can tell. */
export function nameProblem(name) {
  const length = new TextEncoder().encode(name).length;
  if (length === 0) return "Enter a name to connect with.";
  if (length > maxName) return `The name is too long: it has ${length} bytes, of at most ${maxName}.`;
  if (name.trim() !== name) return "The name begins or ends with a space. Take that away.";
  if (invisible.test(name)) return "The name has an invisible character that turns or breaks text. Type it anew.";
  if (forgotten.test(name)) return "The name stands for somebody who was forgotten. Take another.";
  return "";
}

/** What is wrong with a token, "" if nothing is that a page can tell. */
export function tokenProblem(token) {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return "This is no JSON Web Token: it has three parts of letters, digits, - and _, with dots in between.";
  return "";
}

/** When a token says that it expires, undefined if it does not say. It proves nothing. */
export function expiryOf(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(claims.exp) ? new Date(claims.exp * 1000) : undefined;
  } catch {
    return undefined;
  }
}
