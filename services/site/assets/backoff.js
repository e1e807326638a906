// How long to wait before connecting again. Pure: chance is an argument.

const first = 500; // milliseconds, before the second try
const most = 30_000;

/** The longest wait before a try, of which some were in vain already. */
export function ceiling(failures) {
  return Math.min(most, first * 2 ** Math.min(failures, 30));
}

/**
 * The wait before the next try, in milliseconds. It doubles with each failure, and half of
 * it is left to chance (0 to 1), so that not all come back at once. What the server has
 * asked for when it left, `hint`, is the first wait; it has its own chance in it.
 */
export function wait(failures, chance, hint) {
  if (failures === 0 && hint !== undefined) return hint;
  const longest = ceiling(failures);
  return Math.round(longest / 2 + (chance * longest) / 2);
}
