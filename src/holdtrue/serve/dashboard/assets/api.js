// Everything that crosses the network: JSON, server-sent events and streamed answers, all from this origin.

const KEY = "holdtrue-key";

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export class ApiError extends Error {
  constructor(message, status = 0, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function ask(path, { method = "GET", body, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // EventSource can't send headers, so events are fetched too.
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body), cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server doesn't answer.");
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Not JSON: a proxy in between, perhaps.
  }
  return new ApiError(error.message ?? `The server answered ${response.status}.`, response.status, error.code);
}

export const getJson = async (path) => (await ask(path)).json();
export const patchJson = async (path, body) => (await ask(path, { method: "PATCH", body })).json();
export const remove = async (path) => (await ask(path, { method: "DELETE" })).json();
export const download = async (path) => (await ask(path)).blob();

export const sessionPath = (id) => `/v1/sessions/${encodeURIComponent(id)}`;

// Opens the live feed; resolves once the server listens, so that nothing is missed between it and the first listing.
export async function openEvents(signal, alive) {
  const response = await ask("/v1/events", { signal, accept: "text/event-stream" });
  return serverEvents(response.body, alive);
}

// One answer as it is written: chunks as the server sends them, the last with `holdtrue`.
export async function* streamAnswer(body, signal) {
  const response = await ask("/v1/chat/completions", {
    method: "POST",
    body: { ...body, stream: true },
    signal,
    accept: "text/event-stream",
  });
  for await (const { data } of serverEvents(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(chunk.error.message ?? "The answer broke off.", 0, chunk.error.code);
    yield chunk;
  }
  throw new ApiError("The answer broke off: the connection was closed.");
}

export async function* serverEvents(stream, alive = () => {}) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n\r\n|\n\n|\r\r/);
      rest = lines.pop();
      for (const block of lines) {
        const found = parse(block);
        if (found.data !== null) yield found;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let event = "message";
  const data = [];
  for (const row of block.split(/\r\n|\n|\r/)) {
    if (row.startsWith("event:")) event = row.slice(6).trim();
    else if (row.startsWith("data:")) data.push(row.slice(5).replace(/^ /, ""));
  }
  return { event, data: data.length ? data.join("\n") : null };
}
