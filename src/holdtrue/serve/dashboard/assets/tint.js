// Tokens tinted by projection, around what benign talk measures; the legend and the read-out that go with them.

import { el } from "./dom.js";
import { number, percent, printable, signed } from "./plain.js";

// Seven tints; the middle one, within half a standard deviation, is left plain. As in the report.
const CUTS = [-2, -1.25, -0.5, 0.5, 1.25, 2];
const SHOWN = "holdtrue-tint";

// What a token's projection is compared with: benign tokens where the server has them, benign answers' means otherwise.
export function gaugeOf(info) {
  const calibration = info?.calibration;
  const chosen = calibration?.token ?? calibration;
  return chosen && chosen.sd > 0 ? { mean: chosen.mean, sd: chosen.sd, ofTokens: Boolean(calibration.token) } : null;
}

const zOf = (value, gauge) => (gauge && typeof value === "number" ? (value - gauge.mean) / gauge.sd : null);

function hint(token, gauge) {
  const z = zOf(token.projection, gauge);
  const parts = [z === null ? null : `z ${signed(z)}`, `projection ${number(token.projection)}`];
  if (typeof token.before === "number" && Math.abs(token.before - token.projection) > 5e-3) {
    parts.push(`before the hold ${number(token.before)}`);
  }
  if (token.fired > 0) parts.push(`held at ${percent(token.fired)} of blocks`);
  return parts.filter(Boolean).join(" · ");
}

export function tokenSpan(token, gauge, first = false) {
  const z = zOf(token.projection, gauge);
  const step = z === null ? 3 : CUTS.filter((cut) => z >= cut).length;
  const classes = ["token", `t${step}`, ...(token.fired > 0 ? ["held"] : []), ...(token.thinking ? ["thinking"] : [])];
  const attributes = { class: classes.join(" "), title: hint(token, gauge), tabindex: first ? "0" : "-1" };
  const text = printable(token.text);
  const word = text.trimStart();
  const span = el("span", attributes, word || text);
  // The space before a word belongs to its token but isn't tinted: it would stain the end of a line.
  return word && word !== text ? [text.slice(0, text.length - word.length), span] : [span];
}

// An answer as spans, and whatever of its text has no reading yet.
export function answerParts(tokens, text, gauge) {
  const spans = tokens.flatMap((token, i) => tokenSpan(token, gauge, i === 0));
  const tail = unread(tokens, text);
  if (tail) spans.push(el("span", { class: "unread" }, printable(tail)));
  return spans;
}

export function unread(tokens, text) {
  const read = tokens.map((token) => (token.thinking ? "" : (token.text ?? ""))).join("");
  if (!text) return "";
  return text.startsWith(read) ? text.slice(read.length) : "";
}

export function legend(gauge) {
  const swatches = el("span", { class: "swatches", "aria-hidden": "true" });
  for (let i = 0; i < 7; i += 1) swatches.append(el("i", { class: `t${i}` }));
  const against = gauge?.ofTokens ? "benign tokens" : "benign answers";
  const scale = gauge
    ? el("span", { class: "scale" }, el("span", {}, "z ≤ −2"), swatches, el("span", {}, "≥ +2"))
    : el("span", {}, "Not calibrated: tokens carry no tint.");
  const words = gauge
    ? `Each token against ${against}: orange less assistant-like, blue more, plain within half an sd. Dotted line: the hold touched it.`
    : "";
  const toggle = el("input", { type: "checkbox", id: "tint-toggle" });
  toggle.checked = shown();
  toggle.addEventListener("change", () => show(toggle.checked));
  const readout = el("output", { class: "readout", id: "readout" }, "Point at a token, or step through with ← →, to read it.");
  return [
    el("p", { class: "legend-words" }, words),
    el("div", { class: "legend" }, el("label", { class: "toggle" }, toggle, "Tint tokens"), scale, readout),
  ];
}

const shown = () => localStorage.getItem(SHOWN) !== "off";

function show(on) {
  localStorage.setItem(SHOWN, on ? "on" : "off");
  applyTint();
}

export function applyTint() {
  document.body.classList.toggle("untinted", !shown());
}

// Hover and focus put a token's numbers into the read-out; arrows walk from token to token.
export function readTokens(container) {
  const read = (event) => {
    const token = event.target.closest?.(".token");
    const readout = container.querySelector("#readout");
    if (!token || !readout) return;
    readout.replaceChildren(el("q", { dir: "auto" }, token.textContent.trim() || "␣"), ` ${token.title}`);
  };
  container.addEventListener("mouseover", read);
  container.addEventListener("focusin", read);
  container.addEventListener("keydown", (event) => {
    const token = event.target.closest?.(".token");
    const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
    const to = token && step && token[step];
    if (!to?.classList.contains("token")) return;
    event.preventDefault();
    token.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
}

const METER = [-6, 4];

// Where z stands between −6 and 4, over the band of two sd around the benign mean.
export function meter(z) {
  const bar = el("span", { class: "meter", "aria-hidden": "true" }, el("i"));
  setMeter(bar, z);
  return bar;
}

export function setMeter(bar, z) {
  bar.querySelector("b")?.remove();
  if (typeof z !== "number") return;
  const mark = el("b", { class: z < -2 ? "low" : "" });
  const at = (Math.min(Math.max(z, METER[0]), METER[1]) - METER[0]) / (METER[1] - METER[0]);
  mark.style.left = `${(100 * at).toFixed(1)}%`;
  bar.append(mark);
}
