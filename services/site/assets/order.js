// Questions that are asked before the last one is answered: the server's workers may answer
// in another order. Pure.

export class Order {
  #asked = 0; // the turn of the question that was asked last
  #answered = 0; // the latest turn that was answered well

  /**
   * Waits for a question, and tells what it comes to: an answer, unless a later question has
   * one already; or an error, unless there is a later question. It tells nothing else, but
   * `last` whenever the last question has come to an end.
   */
  async follow(question, { answer, error, last = () => {} }) {
    const turn = ++this.#asked;
    let tell = () => {};
    try {
      const came = await question;
      if (turn > this.#answered) tell = () => answer(came);
      this.#answered = Math.max(this.#answered, turn);
    } catch (failure) {
      if (turn === this.#asked) tell = () => error(failure);
    }
    if (turn === this.#asked) last();
    tell();
  }
}
