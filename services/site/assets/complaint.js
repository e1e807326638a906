// What is wrong with what was entered into a field, or with what came of it.

import { announce } from "./announce.js";
import { setNotice } from "./dom.js";
import { wordsOf } from "./refusal.js";

export class Complaint {
  #input;
  #notice;
  #offline = false; // what is wrong is that there is no connection

  constructor(input, notice) {
    this.#input = input;
    this.#notice = notice;
  }

  /** Says what is wrong, to the eye and aloud; "": nothing is any more. */
  say(problem) {
    this.#offline = false;
    setNotice(this.#notice, problem, "bad");
    if (problem) this.#input.setAttribute("aria-invalid", "true");
    else this.#input.removeAttribute("aria-invalid");
    if (problem) announce(problem);
  }

  /** Says why a question has failed. */
  failed(error) {
    this.say(wordsOf(error));
    this.#offline = error.code === "offline";
  }

  /** A problem that is that of the connection is none any more when there is one. */
  online() {
    if (this.#offline) this.say("");
  }
}
