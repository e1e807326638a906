// Doing something again and again, as long as somebody looks.

import { wait } from "../assets/backoff.js";

// The longest pause after a failure: who looks at the page waits for the server.
const longest = 5000;

/** How long to wait after some failures, in milliseconds. */
export const again = (failures) => Math.min(longest, wait(failures, Math.random()));

/** Resolves after some milliseconds, or when the signal is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}

/** Resolves when the page is to be seen, or when the signal is aborted. */
export function seen(signal) {
  if (!document.hidden || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}

/**
 * Calls step, and again after it is done and every() milliseconds have passed, until the
 * signal is aborted. A step that says false has failed: the next one comes later and later.
 */
export async function rounds(signal, every, step) {
  let failures = 0;
  while (!signal.aborted) {
    await seen(signal);
    failures = (await step()) === false ? failures + 1 : 0;
    await pause(failures > 0 ? again(failures) : every(), signal);
  }
}
