// What screen readers are told beside what they read: only what somebody asked for or has
// to know. The clock and who comes and goes are not said.

const region = document.getElementById("announcer");

/** Says a text once, when there is a pause. The same text is said again; none is nothing. */
export function announce(text) {
  if (!region || !text) return;
  region.replaceChildren(document.createTextNode(text));
}
