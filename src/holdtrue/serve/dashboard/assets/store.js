// What the page knows: the server's facts, the sessions, and the answers being written now.

export class Store extends EventTarget {
  info = null;
  sessions = new Map();
  // Session id -> { turn, user, text, tokens, z, error }: the turn in progress. Where this page asked for it, also the
  // `hold` it asked for, `stop`, which ends it, and `done`, the promise of its end.
  live = new Map();
  // Sessions whose drift statistic an event has told.
  drift = new Map();
  loaded = false;

  #tell(kind, id = null, detail = null) {
    this.dispatchEvent(new CustomEvent(kind, { detail: { id, ...detail } }));
  }

  listen(kinds, heard, signal) {
    for (const kind of kinds) this.addEventListener(kind, (event) => heard(event.detail, kind), { signal });
  }

  setInfo(info) {
    this.info = info;
    this.#tell("info");
  }

  setSessions(list) {
    this.sessions = new Map(list.map((session) => [session.id, session]));
    this.loaded = true;
    this.#tell("sessions");
  }

  newestFirst() {
    return [...this.sessions.values()].sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
  }

  session(summary) {
    const before = this.sessions.get(summary.id);
    this.sessions.set(summary.id, summary);
    if (summary.alarm && !before?.alarm) this.#tell("alarm", summary.id, { session: summary });
    this.#tell("session", summary.id);
  }

  deleted(id) {
    this.sessions.delete(id);
    this.live.delete(id);
    this.#tell("deleted", id);
  }

  begin(id, known) {
    this.live.set(id, { text: "", tokens: [], z: null, error: null, ...known });
    this.#tell("live", id);
  }

  wrote(id, text) {
    const live = this.live.get(id);
    if (!live) return;
    live.text += text;
    this.#tell("live", id);
  }

  token({ session, turn, z, ...token }) {
    let live = this.live.get(session);
    if (!live) {
      live = { turn, user: null, text: "", tokens: [], z: null, error: null };
      this.live.set(session, live);
    }
    live.turn = turn;
    live.tokens.push(token);
    live.z = z;
    this.#tell("live", session);
  }

  turn({ session, drift, ...turn }) {
    // The next one may have begun before the feed told of this one's end.
    if (this.live.get(session)?.turn <= turn.turn) this.live.delete(session);
    if (typeof drift === "number") this.drift.set(session, drift);
    this.#tell("turn", session, { turn });
  }

  failed(id, message) {
    const live = this.live.get(id);
    if (!live) return;
    live.error = message;
    this.#tell("live", id);
  }

  settled(id) {
    if (this.live.delete(id)) this.#tell("live", id);
  }
}
