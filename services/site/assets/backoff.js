// How long to wait before connecting again. Pure: chance is an argument.

const first = 500; // milliseconds, before the second try
const most = 30_000;
const longestHint = 300_000; // no server is believed that one should wait for longer

/** The longest wait before a try, of which some were in vain already. */
export function ceiling(failures) {
  return Math.min(most, first * 2 ** Math.min(failures, 30));
}

/**
 * The wait before the next try, in milliseconds. It doubles with each failure, and half of
 * it is left to chance (0 to 1), so that not all come back at once. It is never less than
 * `hint`, what the server asked for when it left; that has its own chance in it, so the
 * first wait is just that.
 */
export function wait(failures, chance, hint = 0) {
  if (failures === 0 && hint > 0) return Math.min(hint, longestHint);
  const longest = ceiling(failures);
  return Math.max(Math.round(longest / 2 + (chance * longest) / 2), Math.min(hint, longestHint));
}
