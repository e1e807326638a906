// The golden spiral: squares with Fibonacci numbers as sides, each along the whole side of
// the rectangle that those before make, and a quarter of a circle in each.

import { shape } from "./dom.js";

// Each square is put to one side of the rectangle, in turn. `arc` says from where to where
// its quarter of a circle goes, in parts of the side.
const turns = [
  { put: (box) => ({ x: box.left, y: box.bottom }), arc: [0, 0, 1, 1] }, // below
  { put: (box) => ({ x: box.right, y: box.top }), arc: [0, 1, 1, 0] }, // right
  { put: (box, side) => ({ x: box.left, y: box.top - side }), arc: [1, 1, 0, 0] }, // above
  { put: (box, side) => ({ x: box.left - side, y: box.top }), arc: [1, 0, 0, 1] }, // left
];

/** Where the squares of these sides stand, and the rectangle around all of them. Pure. */
export function layOut(sides) {
  const box = { left: 0, top: 0, right: 0, bottom: 0 };
  const squares = sides.map((side, i) => {
    const { put, arc } = turns[i % turns.length];
    const { x, y } = put(box, side);
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + side);
    box.bottom = Math.max(box.bottom, y + side);
    return { x, y, side, arc };
  });
  return { squares, box };
}

/** The curve through the squares, as the data of a path. Pure. */
export function curve(squares) {
  return squares
    .map(({ x, y, side, arc: [fromX, fromY, toX, toY] }, i) => {
      const start = i === 0 ? `M${x + fromX * side} ${y + fromY * side}` : "";
      return `${start}A${side} ${side} 0 0 0 ${x + toX * side} ${y + toY * side}`;
    })
    .join("");
}

const width = 640; // of the picture, in its own units
const margin = 6;
const labelled = 40; // units from which a square has its side written in it

/** A picture of the squares, for the first Fibonacci numbers that are sides. */
export function spiral(sides, title, description) {
  const { box } = layOut(sides);
  const unit = (width - 2 * margin) / (box.right - box.left);
  const { squares, box: scaled } = layOut(sides.map((side) => side * unit));
  const height = scaled.bottom - scaled.top + 2 * margin;
  return shape(
    "svg",
    { viewBox: `${scaled.left - margin} ${scaled.top - margin} ${width} ${height}`, role: "img", "aria-labelledby": "spiral-title", "aria-describedby": "spiral-text", class: "spiral" },
    shape("title", { id: "spiral-title" }, title),
    shape("desc", { id: "spiral-text" }, description),
    ...squares.map((square, i) => tile(square, (i + 1) / squares.length)),
    ...squares.map((square, i) => (square.side >= labelled ? label(square, sides[i]) : null)),
    shape("path", { d: curve(squares), class: "curve" }),
  );
}

// Later squares are darker.
function tile({ x, y, side }, rank) {
  return shape("rect", { x, y, width: side, height: side, rx: 2, class: "tile", "fill-opacity": (0.06 + 0.3 * rank).toFixed(3) });
}

function label({ x, y, side }, text) {
  const size = Math.max(15, Math.min(44, side * 0.19));
  return shape("text", { x: x + side / 2, y: y + side / 2, "font-size": size, "text-anchor": "middle", "dominant-baseline": "central", class: "side" }, String(text));
}
