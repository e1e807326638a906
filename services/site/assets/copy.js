// Copying to the clipboard.

import { announce } from "./announce.js";
import { setText } from "./dom.js";

const shown = 2000; // milliseconds that a button says how it went

/** Makes a button copy what text() returns, and say so. */
export function copies(button, text, what) {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const done = await copy(text());
    setText(button, done ? "Copied" : "Not allowed");
    announce(done ? `${what} copied` : `The browser does not allow copying. Select the text instead.`);
    clearTimeout(timer);
    timer = setTimeout(() => setText(button, label), shown);
  });
}

/** Copies a text, and says whether that was allowed. */
export async function copy(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not allowed in this way; the older one may be.
  }
  return copyBySelection(text);
}

// Browsers have navigator.clipboard only with TLS or on localhost.
function copyBySelection(text) {
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.value = text;
  area.readOnly = true;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    focused?.focus();
  }
}
