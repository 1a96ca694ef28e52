// Elements from data. Text becomes text nodes, never markup; the page has no other way to put text on screen.

const SVG = "http://www.w3.org/2000/svg";

// Nothing here parses markup. Vega's embedder empties its box with innerHTML = "", which is let through and nothing else.
globalThis.trustedTypes?.createPolicy("default", {
  createHTML: (markup) => (markup === "" ? markup : null),
});

export const byId = (id) => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// The arrow keys walk through `items`, of which one at a time can be tabbed to.
export function rove(container, selector, { previous = "ArrowUp", next = "ArrowDown" } = {}) {
  container.addEventListener("keydown", (event) => {
    const from = event.target.closest(selector);
    if (!from || ![previous, next, "Home", "End"].includes(event.key)) return;
    const items = [...container.querySelectorAll(selector)];
    const at = items.indexOf(from);
    const to = { [previous]: at - 1, [next]: at + 1, Home: 0, End: items.length - 1 }[event.key];
    const target = items[Math.min(Math.max(to, 0), items.length - 1)];
    event.preventDefault();
    from.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  });
}

// At most one call per frame, however often it is asked for. A hidden tab draws no frames, hence the timer.
export function eachFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      waiting = false;
      draw();
    };
    if (document.hidden) setTimeout(run, 250);
    else requestAnimationFrame(run);
  };
}

let whenConfirmed = null;

export function confirmDelete(title, text, then) {
  const dialog = byId("confirm-dialog");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  whenConfirmed = then;
  byId("confirm-no").onclick = () => dialog.close();
  byId("confirm-yes").onclick = () => {
    dialog.close();
    whenConfirmed?.();
  };
  dialog.showModal();
}
