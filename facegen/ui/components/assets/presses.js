// Presses of the buttons under the face, by mouse, finger or key, however quick. Streamlit tells its
// server that a button was pressed, not how often nor in which order; so they are counted here. What
// comes while an answer is under way waits for it: a run that begins anew all the time shows nothing.
import { isTyping } from "./typing.js";

const BUTTONS = { new: ".st-key-new", undo: ".st-key-undo", redo: ".st-key-redo" };
const AGAIN_MS = 40;
const PATIENCE_MS = 8000;

// Gives `state.press(what, text)`, and `state.answered(n)`: all up to that one were done.
export function addPresses(s, on) {
  let count = 0, open = [], sent = null, timer = null;
  const running = () => document.querySelector(".stApp")?.dataset.testScriptState === "running";
  const send = () => {
    clearTimeout(timer);
    if (!open.length) return;
    const isHeard = !sent || open[0].n > sent.n, isLate = sent && Date.now() - sent.at > PATIENCE_MS;
    if ((isHeard && !(sent && running())) || isLate) {
      sent = { n: count, at: Date.now() };
      s.fire("press", { presses: open });
    }
    timer = setTimeout(send, AGAIN_MS);
  };
  s.off.push(() => clearTimeout(timer));
  s.answered = (n) => {
    count = Math.max(count, n);
    open = open.filter((press) => press.n > n);
    if (!open.length) sent = null;
  };
  s.press = (what, text = "") => {
    open.push({ n: ++count, what, text });
    window.dispatchEvent(new CustomEvent("facegen:sent", { detail: { what } }));
    send();
  };
  const take = (event, what) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    s.press(what);
  };
  on(window, "click", (e) => {
    const found = Object.keys(BUTTONS).find((what) => e.target.closest?.(`${BUTTONS[what]} button`));
    if (found) take(e, found);
  }, true);
  on(window, "keydown", (e) => {
    const key = e.key.toLowerCase();
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || isTyping(e) || document.querySelector("[data-testid=stDialog]")) return;
    if (key === "n" && !e.shiftKey) take(e, "new");
    if (key === "z") take(e, e.shiftKey ? "redo" : "undo");
  }, true);
}
