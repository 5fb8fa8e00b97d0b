// How far a dial gets on this face: found by the server for the dial that is focused or held.
import { format, stepOf } from "./dial_text.js";

const AGAIN_MS = 450;
const TRIES = 8;
const LAG = 0.3;

export function addReach(s) {
  const ask = (row, tries) => {
    clearTimeout(s.asking);
    if (row.dial.name === "psi" || row.dial.locked || row.dial.reach || !tries) return;
    if (!row.node.contains(document.activeElement)) return;
    // Beside a picture under way it would only wait; the answer to that brings the reach along.
    if (!s.busy) s.fire("near", { name: row.dial.name, n: Date.now() });
    s.asking = setTimeout(() => ask(row, tries - 1), AGAIN_MS);
  };
  // Somebody turns to a dial: what was said at another is over.
  s.near = (row) => {
    if (s.told && s.told.name !== row.dial.name) s.tell(row, "");
    ask(row, TRIES);
  };
  s.isLimited = ({ reach, limits }) => !!reach && (reach[0] > limits[0] + 1e-3 || reach[1] < limits[1] - 1e-3);
  s.reachWords = (dial) => `This face reaches ${format(dial, dial.reach[0])} to ${format(dial, dial.reach[1])}.`;
  // What the darker part of the rail is.
  s.bandWords = (dial) => {
    const [low, high] = dial.reach ?? dial.natural, what = dial.reach ? "what this face reaches beside all else" : "the natural range";
    return `Darker part of the rail: ${what}, ${format(dial, low)} to ${format(dial, high)}.`;
  };
  const nearest = (dial, value) => Math.min(Math.max(value, dial.reach[0]), dial.reach[1]);
  s.isOut = (dial, value, slack = 1e-3) => s.isLimited(dial) && Math.abs(value - nearest(dial, value)) > slack;
  // So far beyond that the numbers show it: a picture may well come out a little further.
  s.isWellOut = (dial, value) => s.isOut(dial, value, Math.max(stepOf(dial), 0.01 * (dial.max - dial.min)));
  // Beyond its reach a dial follows the hand only in part.
  s.resisted = (dial, value) => {
    if (!s.isOut(dial, value)) return value;
    const end = nearest(dial, value);
    return end + LAG * (value - end);
  };
  s.withinReach = (dial, value) => (s.isOut(dial, value) ? nearest(dial, value) : value);
}
