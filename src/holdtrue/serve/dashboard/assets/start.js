// The page before a conversation is chosen: what this instrument reads, and a place to begin.

import { Composer, converse, newSessionId, request } from "./composer.js";
import { el, icon } from "./dom.js";
import { HoldSwitch } from "./holds.js";
import { line, number, sentence } from "./plain.js";

export class Start {
  #store;
  #hold;
  #composer;
  #goTo;

  constructor(store, box, goTo) {
    this.#store = store;
    this.#goTo = goTo;
    const info = store.info;
    this.#hold = info.hold;
    const holds = new HoldSwitch(info, (name) => {
      this.#hold = name;
      holds.show(name, "");
    });
    holds.show(this.#hold);
    this.#composer = new Composer((text, stop) => this.#say(text, stop), "Write the first message");
    const lead = "Each answer is read along the assistant axis as it is written; a detector watches the line for drift.";
    box.replaceChildren(
      el(
        "header",
        { class: "talk-head" },
        el("a", { class: "back", href: "#/" }, icon("back"), "Conversations"),
        el("h1", {}, "A new conversation"),
        el("p", { class: "under" }, lead),
      ),
      el("aside", { class: "instruments", "aria-label": "Instruments" }, holds.element),
      el("section", { class: "talk start", "aria-label": "First message" }, this.#composer.element, facts(info)),
    );
    document.title = "holdtrue";
  }

  close() {}

  async #say(text, stop) {
    const id = newSessionId();
    const extension = { session: id, ...(this.#store.info.client_holds ? { hold: this.#hold } : {}) };
    const body = request(this.#store.info, null, text, extension);
    const done = converse(this.#store, body, 1, text, stop);
    // The conversation opens with the first word of the answer; a refusal is shown here instead.
    const begun = new Promise((resolve) => {
      const heard = (event) => event.id === id && (this.#store.live.get(id)?.text ?? "x") && resolve();
      this.#store.listen(["live", "turn"], heard, stop.signal);
    });
    await Promise.race([begun, done]);
    this.#goTo(`#/s/${encodeURIComponent(id)}`);
    await done;
  }
}

function facts(info) {
  const { calibration, detector } = info;
  const rate = detector.false_alarms_per_1000;
  const rows = [
    ["Model", line(info.model, 160)],
    ["Reader", info.reader ? line(info.reader, 160) : "the model itself"],
    ["Read at block", String(info.layer)],
    ["Held blocks", info.hold_band ? `${info.hold_band[0]} to ${info.hold_band[1]}` : "none"],
    ["Benign answers", calibration ? `mean ${number(calibration.mean)}, sd ${number(calibration.sd)}` : "not calibrated: no z"],
    ["Detector", sentence(detector.rule, 600)],
    ["False alarms", typeof rate === "number" ? `${number(rate, 1)} per 1,000 benign turns` : "not measured"],
    ["Text", info.stores_text ? "kept on this server" : "not kept: figures only"],
    ["Axis", line(info.axis_digest, 140)],
    ["Version", line(info.version, 40)],
  ];
  return el("dl", { class: "facts" }, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat());
}
