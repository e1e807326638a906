// The health check of MongoDB as a replica set of one: healthy is who can be written to.
// The first time it makes the replica set, which only who has logged in as root may do.
//
// While the image makes its users it runs another mongod, which belongs to no replica set:
// that one is not healthy, or presenced would begin with it.
(() => {
  "use strict";

  const state = db.hello();
  if (!state.setName && state.isreplicaset) {
    const password = require("fs").readFileSync("/run/secrets/root_password", "utf8").trim();
    db.getSiblingDB("admin").auth("root", password);
    rs.initiate({ _id: "presence", members: [{ _id: 0, host: "database:27017" }] });
  }
  quit(state.setName && state.isWritablePrimary ? 0 : 1);
})();
