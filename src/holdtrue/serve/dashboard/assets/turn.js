// One turn of a conversation: what the user said, the answer token by token, and its figures.

import { el, icon } from "./dom.js";
import { count, line, number, percent, printable, signed } from "./plain.js";
import { answerParts, meter, setMeter, tokenSpan, unread } from "./tint.js";

const NOT_STORED = "This server doesn't keep text.";

export function finishedTurn(turn, gauge, firstAlarm) {
  const tokens = turn.tokens ?? [];
  const answer = el("p", { class: "said", dir: "auto" });
  const readable = tokens.some((token) => token.text);
  if (readable || turn.answer) answer.append(...answerParts(readable ? tokens : [], turn.answer ?? "", gauge));
  else answer.append(el("span", { class: "absent" }, turn.answer === "" ? "(empty answer)" : NOT_STORED));
  return frame(turn.turn, turn.user ?? NOT_STORED, turn.user === null, figures(turn, firstAlarm), answer, {
    class: turn.alarm ? "turn alarmed" : "turn",
  });
}

function figures(turn, firstAlarm) {
  const row = (name, value, title) => el("span", { class: "figure", title }, el("span", { class: "unit" }, name), value);
  const found = [row("z", el("b", {}, typeof turn.z === "number" ? signed(turn.z) : number(turn.z)))];
  found.push(meter(turn.z));
  if (typeof turn.projection === "number") found.push(row("projection", number(turn.projection)));
  found.push(row("hold", line(turn.hold, 30), turn.hold_digest));
  if (typeof turn.fired === "number") found.push(row("fired", percent(turn.fired), "share of (token, block) pairs that the hold touched"));
  if (typeof turn.thinking_projection === "number") found.push(row("thinking", number(turn.thinking_projection)));
  if (turn.completion_tokens) found.push(row("", count(turn.completion_tokens, "token")));
  if (turn.finish_reason && turn.finish_reason !== "stop") found.push(row("ended by", line(turn.finish_reason, 20)));
  if (turn.alarm) {
    const word = turn.turn === firstAlarm ? "alarm rings" : "alarm stands";
    found.push(el("span", { class: "alarm-mark" }, icon("alarm"), word));
  }
  return found;
}

function frame(number_, user, absent, facts, answer, attributes) {
  return el(
    "li",
    { ...attributes, "data-turn": number_ },
    el("div", { class: "asked" }, el("h3", { class: "who" }, "User"), el("p", { class: absent ? "said absent" : "said", dir: "auto" }, printable(user))),
    el("div", { class: "answered" }, el("div", { class: "turn-figures" }, el("h3", { class: "who" }, `Turn ${number_}`), ...facts), answer),
  );
}

// The turn in progress: tokens are appended as they are read, and text that has no reading yet follows them, plain.
export class LiveTurn {
  #gauge;
  #drawn = 0;
  #z = el("b", {}, "…");
  #meter = meter(null);
  #answer = el("p", { class: "said", dir: "auto" });
  #tail = el("span", { class: "unread" });
  #state = el("span", { class: "state" }, "answering…");

  constructor(live, gauge) {
    this.#gauge = gauge;
    this.turn = live.turn;
    this.#answer.append(this.#tail);
    const facts = [el("span", { class: "figure" }, el("span", { class: "unit" }, "z so far"), this.#z), this.#meter, this.#state];
    const asked = live.user ?? "The question arrives with the finished turn.";
    this.element = frame(live.turn, asked, live.user === null, facts, this.#answer, { class: "turn live", "aria-busy": "true" });
    this.update(live);
  }

  update(live) {
    for (; this.#drawn < live.tokens.length; this.#drawn += 1) {
      this.#tail.before(...tokenSpan(live.tokens[this.#drawn], this.#gauge, this.#drawn === 0));
    }
    this.#tail.textContent = printable(unread(live.tokens, live.text));
    if (typeof live.z === "number") this.#z.textContent = signed(live.z);
    setMeter(this.#meter, live.z);
    if (live.error === null) return;
    this.element.classList.add("failed");
    this.element.removeAttribute("aria-busy");
    this.#state.textContent = line(live.error, 300);
  }
}
