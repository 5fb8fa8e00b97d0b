// Numbers of dials as text: for the eye, for screen readers, and read back when they are typed.

const SPOKEN = { deg: "degrees", years: "years", sd: "deviations" };
const SIGN = { deg: "\u00b0", years: "y" };
const isWhole = (dial) => dial.unit === "deg" || dial.unit === "years";

// The unit that stands beside a number that is typed.
export function unitOf(dial) {
  return SIGN[dial.unit] ?? "";
}

// How far an arrow key goes.
export function stepOf(dial) {
  return isWhole(dial) ? 1 : dial.unit === "psi" ? 0.05 : 0.1;
}

// The number alone.
export function number(dial, value) {
  const minus = (text) => text.replace("-", "\u2212");
  if (isWhole(dial)) return minus(`${Math.round(value) + 0}`);
  if (dial.unit === "psi") return value.toFixed(2);
  const text = value.toFixed(1).replace("-0.0", "0.0");
  return minus(value > 0.05 ? "+" + text : text);
}

export function format(dial, value) {
  return number(dial, value) + (dial.unit === "years" ? " " : "") + unitOf(dial);
}

export function spoken(dial, value) {
  const shown = isWhole(dial) ? Math.round(value) : Math.round(value * 100) / 100;
  return `${shown} ${SPOKEN[dial.unit] || ""}`.trim();
}

// What the ends of the rail mean.
export function spokenEnds(dial) {
  return dial.low && dial.high ? `, from ${dial.low} to ${dial.high}` : "";
}

// The number in a text that somebody typed, with or without its unit; null where there is none.
export function typed(text) {
  const plain = text.replace(/[\u2212\u2013]/g, "-").replace(",", ".").replace(/\s+/g, "");
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:\u00b0|deg|degrees|y|years|sd|psi)?$/i.exec(plain);
  return found ? Number(found[1]) : null;
}
