// The list of conversations, newest first, as it is now.

import { byId, eachFrame, el, icon, rove } from "./dom.js";
import { count, line, signed } from "./plain.js";
import { meter, setMeter } from "./tint.js";

export const nameOf = (session) => line(session.title, 90) || line(session.id, 60);

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export class SessionList {
  #store;
  #box = byId("session-list");
  #list = el("ul", { class: "session-list" });
  #items = new Map();
  #open = null;

  constructor(store) {
    this.#store = store;
    rove(this.#list, "a");
    const draw = eachFrame(() => this.#draw());
    store.listen(["sessions", "session", "deleted", "live", "turn"], draw);
  }

  open(id) {
    this.#open = id;
    if (this.#store.loaded) this.#draw();
  }

  #draw() {
    const sessions = this.#store.newestFirst();
    if (!sessions.length) {
      this.#items.clear();
      this.#list.replaceChildren();
      const hint = "No conversations yet. Start one here, or send a request to /v1/chat/completions.";
      this.#box.replaceChildren(el("p", { class: "empty" }, hint));
      return;
    }
    if (!this.#list.isConnected) this.#box.replaceChildren(this.#list);
    for (const [id, item] of this.#items) {
      if (this.#store.sessions.has(id)) continue;
      item.row.remove();
      this.#items.delete(id);
    }
    sessions.forEach((session, at) => {
      const item = this.#items.get(session.id) ?? this.#make(session.id);
      this.#fill(item, session);
      if (this.#list.children[at] !== item.row) this.#list.insertBefore(item.row, this.#list.children[at] ?? null);
    });
    this.#oneTabStop();
  }

  #oneTabStop() {
    const links = [...this.#list.querySelectorAll("a")];
    const stop = links.find((link) => link === document.activeElement) ?? this.#items.get(this.#open)?.link ?? links[0];
    for (const link of links) link.tabIndex = link === stop ? 0 : -1;
  }

  #make(id) {
    const parts = {
      title: el("span", { class: "title", dir: "auto" }),
      z: el("span", { class: "z" }),
      meter: meter(null),
      alarm: el("span", { class: "alarm-mark", hidden: true }, icon("alarm"), "alarm"),
      meta: el("span", { class: "meta" }),
      model: el("span", { class: "meta" }),
    };
    const link = el(
      "a",
      { href: `#/s/${encodeURIComponent(id)}` },
      parts.title,
      el("span", { class: "figures" }, el("span", { class: "unseen" }, "z "), parts.z, parts.meter, parts.alarm),
      parts.meta,
      parts.model,
    );
    const item = { ...parts, link, row: el("li", {}, link) };
    this.#items.set(id, item);
    return item;
  }

  #fill(item, session) {
    const live = this.#store.live.get(session.id);
    const z = live && !live.error && typeof live.z === "number" ? live.z : session.z;
    item.title.textContent = nameOf(session);
    item.link.title = `${nameOf(session)}\n${line(session.model, 120)}`;
    item.z.textContent = typeof z === "number" ? signed(z) : "–";
    setMeter(item.meter, z);
    item.alarm.hidden = !session.alarm;
    item.row.classList.toggle("alarmed", Boolean(session.alarm));
    const state = live && !live.error ? "answering…" : clock.format(new Date(1000 * session.updated));
    item.meta.textContent = [line(session.hold, 24), count(session.n_turns, "turn"), state].join(" · ");
    item.model.textContent = line(session.model.split("/").pop(), 60);
    if (session.id === this.#open) item.link.setAttribute("aria-current", "page");
    else item.link.removeAttribute("aria-current");
  }
}
