// Makes the two roles of Presence in MongoDB, and a user of each. It may be run again: then
// it brings them up to date.
//
//   the service    records: it adds to the log, and can neither change nor delete any of it
//   the operator   runs presenced retain, forget and verify --repair: besides, it may change
//                  and delete what is in the log and in snapshots
//
// Run it with mongosh as somebody who may make users, or put it into
// /docker-entrypoint-initdb.d of MongoDB's image, which runs it when the data directory is
// new. What it reads from the environment of mongosh:
//
//   PRESENCE_PASSWORD, PRESENCE_OPERATOR_PASSWORD
//       the passwords, or, with _FILE added to the name, files that have them. There is no
//       default: without both nothing is made
//   PRESENCE_DATABASE        the database, as DB_DATABASE of presenced; default presence
//   PRESENCE_USER            the service's user, as DB_USER; default presence
//   PRESENCE_OPERATOR_USER   the operator's user; default presence-operator
//
// Users and roles are in the database admin, as presenced assumes (DB_AUTH_SOURCE).
(() => {
  "use strict";

  const setting = (name, fallback) => process.env[name] || fallback;

  const secret = (name) => {
    const value = process.env[name];
    const file = process.env[name + "_FILE"];
    if (value && file) {
      throw new Error(`both ${name} and ${name}_FILE are set: leave one of them out`);
    }
    const found = file ? require("fs").readFileSync(file, "utf8").replace(/\r?\n$/, "") : value;
    if (!found) {
      throw new Error(`${name} is not set, and there is no default: set it, or ${name}_FILE to a file that has it`);
    }
    return found;
  };

  const database = setting("PRESENCE_DATABASE", "presence");
  const service = {
    role: `${database}-service`,
    user: setting("PRESENCE_USER", "presence"),
    pwd: secret("PRESENCE_PASSWORD"),
  };
  const operator = {
    role: `${database}-operator`,
    user: setting("PRESENCE_OPERATOR_USER", "presence-operator"),
    pwd: secret("PRESENCE_OPERATOR_PASSWORD"),
  };
  if (service.user === operator.user) {
    throw new Error("PRESENCE_USER and PRESENCE_OPERATOR_USER are the same: the operator may do what the service must not");
  }

  const on = (collection, ...actions) => ({ resource: { db: database, collection }, actions });

  // What presenced does while it serves, and when it starts, which makes what is missing.
  service.privileges = [
    on("events", "find", "insert", "changeStream", "createCollection", "createIndex"),
    on("online", "find", "insert", "remove", "createCollection", "createIndex"),
    on("nodes", "find", "insert", "update", "remove", "createCollection"),
    on("snapshots", "find", "insert", "createCollection"),
    on("kicks", "find", "insert", "remove", "createCollection"),
    on("hooks", "find", "insert", "update", "remove", "createCollection"),
    on("horizons", "find"),
    on("online_users", "createCollection", "collMod"),
    { resource: { cluster: true }, actions: ["serverStatus"] }, // is anything kept on disk?
  ];
  service.roles = [];

  // What the operator does besides.
  operator.privileges = [
    on("events", "update", "remove"),
    on("snapshots", "update", "remove"),
    on("kicks", "update"),
    on("horizons", "insert"),
    on("forgetting", "find", "insert", "remove"),
    on("online_users", "find"), // for people
  ];
  operator.roles = [{ role: service.role, db: "admin" }];

  const admin = db.getSiblingDB("admin");
  for (const who of [service, operator]) {
    const rights = { privileges: who.privileges, roles: who.roles };
    if (admin.getRole(who.role)) {
      admin.updateRole(who.role, rights);
    } else {
      admin.createRole({ role: who.role, ...rights });
    }
    const account = { pwd: who.pwd, roles: [{ role: who.role, db: "admin" }] };
    if (admin.getUser(who.user)) {
      admin.updateUser(who.user, account);
    } else {
      admin.createUser({ user: who.user, ...account });
    }
    print(`presence: the user ${who.user} has the role ${who.role}`);
  }
})();
