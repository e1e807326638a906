// Long numbers as text: folding and grouping. Pure.

/**
 * Folds a number of more than `most` digits: its first and last ones, `ends` of each, and
 * how many are left out between them. A shorter one has no tail.
 */
export function fold(value, most, ends) {
  if (value.length <= most) return { head: value, left: 0, tail: "" };
  return { head: value.slice(0, ends), left: value.length - 2 * ends, tail: value.slice(-ends) };
}

/** The digits in groups of three, from the right. */
export function groups(value) {
  const first = value.length % 3;
  const all = first > 0 ? [value.slice(0, first)] : [];
  for (let i = first; i < value.length; i += 3) all.push(value.slice(i, i + 3));
  return all;
}

/** Reads what somebody typed as n: digits only. NaN: it is something else. */
export function readN(text) {
  const digits = text.trim();
  if (!/^\d+$/.test(digits)) return NaN;
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER); // the server says what is too much
}
