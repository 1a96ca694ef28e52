// The drift line: z by turn over the calibrated band, with alarms, changes of hold, and the turn in progress.

import { byId, eachFrame, el } from "./dom.js";
import { line, number, percent, signed } from "./plain.js";
import { reach, specification } from "./drift-spec.js";

let loading = null;

// Loaded when the first chart is drawn: the rest of the page doesn't wait for it.
function vega() {
  loading ??= Promise.all([import("/assets/vega.js"), fetch("/assets/chart.json").then((found) => found.json())]);
  return loading;
}

export class DriftLine {
  #box = el("div", { class: "chart", "aria-hidden": "true" });
  #rows = el("tbody");
  #view = null;
  #data = { turns: [], running: [], alarms: [], changes: [] };
  #unit = null;
  #gone = false;
  #push = eachFrame(() => this.#draw());

  constructor() {
    const head = ["Turn", "z", "Projection", "Hold", "Fired", "Alarm"].map((name) => el("th", { scope: "col" }, name));
    const caption = el("caption", {}, "Drift by turn");
    const table = el("table", { id: "drift-table" }, caption, el("thead", {}, el("tr", {}, head)), this.#rows);
    // A table is as wide as its cells whatever it is told, so a box hides it.
    this.element = el("figure", { class: "drift", id: "drift" }, this.#box, el("div", { class: "unseen" }, table));
  }

  close() {
    this.#gone = true;
    this.#view?.finalize();
  }

  update(turns, live) {
    const running = live && live.error === null && typeof live.z === "number" ? live : null;
    this.#tabulate(turns, running);
    const calibrated = running !== null || turns.some((turn) => typeof turn.z === "number");
    const of = (turn) => (calibrated ? turn.z : turn.projection);
    const points = turns
      .filter((turn) => typeof of(turn) === "number")
      .map((turn) => ({ turn: turn.turn, value: of(turn), alarm: Boolean(turn.alarm), label: describe(turn) }));
    const first = points.find((point) => point.alarm);
    const last = points.at(-1);
    const here = running && { turn: running.turn, value: running.z, label: `turn ${running.turn}, so far: z ${signed(running.z)}` };
    this.#data = {
      turns: points,
      running: here ? [...(last ? [last] : []), here] : [],
      alarms: first ? [first] : [],
      changes: changes(turns),
    };
    if (!points.length && !here) {
      const note = turns.length ? "Nothing was measured in this conversation." : "The line begins with the first answer.";
      this.#clear(note);
      return;
    }
    this.#show(calibrated ? "z" : "projection");
  }

  #tabulate(turns, running) {
    const row = (cells) => el("tr", {}, cells.map((cell, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, cell)));
    const rows = turns.map((turn) => [
      String(turn.turn),
      typeof turn.z === "number" ? signed(turn.z) : number(turn.z),
      number(turn.projection),
      line(turn.hold, 40),
      percent(turn.fired),
      turn.alarm ? "alarm" : "no",
    ]);
    if (running) rows.push([`${running.turn}, in progress`, signed(running.z), "", "", "", ""]);
    this.#rows.replaceChildren(...rows.map(row));
  }

  #clear(note) {
    this.#view?.finalize();
    this.#view = null;
    this.#unit = null;
    this.#box.replaceChildren(el("p", { class: "missing" }, note));
  }

  async #show(unit) {
    if (this.#unit === unit) {
      this.#push();
      return;
    }
    this.#unit = unit;
    try {
      const [, config] = await vega();
      if (this.#gone || this.#unit !== unit || !this.#box.isConnected) return;
      this.#view?.finalize();
      // `ast` interprets Vega's expressions instead of compiling them: the page's policy forbids eval.
      const { view } = await window.vegaEmbed(this.#box, specification(unit), {
        actions: false,
        renderer: "svg",
        ast: true,
        config,
        defaultStyle: false,
        tooltip,
      });
      if (this.#gone || this.#unit !== unit) {
        view.finalize();
        return;
      }
      this.#view = view;
      // Within reach of the console, and of tests.
      this.#box.view = view;
      this.#draw();
    } catch (error) {
      this.#clear(`The chart could not be drawn: ${error.message}`);
    }
  }

  #draw() {
    if (!this.#view) return;
    const { turns, running } = this.#data;
    for (const [name, value] of Object.entries(reach(this.#unit, [...turns, ...running]))) this.#view.signal(name, value);
    for (const [name, rows] of Object.entries(this.#data)) this.#view.data(name, rows);
    this.#view.runAsync().then(() => {
      this.#box.dataset.drawn = String(this.#data.turns.length);
    });
  }
}

function describe(turn) {
  const parts = [`turn ${turn.turn}: ${typeof turn.z === "number" ? `z ${signed(turn.z)}` : number(turn.projection)}`];
  parts.push(`hold ${line(turn.hold, 30)}`);
  if (typeof turn.fired === "number") parts.push(`fired ${percent(turn.fired)}`);
  if (turn.alarm) parts.push("alarm");
  return parts.join(" · ");
}

// Where another hold came into force, and the one that the conversation began with where it changed later.
function changes(turns) {
  const found = turns
    .filter((turn, i) => i > 0 && turn.hold_digest !== turns[i - 1].hold_digest)
    .map((turn) => ({ turn: turn.turn - 0.5, hold: line(turn.hold, 16) }));
  return found;
}

// Vega's own tooltip writes markup; this one writes text.
function tooltip(_handler, event, _item, value) {
  const tip = byId("tip");
  tip.hidden = !value;
  if (!value) return;
  tip.textContent = String(value);
  tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 10)}px`;
  tip.style.top = `${event.clientY + 16}px`;
}
