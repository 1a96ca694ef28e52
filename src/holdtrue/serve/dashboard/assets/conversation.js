// One conversation: its turns, its drift line, its hold, and a place to write.

import { download, getJson, patchJson, remove, sessionPath } from "./api.js";
import { Composer, converse, request } from "./composer.js";
import { confirmDelete, eachFrame, el, icon } from "./dom.js";
import { DriftLine } from "./drift.js";
import { HoldSwitch } from "./holds.js";
import { count, line, number, sentence, signed } from "./plain.js";
import { nameOf } from "./sessions.js";
import { gaugeOf, legend, readTokens } from "./tint.js";
import { LiveTurn, finishedTurn } from "./turn.js";

export class Conversation {
  #store;
  #id;
  #box;
  #over = new AbortController();
  #detail = null;
  #early = [];
  #loads = 0;
  #live = null;
  #drawn = new Map();
  #drift = new DriftLine();
  #holds = null;
  #composer = null;
  #title = el("h1", { dir: "auto" });
  #facts = el("p", { class: "under" });
  #alarm = el("p", { class: "alarm-line", hidden: true });
  #turns = el("ol", { class: "turns", "aria-label": "Turns" });
  #detector = el("p", { class: "note" });
  #rule = el("p", { class: "note" });
  #frame = eachFrame(() => this.#drawLive());

  constructor(store, id, box) {
    this.#store = store;
    this.#id = id;
    this.#box = box;
    box.replaceChildren(el("p", { class: "empty" }, "Loading the conversation…"));
    store.listen(["session", "turn", "live", "deleted", "sessions"], (detail, kind) => this.#hear(detail, kind), this.#over.signal);
    this.#load();
  }

  close() {
    this.#over.abort();
    this.#drift.close();
  }

  #hear({ id, turn }, kind) {
    if (kind === "sessions") {
      // The feed is back: what was missed meanwhile is asked for.
      this.#load();
    } else if (id !== this.#id) {
      return;
    } else if (kind === "deleted") {
      this.#gone("This conversation was deleted.");
      return;
    }
    // What is being loaded may be older than what is heard meanwhile.
    if (kind === "turn" && this.#loads > 0) this.#early.push(turn);
    if (this.#detail === null) return;
    if (kind === "session") {
      Object.assign(this.#detail, this.#store.sessions.get(id));
      this.#drawHead();
    } else if (kind === "turn") {
      this.#put(turn);
      this.#drawTurns();
    } else {
      this.#frame();
    }
  }

  async #load() {
    let detail;
    this.#loads += 1;
    try {
      detail = await getJson(sessionPath(this.#id));
    } catch (error) {
      if (this.#over.signal.aborted || (this.#detail && error.status !== 404)) return;
      if (error.status !== 404 || !this.#store.live.has(this.#id)) {
        this.#gone(error.status === 404 ? "There is no such conversation here." : error.message);
        return;
      }
      detail = this.#unwritten();
    } finally {
      this.#loads -= 1;
    }
    if (this.#over.signal.aborted) return;
    const first = this.#detail === null;
    this.#detail = detail;
    for (const turn of this.#early.splice(0)) this.#put(turn);
    if (first) this.#build();
    this.#drawHead();
    this.#drawTurns({ opening: first });
    // Where the drift line stands above the talk, the page opens on it.
    if (first && window.matchMedia("(min-width: 1180px)").matches) this.#bottom();
  }

  // A server may write a session down only with its first finished answer.
  #unwritten() {
    const { info } = this.#store;
    const { hold = info.hold, user: title } = this.#store.live.get(this.#id);
    const known = { id: this.#id, model: info.model, reader: info.reader, hold, title };
    return { ...known, n_turns: 0, z: null, fired: null, alarm: false, alarm_turn: null, turns: [] };
  }

  #put(turn) {
    const turns = this.#detail.turns.filter((other) => other.turn !== turn.turn);
    this.#detail.turns = [...turns, turn].sort((a, b) => a.turn - b.turn);
    this.#detail.n_turns = Math.max(this.#detail.n_turns, turn.turn);
  }

  #gone(message) {
    this.#box.replaceChildren(el("div", { class: "empty" }, el("p", {}, message), el("p", {}, el("a", { href: "#/" }, "Back to the list"))));
  }

  #build() {
    const info = this.#store.info;
    this.#holds = new HoldSwitch(info, (name) => this.#switchHold(name));
    this.#composer = new Composer((text, stop) => this.#say(text, stop), "Write to this session");
    const exporting = el("button", { type: "button", onclick: () => this.#export() }, "Export");
    const deleting = el("button", { type: "button", class: "danger", onclick: () => this.#delete() }, "Delete");
    const head = el(
      "header",
      { class: "talk-head" },
      el("a", { class: "back", href: "#/" }, icon("back"), "Conversations"),
      this.#title,
      el("p", { class: "actions" }, exporting, deleting),
      this.#facts,
    );
    const rule = el("details", { class: "fine" }, el("summary", {}, "The detector's rule"), this.#rule);
    const drift = el("section", { class: "panel" }, el("h2", {}, "Drift"), this.#alarm, this.#drift.element, this.#detector, rule);
    const instruments = el("aside", { class: "instruments", "aria-label": "Instruments" }, drift, this.#holds.element);
    const talk = el("section", { class: "talk", "aria-label": "Conversation" }, ...legend(gaugeOf(info)), this.#turns, this.#composer.element);
    readTokens(talk);
    const live = this.#store.live.get(this.#id);
    if (live?.done && live.error === null) this.#composer.follow(live.stop, live.done.then(() => this.#settle(live.turn)));
    this.#box.replaceChildren(head, instruments, talk);
  }

  #drawHead() {
    const detail = this.#detail;
    document.title = `${nameOf(detail)} · holdtrue`;
    this.#title.textContent = nameOf(detail);
    const facts = [line(detail.model, 120), detail.reader && `read by ${line(detail.reader, 80)}`, count(detail.n_turns, "turn"), line(detail.id, 60)];
    this.#facts.textContent = facts.filter(Boolean).join(" · ");
    this.#drawAlarm();
    const spec = detail.hold;
    this.#holds.show(spec);
    const { reader, detector } = this.#store.info;
    const { rule, alarm, false_alarms_per_1000: rate } = detector;
    const statistic = this.#store.drift.get(this.#id);
    const told = [
      "Band: ±1 and ±2 sd of benign answers.",
      `The detector ${statistic === undefined ? "" : `stands at ${number(statistic)} and `}rings above ${number(alarm)}.`,
      typeof rate === "number" ? `${number(rate, 1)} false alarms per 1,000 benign turns.` : null,
      reader ? `Readings are of the text by ${line(reader, 80)}, not of the model's own state.` : null,
    ];
    this.#detector.textContent = told.filter(Boolean).join(" ");
    this.#rule.textContent = sentence(rule, 600);
  }

  #drawAlarm() {
    const { alarm, alarm_turn: first, z } = this.#detail;
    this.#alarm.hidden = !alarm && !first;
    this.#alarm.classList.toggle("past", !alarm);
    const when = typeof first === "number" ? `It first rang at turn ${first}` : "";
    const now = typeof z === "number" ? `; the last answer stands at z ${signed(z)}.` : ".";
    const words = alarm ? `The drift alarm stands. ${when}${now}` : `The drift alarm rang at turn ${first} and stands no longer.`;
    this.#alarm.replaceChildren(icon("alarm"), el("span", {}, words));
  }

  #drawTurns({ opening = false } = {}) {
    const follow = !opening && this.#atBottom();
    const gauge = gaugeOf(this.#store.info);
    const { turns, alarm_turn: first } = this.#detail;
    const wanted = new Set(turns.map((turn) => turn.turn));
    for (const [number_, { element }] of this.#drawn) {
      if (wanted.has(number_)) continue;
      element.remove();
      this.#drawn.delete(number_);
    }
    const firstAlarm = first ?? turns.find((turn) => turn.alarm)?.turn;
    turns.forEach((turn, at) => {
      const key = JSON.stringify([turn, firstAlarm === turn.turn]);
      if (this.#drawn.get(turn.turn)?.key === key) return;
      const element = finishedTurn(turn, gauge, firstAlarm);
      this.#drawn.get(turn.turn)?.element.remove();
      this.#turns.insertBefore(element, this.#turns.children[at] ?? null);
      this.#drawn.set(turn.turn, { key, element });
    });
    this.#drawLive({ opening });
    if (follow) this.#bottom();
  }

  #drawLive({ opening = false } = {}) {
    if (this.#detail === null || this.#over.signal.aborted) return;
    const follow = !opening && this.#atBottom();
    const told = this.#store.live.get(this.#id);
    const live = told && told.turn > this.#detail.turns.length ? told : null;
    if (this.#live && this.#live.of !== live) {
      this.#live.view.element.remove();
      this.#live = null;
    }
    if (live && !this.#live) {
      this.#live = { of: live, view: new LiveTurn(live, gaugeOf(this.#store.info)) };
      this.#turns.append(this.#live.view.element);
    } else if (live) {
      this.#live.view.update(live);
    }
    this.#drift.update(this.#detail.turns, live);
    if (follow) this.#bottom();
  }

  #atBottom() {
    const page = document.scrollingElement;
    return page.scrollHeight - page.scrollTop - page.clientHeight < 120;
  }

  #bottom() {
    document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
  }

  async #say(text, stop) {
    const turn = this.#detail.n_turns + 1;
    const body = request(this.#store.info, this.#detail, text, { session: this.#id });
    const done = converse(this.#store, body, turn, text, stop);
    this.#bottom();
    await done;
    await this.#settle(turn);
  }

  async #settle(turn) {
    // The feed tells of the finished turn; where it is down, the server is asked.
    if (this.#detail.turns.some((other) => other.turn === turn)) return;
    await this.#load();
    this.#store.settled(this.#id);
  }

  async #switchHold(name) {
    const summary = await patchJson(sessionPath(this.#id), { hold: name });
    this.#store.session(summary);
    Object.assign(this.#detail, summary);
    this.#holds.show(summary.hold, `${line(summary.hold, 40)} holds from the next answer on.`);
  }

  async #export() {
    const link = el("a", { download: `holdtrue-${line(this.#id, 60)}.json` });
    try {
      link.href = URL.createObjectURL(await download(`${sessionPath(this.#id)}/export`));
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.#facts.textContent = `Not exported: ${error.message}`;
    }
  }

  #delete() {
    const text = `${nameOf(this.#detail)}: ${count(this.#detail.n_turns, "turn")} and their readings. This can't be undone.`;
    confirmDelete("Delete this conversation?", text, async () => {
      try {
        await remove(sessionPath(this.#id));
        this.#store.deleted(this.#id);
        location.hash = "#/";
      } catch (error) {
        this.#facts.textContent = `Not deleted: ${error.message}`;
      }
    });
  }
}
