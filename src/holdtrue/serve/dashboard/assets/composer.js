// Where one writes to the session: Enter sends, Shift+Enter breaks the line, Esc stops the answer.

import { streamAnswer } from "./api.js";
import { el } from "./dom.js";

export class Composer {
  #send;
  #stop = null;
  #field = el("textarea", { id: "message", rows: "1", placeholder: "Write to this session", autocomplete: "off" });
  #button = el("button", { type: "submit", class: "main" }, "Send");
  #note = el("p", { class: "note error", role: "alert" });

  // `send(text, stop)` resolves when the answer is complete.
  constructor(send, placeholder) {
    this.#send = send;
    this.#field.placeholder = placeholder;
    this.element = el(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event) },
      el("label", { for: "message", class: "unseen" }, "Message"),
      el("div", { class: "row" }, this.#field, this.#button),
      this.#note,
    );
    this.#field.addEventListener("keydown", (event) => this.#press(event));
    this.#field.addEventListener("input", () => this.#grow());
  }

  focus() {
    this.#field.focus();
  }

  // An answer that was asked for before this composer was on the page.
  follow(stop, done) {
    this.#run(() => done, stop, "");
  }

  #grow() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight + 2, 220)}px`;
  }

  #press(event) {
    if (event.key === "Escape" && this.#stop) {
      event.preventDefault();
      this.#stop.abort();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!this.#stop) this.element.requestSubmit();
    }
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#field.value;
    if (this.#stop) {
      this.#stop.abort();
    } else if (text.trim()) {
      this.#field.value = "";
      this.#grow();
      const stop = new AbortController();
      this.#run(() => this.#send(text, stop), stop, text);
    }
  }

  async #run(answering, stop, text) {
    this.#stop = stop;
    this.#busy(true);
    try {
      await answering();
    } catch (error) {
      if (error.name !== "AbortError") {
        this.#note.textContent = error.message;
        // What was written isn't lost with the answer.
        if (!this.#field.value) this.#field.value = text;
        this.#grow();
      }
    } finally {
      this.#stop = null;
      this.#busy(false);
    }
  }

  #busy(on) {
    if (on) this.#note.textContent = "";
    this.#button.textContent = on ? "Stop" : "Send";
    this.#button.title = on ? "Esc" : "Enter";
  }
}

// What the server is asked for: the whole conversation, as any OpenAI client would send it, and the session's name.
export function request(info, detail, text, extension) {
  const messages = [];
  if (detail?.system) messages.push({ role: "system", content: detail.system });
  for (const turn of detail?.turns ?? []) {
    if (typeof turn.user !== "string" || typeof turn.answer !== "string") continue;
    messages.push({ role: "user", content: turn.user }, { role: "assistant", content: turn.answer });
  }
  messages.push({ role: "user", content: text });
  return { model: detail?.model ?? info.model, messages, holdtrue: extension };
}

// Runs one answer, telling the store of its text as it comes; resolves when it is complete.
export function converse(store, body, turn, text, stop) {
  const { session, hold } = body.holdtrue;
  store.begin(session, { turn, user: text, hold, stop });
  const done = run(store, body, stop.signal);
  store.live.get(session).done = done;
  return done;
}

async function run(store, body, signal) {
  const id = body.holdtrue.session;
  try {
    for await (const chunk of streamAnswer(body, signal)) {
      const piece = chunk.choices?.[0]?.delta?.content;
      if (piece) store.wrote(id, piece);
    }
  } catch (error) {
    store.failed(id, error.name === "AbortError" ? "stopped" : error.message);
    throw error;
  }
}

// `crypto.randomUUID` is missing on plain-HTTP origins other than localhost.
export function newSessionId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
