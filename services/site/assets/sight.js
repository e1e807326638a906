// Asking who is online, in the way that the server allows and that does not ask too much:
//
//	all     everyone is watched
//	paged   there are too many for that: a page of them is asked for, and is watched
//	listed  only users who are named may be asked for (WHO=listed)
//	off     nobody may be (WHO=off)

import { Refusal } from "./refusal.js";

/** Bounds of what is asked for. */
export const bounds = {
  everyone: 5000, // connections; more are not watched all at once
  page: 100, // users
};

export class Sight {
  #connection;
  #roster;
  #turn = 0; // which look is the newest: answers to older ones are dropped

  mode = "all";
  total = 0; // connections of all users, when they were asked for
  next = ""; // after whom the next page begins, "" if this is the last
  after = ""; // after whom this page begins
  named = []; // who is watched, in the modes paged and listed
  leftOut = 0; // names that the server did not take, in the mode listed

  constructor(connection, roster) {
    this.#connection = connection;
    this.#roster = roster;
  }

  /**
   * Finds out what is allowed, and begins to watch: of too many those whose names begin with a
   * text, if one is given. It throws a Refusal.
   */
  async begin(me, beginning = "") {
    const turn = ++this.#turn;
    const first = await this.#allowed(() => this.#connection.ask({ type: "who", limit: bounds.page }));
    if (turn !== this.#turn) return;
    if (!first) return this.#narrow(me, turn);
    this.total = first.total;
    if (first.total > bounds.everyone) return beginning ? this.page("", beginning) : this.#show(first, "");
    await this.#watch({});
    this.mode = "all";
    this.named = [];
    this.leftOut = 0;
  }

  /** Asks how many connections there are: pages do not tell of those who are on others. */
  async count() {
    const { total } = await this.#connection.ask({ type: "who", limit: 1 });
    this.total = total;
  }

  /** The page of users after a name; of those who begin with a text, if one is given. */
  async page(after, beginning = "") {
    const turn = ++this.#turn;
    const answer = await this.#connection.ask({ type: "who", limit: bounds.page, ...(after || beginning ? { after: after || beginning } : {}) });
    if (turn !== this.#turn) return;
    if (beginning) await this.#onlyBeginning(answer, beginning, after === "");
    if (turn !== this.#turn) return;
    this.total = answer.total;
    await this.#show(answer, after);
  }

  /** Watches users by name. */
  async name(users) {
    this.#turn++;
    const named = [...new Set(users)];
    const { accepted } = named.length === 0 ? await this.#connection.ask({ type: "unwatch" }) : await this.#watch({ users: named });
    if (named.length === 0) this.#roster.clear();
    this.mode = "listed";
    this.named = named.slice(0, accepted);
    this.leftOut = named.length - this.named.length;
  }

  // Whether only names may be asked for, or nobody.
  async #narrow(me, turn) {
    const answer = await this.#allowed(() => this.#connection.ask({ type: "who", users: [me] }));
    if (turn !== this.#turn) return;
    this.#roster.clear();
    if (!answer) this.mode = "off";
    else await this.name(this.named.length > 0 ? this.named : [me]);
  }

  async #allowed(ask) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Refusal && error.code === "forbidden") return null;
      throw error;
    }
  }

  // What begins with a text comes right after it, and it may itself be a name.
  async #onlyBeginning(answer, beginning, isFirst) {
    const exact = isFirst ? (await this.#connection.ask({ type: "who", users: [beginning] })).users : [];
    const all = [...exact, ...answer.users];
    answer.users = all.filter(({ user }) => user.startsWith(beginning));
    if (answer.users.length < all.length) answer.next = "";
  }

  // What is shown changes when the roster has it, also if something else has been asked for
  // since: nobody looks as if he had left.
  async #show(answer, after) {
    const named = answer.users.map(({ user }) => user);
    if (named.length > 0) await this.#watch({ users: named });
    this.mode = "paged";
    this.after = after;
    this.next = answer.next ?? "";
    this.named = named;
  }

  // The roster gets the snapshot before this returns.
  async #watch(whom) {
    return this.#connection.ask({ type: "watch", level: "connections", ...whom });
  }
}
