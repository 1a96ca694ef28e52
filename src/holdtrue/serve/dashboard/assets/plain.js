// Hostile text and numbers, made fit to show: the same rules as holdtrue.report.plain.

// Cc: control characters; Cf: bidirectional marks and overrides; Cs: unpaired surrogates; Co, Cn: no glyph.
// Joiners are Cf too, and emoji and Indic scripts need them.
const UNPRINTABLE = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
const ODD_SPACE = /[\r\v\f\u0085\u2028\u2029]/g;

export const NOT_MEASURED = "not measured";

export function printable(text) {
  return String(text ?? "").replace(ODD_SPACE, " ").replace(UNPRINTABLE, "");
}

export function line(text, limit = 80) {
  const shown = printable(String(text ?? "").slice(0, 8 * limit + 64)).split(/\s+/).join(" ").trim();
  return [...shown].length <= limit ? shown : `${[...shown].slice(0, limit - 1).join("").trimEnd()}…`;
}

export function number(value, digits = 2) {
  if (typeof value !== "number" || !Number.isFinite(value)) return NOT_MEASURED;
  const shown = Math.abs(value).toFixed(digits);
  return value < 0 && Number(shown) !== 0 ? `−${shown}` : shown;
}

export function signed(value, digits = 2) {
  const shown = number(value, digits);
  return shown === NOT_MEASURED || shown.startsWith("−") || Number(shown) === 0 ? shown : `+${shown}`;
}

export function percent(share) {
  if (typeof share !== "number" || !Number.isFinite(share)) return NOT_MEASURED;
  return `${number(100 * share, Math.abs(share) < 0.1 ? 1 : 0).replace(/\.0$/, "")} %`;
}

// A phrase of the server's as a sentence.
export function sentence(text, limit = 200) {
  const shown = line(text, limit);
  const [first = "", ...rest] = shown;
  return `${first.toUpperCase()}${rest.join("")}${!shown || /[.!?…]$/.test(shown) ? "" : "."}`;
}

export function count(n, one, many = `${one}s`) {
  return `${Number(n).toLocaleString("en")} ${n === 1 ? one : many}`;
}
