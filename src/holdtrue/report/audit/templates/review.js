"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const key = `holdtrue.audit:${facts.verdict}`;
  const get = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".item")];
  if (!items.length) return;
  let state = { findings: {}, rows: {} };

  const say = (text, bad = false) => {
    get("said").textContent = text;
    get("said").classList.toggle("bad", bad);
  };
  // What was stored, or loaded, may be of anybody's making: only known choices about known things are taken.
  const sound = (given, known) =>
    Object.fromEntries(
      Object.entries(given && typeof given === "object" ? given : {}).filter(
        ([at, choice]) => /^\d+$/.test(at) && known(Number(at)) && (choice === "accept" || choice === "reject"),
      ),
    );
  const taken = (given) => ({
    findings: sound(given.findings, (at) => at < facts.findings.length),
    rows: sound(given.rows, (row) => row < facts.rows),
  });
  const keep = () => {
    try {
      localStorage.setItem(key, JSON.stringify(state));
    } catch {
      say("This browser doesn't keep choices: download them before you close the page.", true);
    }
  };

  const place = (item) => (item.dataset.row === undefined ? ["findings", item.dataset.finding] : ["rows", item.dataset.row]);
  const decide = (item, choice) => {
    const [of, at] = place(item);
    if (choice) state[of][at] = choice;
    else delete state[of][at];
    keep();
    draw();
  };
  const gone = () => {
    const out = new Set();
    facts.findings.forEach((finding, at) => {
      if (state.findings[at] === "accept") for (const row of finding.rows) out.add(row);
    });
    for (const [row, choice] of Object.entries(state.rows)) {
      if (choice === "accept") out.add(Number(row));
      else out.delete(Number(row));
    }
    return out.size;
  };
  // A row that several findings show is one row: all its places are drawn alike.
  const draw = () => {
    for (const item of items) {
      const [of, at] = place(item);
      const choice = state[of][at] || "";
      item.dataset.choice = choice;
      // Its own choice, not those of the rows in it.
      item.querySelector(`:scope > .choice input[value="${choice}"]`).checked = true;
    }
    const n = Object.keys(state.findings).length;
    const rows = gone();
    const of = `${facts.findings.length} finding${facts.findings.length === 1 ? "" : "s"}`;
    get("count").textContent = `${n} of ${of} decided; ${rows.toLocaleString("en")} row${rows === 1 ? "" : "s"} would go.`;
    document.documentElement.dataset.gone = rows;
  };

  document.addEventListener("change", (event) => {
    const item = event.target.type === "radio" && event.target.closest(".item");
    if (item) decide(item, event.target.value);
  });

  const focused = () => document.activeElement?.closest?.(".item");
  const go = (item) => {
    if (!item) return;
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "start" });
  };
  const moves = {
    j: () => go(items[items.indexOf(focused()) + 1]),
    k: () => go(items[Math.max(0, items.indexOf(focused()) - 1)]),
    n: () => go(items.find((item) => item.dataset.finding !== undefined && !item.dataset.choice)),
    p: () => focused() && decide(focused(), "accept"),
    h: () => focused() && decide(focused(), "reject"),
    u: () => focused() && decide(focused(), ""),
  };
  document.addEventListener("keydown", (event) => {
    if (!get("keys").checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!Object.hasOwn(moves, event.key)) return;
    event.preventDefault();
    moves[event.key]();
  });

  get("download").addEventListener("click", () => {
    const text = JSON.stringify({ schema: "holdtrue.audit-decisions/1", verdict: facts.verdict, ...state }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "decisions.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say("Downloaded.");
  });
  get("load").addEventListener("change", async (event) => {
    try {
      const given = JSON.parse(await event.target.files[0].text());
      if (given.verdict !== facts.verdict) throw new Error("it is about another audit");
      state = taken(given);
      keep();
      draw();
      say("Loaded.");
    } catch (error) {
      say(`Not loaded: ${error.message}.`, true);
    }
    event.target.value = "";
  });
  get("clear").addEventListener("click", () => {
    if (!confirm("Forget every choice made on this page?")) return;
    state = { findings: {}, rows: {} };
    keep();
    draw();
    say("Forgotten.");
  });

  try {
    state = taken(JSON.parse(localStorage.getItem(key) || "{}"));
  } catch {
    say("Earlier choices couldn't be read.", true);
  }
  draw();
  document.documentElement.dataset.ready = "yes";
})();
