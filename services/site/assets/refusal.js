// What an answer that is an error means, in words: what happened, and what to do. Pure but
// for the class. The codes are those of docs/PROTOCOL.md.

const advice = {
  busy: "The server is still busy with what you asked before. Wait for an answer, then ask again.",
  rate_limited: "You have asked too much in a short time. Wait a moment, then ask again.",
  internal: "The server cannot answer at the moment. Ask again later.",
  unauthorized: "The server does not accept that token.",
};

/** An error that was an answer, or that stands for one that will not come. */
export class Refusal extends Error {
  constructor(code, message, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }

  /** For people. What the server says is its own text, and only ever shown as text. */
  get words() {
    const known = advice[this.code];
    return known ? `${known} (${this.message})` : sentence(this.message);
  }
}

/** What to say of anything that was thrown. */
export function wordsOf(error) {
  return error instanceof Refusal ? error.words : `This page failed: ${error.message}`;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
