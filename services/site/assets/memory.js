// What this browser remembers: the name, and that this tab was connected, so that it is
// again after a reload. Never a token. A browser may forbid all of it.

const nameKey = "presence.user";
const connectedKey = "presence.connected";

function tried(action) {
  try {
    return action() ?? "";
  } catch {
    return "";
  }
}

export const rememberedName = () => tried(() => localStorage.getItem(nameKey));
export const rememberName = (name) => tried(() => localStorage.setItem(nameKey, name));
export const wasConnected = () => tried(() => sessionStorage.getItem(connectedKey)) !== "";
export const rememberConnected = (yes) =>
  tried(() => (yes ? sessionStorage.setItem(connectedKey, "yes") : sessionStorage.removeItem(connectedKey)));
