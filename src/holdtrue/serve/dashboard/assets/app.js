// Start, routes, the state of the connection, and what the whole page says: warnings, alarms, the key.

import { key } from "./api.js";
import { Conversation } from "./conversation.js";
import { byId, el, icon } from "./dom.js";
import { Feed } from "./feed.js";
import { count, line, signed } from "./plain.js";
import { Playground } from "./playground.js";
import { SessionList, nameOf } from "./sessions.js";
import { Start } from "./start.js";
import { Store } from "./store.js";
import { applyTint } from "./tint.js";

const store = new Store();
const list = new SessionList(store);
const feed = new Feed(store, connection);
let view = null;

function route() {
  if (!store.info || !store.loaded) return;
  const path = location.hash.slice(1) || "/";
  const session = path.startsWith("/s/") ? decodeURIComponent(path.slice(3)) : null;
  view?.close();
  document.body.dataset.view = session ? "session" : { "/playground": "playground", "/new": "new" }[path] ?? "list";
  list.open(session);
  const main = byId("main");
  if (session) view = new Conversation(store, session, main);
  else if (path === "/playground") view = new Playground(store, main);
  else view = new Start(store, main, (hash) => (location.hash = hash));
  for (const [tab, here] of [["tab-playground", path === "/playground"], ["tab-conversations", path !== "/playground"]]) {
    if (here) byId(tab).setAttribute("aria-current", "page");
    else byId(tab).removeAttribute("aria-current");
  }
}

async function connection(state, detail) {
  const words = { connecting: "connecting", live: "live", lost: "server gone", locked: "key wanted" };
  byId("status").textContent = words[state];
  byId("status").dataset.state = state;
  byId("forget-key").hidden = !key.get();
  const banner = byId("banner");
  if (state === "lost") {
    const again = el("button", { type: "button", onclick: () => feed.retryNow() }, "Try now");
    banner.replaceChildren(icon("alarm"), `The server doesn't answer; trying again in ${detail.seconds} s. What is on screen may be old. `, again);
  }
  if (state !== "connecting") banner.hidden = state !== "lost";
  if (state === "locked") await askForKey(detail);
}

function askForKey(refusal) {
  const dialog = byId("key-dialog");
  const refused = key.get() !== null;
  key.forget();
  byId("key-why").textContent = refused
    ? `That key was refused: ${line(refusal.message, 200)}`
    : "It is kept in this tab only and forgotten when the tab is closed.";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      key.set(byId("key-field").value.trim());
      byId("key-field").value = "";
      dialog.close();
      resolve();
    };
  });
}

// Without a key there is nothing to see: Esc doesn't lead anywhere.
byId("key-dialog").addEventListener("cancel", (event) => event.preventDefault());
byId("forget-key").addEventListener("click", () => {
  key.forget();
  location.reload();
});

function notices() {
  const { info } = store;
  byId("model").replaceChildren(
    el("b", {}, line(info.model, 80)),
    info.reader ? `, read by ${line(info.reader, 80)}` : "",
    el("span", { class: "wide-only" }, ` · block ${info.layer}`),
  );
  const found = [];
  if (info.reader) {
    found.push(el("p", { class: "notice reader" }, `Readings are of the text by ${line(info.reader, 120)}, not of the model's own state.`));
  }
  if (info.warnings.length) {
    const warnings = info.warnings.map((warning) => el("li", {}, line(warning, 600)));
    const title = el("h2", {}, icon("alarm"), "About this axis");
    found.push(el("section", { class: "notice warnings", "aria-label": "Warnings" }, title, el("ul", {}, warnings)));
  }
  byId("notices").replaceChildren(...found);
  // A conversation opens at its end, where the warnings are out of sight: the bar keeps pointing to them.
  byId("warned").hidden = !info.warnings.length;
  byId("warned").replaceChildren(icon("alarm"), count(info.warnings.length, "warning"));
}

store.listen(["info"], notices);
store.listen(["sessions"], () => view === null && route());
store.listen(["alarm"], ({ session }) => {
  const z = typeof session.z === "number" ? `, z ${signed(session.z)}` : "";
  byId("announce").textContent = `Drift alarm in ${nameOf(session)}, turn ${session.n_turns}${z}.`;
});
window.addEventListener("hashchange", () => {
  route();
  byId("main").focus({ preventScroll: true });
});
byId("skip").addEventListener("click", (event) => {
  // The hash is the page's route, so the link must not change it.
  event.preventDefault();
  (byId("message") ?? byId("question") ?? byId("main")).focus();
});
byId("warned").addEventListener("click", () => window.scrollTo({ top: 0 }));
applyTint();
feed.run();
