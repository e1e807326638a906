// Where the page begins: the token, if the server wants one, and the cards.

import { announce } from "../assets/announce.js";
import { byId, setNotice, setText } from "../assets/dom.js";
import { Api } from "./api.js";
import { Crowd } from "./crowd.js";
import { Events } from "./events.js";
import { History } from "./history.js";
import { Nodes } from "./nodes.js";
import { User } from "./user.js";
import { Verify } from "./verify.js";

const api = new Api();
const history = new History(api);
const user = new User(api, () => history.shown);
const crowd = new Crowd(api, (name) => user.open(name));
crowd.stay = () => history.stay();
history.pick = (at, forgotten) => crowd.show(at, forgotten);
const parts = [new Nodes(api), history, crowd, new Events(api, (name) => user.open(name)), new Verify(api), user];

let session; // what runs while the page is open to who looks at it
open();

function open() {
  session = new AbortController();
  byId("lock").hidden = true;
  byId("app").hidden = false;
  byId("forget-token").hidden = !api.hasToken;
  for (const part of parts) part.start(session.signal);
}

// Nothing of what was shown is left for who has no token.
api.locked = (wrong) => {
  if (session.signal.aborted) return;
  session.abort();
  for (const part of parts) part.clear();
  byId("app").hidden = true;
  byId("lock").hidden = false;
  byId("forget-token").hidden = true;
  setText(byId("state"), "Locked");
  byId("state").dataset.tone = "warn";
  byId("token").setAttribute("aria-invalid", String(wrong));
  setNotice(byId("token-error"), wrong ? "That is not the token of this server." : "", "bad");
  api.token = "";
  byId("token").value = "";
  byId("token").focus();
};

byId("lock-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    byId("token").setAttribute("aria-invalid", "true");
    setNotice(byId("token-error"), token ? "A token has no white space, and no characters beyond ASCII." : "Enter the token.", "bad");
    return;
  }
  api.token = token;
  setNotice(byId("token-error"), "");
  setText(byId("state"), "Asking the server…");
  open();
});

byId("forget-token").addEventListener("click", () => {
  api.token = "";
  api.locked(false);
  announce("The token is forgotten.");
});
