// The same message under two holds, side by side and with the same seed: what differs is the hold.

import { streamAnswer } from "./api.js";
import { el } from "./dom.js";
import { firing } from "./holds.js";
import { line, number, percent, printable, sentence, signed } from "./plain.js";
import { answerParts, gaugeOf, legend, meter, readTokens } from "./tint.js";

export class Playground {
  #info;
  #stop = null;
  #field = el("textarea", { id: "question", rows: "3", required: true, placeholder: "One message for both" });
  #button = el("button", { type: "submit", class: "main" }, "Ask both");
  #difference = el("p", { class: "difference", role: "status" });
  #sides;

  constructor(store, box) {
    this.#info = store.info;
    const names = this.#info.holds.map((hold) => hold.name);
    const other = names.find((name) => name !== this.#info.hold && name !== "free") ?? names.at(-1);
    this.#sides = [names.includes("free") ? "free" : this.#info.hold, other].map((name, i) => new Side(this.#info, name, "AB"[i]));
    const locked = this.#info.client_holds
      ? null
      : el("p", { class: "note locked" }, "This server sets the hold itself, so two holds can't be compared here.");
    const form = el(
      "form",
      { class: "composer wide", onsubmit: (event) => this.#submit(event) },
      el("label", { for: "question" }, "Message"),
      this.#field,
      locked,
      el("div", { class: "row choices" }, this.#sides.map((side) => side.choice), this.#button),
    );
    this.#field.addEventListener("keydown", (event) => this.#press(event));
    this.#button.disabled = this.#field.disabled = !this.#info.client_holds;
    const lead = "The same message and the same seed under two holds: what differs is the hold.";
    const talk = el("section", { class: "talk" }, ...legend(gaugeOf(this.#info)), this.#difference, el("div", { class: "sides" }, this.#sides.map((side) => side.element)));
    readTokens(talk);
    box.replaceChildren(el("header", { class: "talk-head" }, el("h1", {}, "Playground"), el("p", { class: "under" }, lead)), form, talk);
    document.title = "Playground · holdtrue";
  }

  close() {
    this.#stop?.abort();
  }

  #press(event) {
    if (event.key === "Escape" && this.#stop) this.#stop.abort();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!this.#stop) this.#button.click();
    }
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#stop) {
      this.#stop.abort();
      return;
    }
    const text = this.#field.value;
    if (!text.trim()) return;
    this.#stop = new AbortController();
    this.#button.textContent = "Stop";
    this.#difference.textContent = "";
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    const told = await Promise.all(this.#sides.map((side) => side.ask(text, seed, this.#stop.signal)));
    this.#stop = null;
    this.#button.textContent = "Ask both";
    const [a, b] = told.map((answer) => answer?.z);
    if (typeof a !== "number" || typeof b !== "number") return;
    this.#difference.textContent = `${this.#sides[1].name} stands ${number(Math.abs(b - a))} sd ${b >= a ? "above" : "below"} ${this.#sides[0].name} (z ${signed(b)} against ${signed(a)}).`;
  }
}

class Side {
  #info;
  #figures = el("p", { class: "turn-figures" });
  #answer = el("p", { class: "said", dir: "auto", "aria-live": "off" });
  #summary = el("p", { class: "note" });
  #heading = el("h2");

  constructor(info, name, letter) {
    this.#info = info;
    const options = info.holds.map((hold) => {
      const option = el("option", { value: hold.name }, line(hold.name, 40));
      option.selected = hold.name === name;
      return option;
    });
    this.select = el("select", { id: `hold-${letter}`, disabled: !info.client_holds }, options);
    this.select.addEventListener("change", () => this.#describe());
    this.choice = el("label", { for: `hold-${letter}` }, `Hold ${letter}`, this.select);
    this.element = el("section", { class: "side panel" }, this.#heading, this.#summary, this.#figures, this.#answer);
    this.#answer.append(el("span", { class: "absent" }, "No answer yet."));
    this.#describe();
  }

  get name() {
    return line(this.select.value, 40);
  }

  #describe() {
    const hold = this.#info.holds.find((one) => one.name === this.select.value);
    this.#heading.textContent = this.name;
    this.#summary.textContent = [sentence(hold?.summary), hold && firing(hold)].filter(Boolean).join(" ");
  }

  async ask(text, seed, signal) {
    const messages = [{ role: "user", content: text }];
    const body = { model: this.#info.model, messages, seed, holdtrue: { hold: this.select.value, tokens: true } };
    this.#figures.replaceChildren(el("span", { class: "state" }, "answering…"));
    this.#answer.replaceChildren();
    this.element.setAttribute("aria-busy", "true");
    let told = null;
    let written = "";
    try {
      for await (const chunk of streamAnswer(body, signal)) {
        const piece = chunk.choices?.[0]?.delta?.content;
        if (piece) this.#answer.textContent = printable((written += piece));
        if (chunk.holdtrue) told = chunk.holdtrue;
      }
    } catch (error) {
      this.#figures.replaceChildren(el("span", { class: "state" }, error.name === "AbortError" ? "stopped" : line(error.message, 300)));
      return null;
    } finally {
      this.element.removeAttribute("aria-busy");
    }
    this.#finish(written, told);
    return told;
  }

  #finish(written, told) {
    const row = (unit, value) => el("span", { class: "figure" }, el("span", { class: "unit" }, unit), value);
    const z = told?.z;
    this.#figures.replaceChildren(row("z", el("b", {}, typeof z === "number" ? signed(z) : number(z))), meter(z));
    if (typeof told?.projection === "number") this.#figures.append(row("projection", number(told.projection)));
    if (typeof told?.fired === "number") this.#figures.append(row("fired", percent(told.fired)));
    this.#answer.replaceChildren(...answerParts(told?.tokens ?? [], written, gaugeOf(this.#info)));
    if (!written) this.#answer.append(el("span", { class: "absent" }, "(empty answer)"));
  }
}
