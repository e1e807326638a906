// Asks the operator's API, which is where this page came from. The token, if there is one,
// is kept by this tab, and sent to nobody else.

const tokenKey = "presence.admin-token";

/** An answer that is none: what went wrong, in words. Its status is 0 if nobody answered. */
export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const unreachable = "The server cannot be reached. It may be down, or restarting.";

export class Api {
  #token = stored();

  /** Called when the server wants a token, with whether the one that it got is wrong. */
  locked = () => {};

  get hasToken() {
    return this.#token !== "";
  }

  /** Sets the token, and keeps it until the tab is closed; "" forgets it. */
  set token(token) {
    this.#token = token;
    try {
      if (token) sessionStorage.setItem(tokenKey, token);
      else sessionStorage.removeItem(tokenKey);
    } catch {
      // The browser forbids it: then it is forgotten with a reload.
    }
  }

  /** The answer to GET. Parts of the path are escaped, and so are parameters. */
  async get(path, parameters = {}, signal) {
    const response = await this.#fetch("GET", path, parameters, undefined, signal);
    return { answer: await read(response.json()), date: Date.parse(response.headers.get("Date") ?? "") };
  }

  /** The answer to POST. */
  async post(path, body, signal) {
    const response = await this.#fetch("POST", path, {}, body, signal);
    return read(response.json());
  }

  /** The lines of an answer, an object each, as they come. */
  async *lines(method, path, parameters, body, signal) {
    const response = await this.#fetch(method, path, parameters, body, signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { done, value } = await read(reader.read());
        if (done) return;
        const parts = (rest + value).split("\n");
        rest = parts.pop();
        for (const line of parts) yield JSON.parse(line);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  async #fetch(method, path, parameters, body, signal) {
    const where = new URL(path.map(encodeURIComponent).join("/"), document.baseURI);
    for (const [name, value] of Object.entries(parameters)) where.searchParams.append(name, value);
    const headers = {};
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const asked = fetch(where, {
      method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const response = await read(asked);
    if (response.ok) return response;
    const failure = await failureOf(response);
    if (failure.status === 401) this.locked(this.hasToken);
    throw failure;
  }
}

/** Whether something was thrown since who asked does not want it any more. */
export const stopped = (error) => error.name === "AbortError";

/** What to say of anything that was thrown. */
export const wordsOf = (error) => (error instanceof Failure ? error.message : `This page failed: ${error.message}`);

/** Whether a browser can ask for a user by name: it takes "." and ".." for folders. */
export const addressable = (user) => user !== "." && user !== "..";

// read waits for what the network brings.
async function read(promise) {
  try {
    return await promise;
  } catch (error) {
    if (stopped(error)) throw error;
    throw new Failure(0, unreachable);
  }
}

async function failureOf(response) {
  let text = "";
  try {
    text = (await response.json()).message ?? "";
  } catch {
    // No error of the API, but perhaps of a proxy.
  }
  return new Failure(response.status, text ? sentence(text) : `The server answered with ${response.status} ${response.statusText}.`);
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

function stored() {
  try {
    return sessionStorage.getItem(tokenKey) ?? "";
  } catch {
    return "";
  }
}

// What an answer about the past had to do without, to be put after other words.
export const leftOut = ({ broken }) => (broken ? `; but without ${broken.join(", ")}, whose log is broken: see Verify` : "");
