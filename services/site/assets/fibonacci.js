// The card that computes one Fibonacci number.

import { announce } from "./announce.js";
import { Complaint } from "./complaint.js";
import { copies } from "./copy.js";
import { fold, groups, readN } from "./digits.js";
import { byId, element, setText } from "./dom.js";
import { count, counted, duration } from "./format.js";
import { Order } from "./order.js";

const most = 120; // digits that are shown without folding
const ends = 45; // digits at either end of a folded number

/** Lets the visitor ask for F(n). */
export function showFibonacci(connection) {
  const input = byId("fib-n");
  const toggle = byId("fib-toggle");
  let shown = ""; // the value of the answer that is shown

  const order = new Order();
  const complaint = new Complaint(input, byId("fib-error"));

  const compute = (n, quiet) => {
    const began = performance.now();
    order.follow(connection.ask(command(n)), {
      answer: (answer) => {
        shown = answer.value;
        show(answer, performance.now() - began);
        if (!quiet) announce(spoken(answer));
      },
      error: (error) => quiet || complaint.failed(error),
      last: () => setText(byId("fib-doing"), ""),
    });
  };
  byId("fib").addEventListener("submit", (event) => {
    event.preventDefault();
    const n = readN(input.value);
    if (Number.isNaN(n)) return complaint.say("n is a whole number from 0 on, written in digits. Try 90.");
    complaint.say("");
    setText(byId("fib-doing"), `Computing F(${count(n)})…`);
    compute(n, false);
  });
  connection.on("state", (state) => {
    if (state.phase !== "online") return;
    complaint.online();
    // The card begins with an answer. Whether it comes does not matter.
    if (shown === "") compute(readN(input.value), true);
  });
  toggle.addEventListener("click", () => {
    const all = toggle.getAttribute("aria-expanded") === "false";
    unfold(shown, all);
  });
  copies(byId("fib-copy"), () => shown, "The number");
}

function command(n) {
  const algorithm = byId("fib-algorithm").value;
  return algorithm ? { type: "fibonacci", n, algorithm } : { type: "fibonacci", n };
}

function show(answer, roundTrip) {
  byId("fib-result").hidden = false;
  setText(byId("fib-title"), `F(${count(answer.n)})`);
  setText(byId("fib-digits"), count(answer.value.length));
  setText(byId("fib-micros"), answer.micros > 0 ? duration(answer.micros / 1000) : "under 1 µs");
  setText(byId("fib-roundtrip"), duration(roundTrip));
  setText(byId("fib-how"), answer.algorithm);
  unfold(answer.value, false);
}

function spoken({ n, value }) {
  return value.length > 30 ? `F(${n}) has ${counted(value.length, "digit")}` : `F(${n}) is ${value}`;
}

function unfold(value, all) {
  const folded = fold(value, all ? Infinity : most, ends);
  const foldable = value.length > most;
  const number = byId("fib-value");
  number.replaceChildren(...(foldable ? joined(folded) : grouped(value)));
  number.classList.toggle("long", foldable);
  number.toggleAttribute("tabindex", false);
  if (foldable && all) number.tabIndex = 0; // it scrolls, by keys too
  const toggle = byId("fib-toggle");
  toggle.hidden = !foldable;
  toggle.setAttribute("aria-expanded", String(all));
  setText(toggle, all ? "Show less" : `Show all ${count(value.length)} digits`);
}

// Groups are apart by style, so that what is selected and copied has no gaps.
function grouped(value) {
  return groups(value).map((group) => element("span", { class: "group" }, group));
}

function joined({ head, left, tail }) {
  if (left === 0) return [head];
  return [head, element("span", { class: "left-out" }, ` … ${counted(left, "more digit")} … `), tail];
}
