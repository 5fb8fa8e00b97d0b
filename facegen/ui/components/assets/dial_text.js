// Numbers of dials as text, for the eye and for screen readers.

export function format(dial, value) {
  const minus = (text) => text.replace("-", "\u2212");
  if (dial.unit === "deg") return minus(`${Math.round(value) + 0}`) + "\u00b0";
  if (dial.unit === "years") return minus(`${Math.round(value) + 0}`) + " y";
  if (dial.unit === "psi") return value.toFixed(2);
  const text = value.toFixed(1).replace("-0.0", "0.0");
  return minus(value > 0.05 ? "+" + text : text);
}

export function spoken(dial, value) {
  const words = { deg: "degrees", years: "years" }[dial.unit] || "";
  const number = dial.unit === "deg" || dial.unit === "years" ? Math.round(value) : Math.round(value * 100) / 100;
  return `${number} ${words}`.trim();
}
