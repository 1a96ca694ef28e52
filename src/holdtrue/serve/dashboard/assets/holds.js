// The hold switch: every hold with what it does and how often it fires on benign talk.

import { el, icon, rove } from "./dom.js";
import { line, percent, sentence } from "./plain.js";

const LOCKED = "This server sets the hold itself: clients may not change it.";

export class HoldSwitch {
  #choose;
  #info;
  #shown = null;
  #list = el("div", { class: "holds", role: "radiogroup", "aria-labelledby": "hold-title" });
  #now = el("span", { class: "now" });
  #note = el("p", { class: "note", role: "status" });

  // `choose(name)` may be asynchronous; what it throws is shown under the list.
  constructor(info, choose) {
    this.#info = info;
    this.#choose = choose;
    // Arrows move, Enter or Space chooses: walking past a hold must not put it in force.
    rove(this.#list, "[role=radio]");
    const locked = info.client_holds ? null : el("p", { class: "note locked", id: "hold-locked" }, LOCKED);
    const summary = el("summary", {}, el("h2", { id: "hold-title" }, "Hold"), this.#now);
    // Folded where the drift line and the talk need the room.
    const open = window.matchMedia("(min-width: 1180px)").matches;
    this.element = el("details", { class: "panel", open }, summary, locked, this.#list, this.#note);
  }

  // Draws only what has changed: a feed that tells of the same hold again takes nobody's focus or note away.
  show(name, note = null) {
    if (note !== null) this.#note.textContent = note;
    if (name === this.#shown) return;
    const focused = this.#list.contains(document.activeElement);
    if (note === null) this.#note.textContent = "";
    this.#shown = name;
    const known = this.#info.holds;
    const holds = known.some((hold) => hold.name === name)
      ? known
      : [...known, { name, summary: "Set by the client.", fire: null, measured_fire: null, foreign: true }];
    this.#list.replaceChildren(...holds.map((hold) => this.#option(hold, hold.name === name)));
    this.#now.textContent = line(name, 40);
    if (focused) this.#list.querySelector("[aria-checked=true]").focus();
  }

  #option(hold, chosen) {
    const off = !this.#info.client_holds || (hold.foreign && !chosen);
    const button = el(
      "button",
      {
        type: "button",
        role: "radio",
        "aria-checked": String(chosen),
        "aria-disabled": off ? "true" : null,
        "aria-describedby": this.#info.client_holds ? null : "hold-locked",
        tabindex: chosen ? "0" : "-1",
        "data-hold": hold.name,
        class: "hold",
      },
      el("span", { class: "tick" }, chosen ? icon("check") : null),
      el("span", { class: "hold-name" }, line(hold.name, 40)),
      el("span", { class: "hold-summary" }, sentence(hold.summary)),
      el("span", { class: "hold-fire" }, firing(hold)),
    );
    button.addEventListener("click", () => this.#take(hold, chosen, off));
    return button;
  }

  async #take(hold, chosen, off) {
    if (off || chosen) return;
    this.#note.textContent = `Switching to ${line(hold.name, 40)}…`;
    try {
      await this.#choose(hold.name);
    } catch (error) {
      this.#note.textContent = error.message;
    }
  }
}

// "Fires on 5.2 % of benign tokens (nominal 5 %)."
export function firing(hold) {
  const nominal = typeof hold.fire === "number" ? `nominal ${percent(hold.fire)}` : "";
  if (typeof hold.measured_fire === "number") {
    return `Fires on ${percent(hold.measured_fire)} of benign tokens${nominal && ` (${nominal})`}.`;
  }
  return nominal ? `Firing rate not measured (${nominal}).` : "";
}
