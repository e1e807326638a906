// Who is online, as the messages of a watch at the level of connections tell it. Pure: what
// is now is an argument, in milliseconds.

/** How long who came and who left is marked, in milliseconds. */
export const marked = 10_000;

export class Roster {
  #users = new Map(); // by name: since, in milliseconds, by connection
  #marks = new Map(); // by name: what happened, and when; of who left also since when he was there
  #sorted = null; // all names that a list has; null: to be made
  #connections = 0;

  /** How many users are online. */
  get users() {
    return this.#users.size;
  }

  /** How many connections they have. */
  get connections() {
    return this.#connections;
  }

  /** Forgets everyone. */
  clear() {
    this.#users.clear();
    this.#marks.clear();
    this.#connections = 0;
    this.#sorted = null;
  }

  /** Takes a message of type watch or presence. */
  apply(message, now) {
    if (message.type === "watch") this.#snapshot(message);
    else this.#push(message, now);
  }

  #snapshot(message) {
    if (message.part === 1) this.clear();
    for (const connection of message.connections ?? []) this.#add(connection);
  }

  #push(message, now) {
    for (const left of message.leaves ?? []) this.#remove(left, now);
    for (const joined of message.joins ?? []) {
      const isNew = !this.#users.has(joined.user);
      this.#add(joined);
      if (isNew) this.#marks.set(joined.user, { what: "joined", at: now });
    }
  }

  #add({ user, connection, since }) {
    let all = this.#users.get(user);
    if (!all) {
      this.#users.set(user, (all = new Map()));
      this.#sorted = null;
    }
    if (!all.has(connection)) this.#connections++;
    all.set(connection, Date.parse(since));
  }

  #remove({ user, connection }, now) {
    const all = this.#users.get(user);
    if (!all?.has(connection)) return;
    const since = oldest(all);
    all.delete(connection);
    this.#connections--;
    if (all.size > 0) return;
    this.#users.delete(user);
    this.#marks.set(user, { what: "left", at: now, since });
    this.#sorted = null;
  }

  /** Forgets marks that are old, and says whether there were any. */
  settle(now) {
    let changed = false;
    for (const [user, mark] of this.#marks) {
      if (now - mark.at < marked) continue;
      this.#marks.delete(user);
      if (mark.what === "left") this.#sorted = null;
      changed = true;
    }
    return changed;
  }

  /** Whether somebody is marked. */
  get unsettled() {
    return this.#marks.size > 0;
  }

  /**
   * The first users, by name, at most `limit`, whose name contains a text, and how many
   * more there are. Who has just left is among them, with no devices.
   */
  list(matching, limit) {
    const wanted = matching.toLowerCase();
    const names = wanted === "" ? this.#names() : this.#names().filter((name) => name.toLowerCase().includes(wanted));
    return { entries: names.slice(0, limit).map((name) => this.entry(name)), more: Math.max(0, names.length - limit) };
  }

  /** What is known of a user. */
  entry(user) {
    const all = this.#users.get(user);
    const mark = this.#marks.get(user);
    return { user, devices: all?.size ?? 0, since: all ? oldest(all) : mark?.since, mark: mark?.what ?? "" };
  }

  // Someone who left and came again is in both maps.
  #names() {
    this.#sorted ??= [...new Set([...this.#users.keys(), ...this.#marks.keys()])].sort();
    return this.#sorted;
  }
}

function oldest(connections) {
  let first = Infinity;
  for (const since of connections.values()) first = Math.min(first, since);
  return first;
}
