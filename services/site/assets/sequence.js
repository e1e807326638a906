// The card with the first Fibonacci numbers: a table and a picture.

import { announce } from "./announce.js";
import { Complaint } from "./complaint.js";
import { copies } from "./copy.js";
import { fold, readN } from "./digits.js";
import { byId, element, setText } from "./dom.js";
import { count, counted } from "./format.js";
import { Order } from "./order.js";
import { spiral } from "./spiral.js";

const most = 30; // digits that a row shows without folding
const ends = 10;
const tiles = 12; // squares of the picture: more would be too small to be seen

/** Lets the visitor ask for the first n numbers. */
export function showSequence(connection) {
  const input = byId("seq-n");
  let shown = []; // the values in the table

  const order = new Order();
  const complaint = new Complaint(input, byId("seq-error"));

  const list = (n, quiet) =>
    order.follow(connection.ask({ type: "sequence", n }), {
      answer: ({ values }) => {
        shown = values;
        show(shown);
        if (!quiet) announce(shown.length === 0 ? "No number" : `A table of ${counted(shown.length, "number")}`);
      },
      error: (error) => quiet || complaint.failed(error),
    });
  byId("seq").addEventListener("submit", (event) => {
    event.preventDefault();
    const n = readN(input.value);
    if (Number.isNaN(n)) return complaint.say("Say how many numbers as a whole number, written in digits. Try 20.");
    complaint.say("");
    list(n, false);
  });
  connection.on("state", (state) => {
    if (state.phase !== "online") return;
    complaint.online();
    // The card begins with an answer. Whether it comes does not matter.
    if (shown.length === 0) list(readN(input.value), true);
  });
  copies(byId("seq-copy"), () => shown.map((value, i) => `${i}\t${value}`).join("\n"), "The table");
}

function show(values) {
  byId("seq-result").hidden = false;
  setText(byId("seq-caption"), values.length === 0 ? "No number" : `The first ${counted(values.length, "Fibonacci number")}`);
  byId("seq-rows").replaceChildren(...values.map(row));
  draw(values);
}

function row(value, i) {
  const { head, left, tail } = fold(value, most, ends);
  const text = left > 0 ? `${head}…${tail}` : value;
  return element(
    "tr",
    {},
    element("th", { scope: "row", class: "number" }, String(i)),
    element("td", { class: "number mono" }, text),
    element("td", { class: "number" }, count(value.length)),
  );
}

// The picture has a square for each number from F(1) on.
function draw(values) {
  const sides = values.slice(1, 1 + tiles).map(Number);
  byId("seq-figure").hidden = sides.length === 0;
  if (sides.length === 0) return;
  const last = sides.length;
  const title = last === 1 ? "A square with the side F(1)" : `Squares with the sides F(1) to F(${last})`;
  const text = `Each square is as long as the two before it together: ${sides.join(", ")}. The curve through them is close to the golden spiral.`;
  byId("seq-picture").replaceChildren(spiral(sides, title, text));
  setText(byId("seq-figcaption"), `${title}, and a quarter of a circle in each.${values.length - 1 > last ? ` The next ones would look the same, only larger.` : ""}`);
}
