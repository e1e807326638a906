// What pages make elements with. Text only ever becomes text: nothing here, or elsewhere,
// takes a string for HTML.

/** The element with an id. It throws if there is none: page and module belong together. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * A new element. Of `attributes`, true stands for an attribute without a value; false, null
 * and undefined are left out. Children are nodes or texts.
 */
export function element(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** As element, of SVG. */
export function shape(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * A name that somebody else has chosen, for use within a text: it keeps its own direction,
 * and cannot turn what stands around it.
 */
export function foreign(name, attributes = {}) {
  return element("bdi", attributes, name);
}

/** Sets a text, if it differs: screen readers and selections are left alone otherwise. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows a text in a notice, with a tone ("", "warn" or "bad"); "" hides it. */
export function setNotice(node, text, tone = "") {
  setText(node, text);
  node.hidden = text === "";
  node.dataset.tone = tone;
}
