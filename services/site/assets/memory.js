// What this browser remembers: the name that was entered last, and as whom this tab was
// connected, so that it is again after a reload, whatever other tabs do. Never a token. A
// browser may forbid all of it.

const nameKey = "presence.user";
const connectedKey = "presence.connected-as";

function tried(action) {
  try {
    return action() ?? "";
  } catch {
    return "";
  }
}

export const rememberedName = () => tried(() => localStorage.getItem(nameKey));
export const rememberName = (name) => tried(() => localStorage.setItem(nameKey, name));
/** As whom this tab was connected; "" if it was not. */
export const connectedAs = () => tried(() => sessionStorage.getItem(connectedKey));
export const rememberConnected = (name) =>
  tried(() => (name ? sessionStorage.setItem(connectedKey, name) : sessionStorage.removeItem(connectedKey)));
