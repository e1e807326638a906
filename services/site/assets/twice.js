// Double clicks. Who double-clicks a button that goes when it is clicked does not mean the
// one that then stands in its place.

const soon = 500; // milliseconds between the clicks of a double click
const near = 30; // pixels between them

/** Lets the second click of a double click do nothing if what the first one hit has gone. */
export function ignoreSecondClicks() {
  let first = null; // the last click of a pointer
  const second = (event) =>
    first !== null &&
    event.timeStamp - first.timeStamp < soon &&
    Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < near &&
    !first.target.checkVisibility();
  document.addEventListener(
    "click",
    (event) => {
      if (event.detail === 0) return; // by a key, or by a form
      if (second(event)) {
        event.preventDefault();
        event.stopPropagation();
        return; // a third one is no more meant
      }
      first = event;
    },
    { capture: true },
  );
}
