// The live feed: events in, and a way back when the server goes away.

import { getJson, openEvents } from "./api.js";

const WAITS_SECONDS = [1, 2, 4, 8, 15];
// The server sends a line every 15 s even when nothing happens.
const SILENCE_SECONDS = 45;

export class Feed {
  #store;
  #heard;
  #retryNow = () => {};
  #stop = null;

  // `heard(state, detail)`: connecting, live, lost (with seconds to the next try) or locked (a key is wanted).
  constructor(store, heard) {
    this.#store = store;
    this.#heard = heard;
  }

  async run() {
    for (let failures = 0; ; ) {
      try {
        await this.#follow(() => (failures = 0));
      } catch (error) {
        if (error.status === 401 || error.status === 403) {
          await this.#heard("locked", error);
          failures = 0;
          continue;
        }
      }
      const seconds = WAITS_SECONDS[Math.min(failures++, WAITS_SECONDS.length - 1)];
      this.#heard("lost", { seconds });
      await this.#pause(seconds);
    }
  }

  retryNow() {
    this.#retryNow();
  }

  restart() {
    this.#stop?.abort();
    this.#retryNow();
  }

  #pause(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      this.#retryNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #follow(connected) {
    this.#heard("connecting");
    this.#stop = new AbortController();
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => this.#stop.abort(), 1000 * SILENCE_SECONDS);
    };
    alive();
    try {
      this.#store.setInfo(await getJson("/v1/holdtrue"));
      const events = await openEvents(this.#stop.signal, alive);
      // Listed after the feed is open: what changes in between arrives as an event.
      this.#store.setSessions((await getJson("/v1/sessions?limit=50")).data);
      connected();
      this.#heard("live");
      for await (const { event, data } of events) this.#take(event, JSON.parse(data));
    } finally {
      clearTimeout(watchdog);
      this.#stop.abort();
    }
  }

  #take(event, data) {
    if (event === "session") this.#store.session(data);
    else if (event === "token") this.#store.token(data);
    else if (event === "turn") this.#store.turn(data);
    else if (event === "deleted") this.#store.deleted(data.id);
  }
}
