// What the end of a connection means: in words, and whether to connect again by itself.
// Pure. The codes are those of docs/PROTOCOL.md.

const broken = "The server found a message of this page that breaks the protocol. Load the page again: it may be of another version than the server.";

const codes = {
  1000: { again: false, words: "The server ended the connection." },
  1001: { again: true, words: "The server went away." },
  1002: { again: false, words: broken },
  1003: { again: false, words: broken },
  1007: { again: false, words: broken },
  1008: { again: false, words: broken },
  1009: { again: false, words: "This page sent the server more at once than it takes (64 KiB)." },
  1011: { again: true, words: "The server failed." },
  1012: { again: true, words: "The server is restarting." },
  1013: { again: true, words: "The server asks to try again later." },
  4008: { again: true, words: "This page did not read the server’s answers fast enough." },
  4012: { again: true, words: "The server heard nothing from this page for a while." },
  4500: { again: false, words: "The server does not accept this name or token, or the token has expired." },
  4503: { again: false, words: "An operator closed your connection." },
  4504: { again: false, words: "There are too many connections for this name, or from your address. Close another one first." },
};

const plain = [1001, 1012, 4008, 4012]; // whose reasons say the same as the words

const lost = { again: true, words: "The connection was lost." };

const unreachable = {
  again: true,
  words:
    "The server cannot be reached. It may be down or restarting, have no room (503), or not let this page in (400, 401, 403). A browser does not tell a page which.",
};

/**
 * Judges an end by its close code. `opened` is whether the socket was open before: what a
 * server answers to a request that it refuses is not told to pages.
 */
export function judge(code, reason, opened) {
  const { again, words } = codes[code] ?? (code === 1006 && !opened ? unreachable : elsewhere(code));
  return { again, words: reason && !plain.includes(code) ? `${words} It says: “${reason}”.` : words };
}

// Codes from 4500 on say not to connect again, whatever comes to be added there.
function elsewhere(code) {
  if (code >= 4500 && code < 5000) return { again: false, words: `The server closed the connection, with code ${code}.` };
  if (code >= 1000 && code !== 1005 && code !== 1006) return { again: true, words: `The server closed the connection, with code ${code}.` };
  return lost;
}
