// People to choose from. A message is: header length (4 bytes, little endian), header (JSON), the
// pictures that the header's tiles and fulls name, in order. One question is under way at a time.
import { addKeys } from "./crowd_keys.js";
import { addOpen } from "./crowd_open.js";
import { addPicks } from "./crowd_picks.js";
import { addTiles } from "./crowd_tiles.js";
import { listener } from "./listen.js";

const memory = new WeakMap();
const POLL_MS = 600;
const WATCHDOG_MS = 8000;

function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let end = 4 + view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, end)));
  for (const one of [...head.tiles, ...head.fulls]) {
    if (one.bytes) {
      one.blob = new Blob([data.subarray(end, end + one.bytes)], { type: "image/jpeg" });
      one.url = URL.createObjectURL(one.blob);
    }
    end += one.bytes;
  }
  return head;
}

function setUp(el) {
  const $ = (name) => el.querySelector(".fg-crowd-" + name);
  const s = { stamp: null, head: {}, count: 0, tiles: new Map(), picked: new Set(), acts: [], acted: 0, n: 0, busy: false, again: false, off: [] };
  const on = listener(s);

  s.tell = () => {
    clearTimeout(s.poll);
    if (s.busy) { s.again = true; return; }
    s.busy = true; s.again = false;
    clearTimeout(s.watchdog);
    s.watchdog = setTimeout(() => { s.busy = false; s.tell(); }, WATCHDOG_MS);
    s.fire("tell", { n: ++s.n, stamp: s.stamp, need: s.needed(), picked: [...s.picked], acts: s.acts });
  };
  s.act = (what, ids = [], value = "") => {
    s.acts.push({ n: ++s.acted, what, ids, value });
    s.tell();
  };
  // Buttons that the server names, each with what it does.
  s.button = (one, ids, label = one.label) => {
    const made = document.createElement("button");
    made.type = "button"; made.textContent = label; made.title = one.title || "";
    made.className = one.main ? "fg-main" : "";
    if (one.on !== undefined) made.setAttribute("aria-pressed", String(one.on));
    made.onclick = () => { made.classList.add("waiting"); s.act(one.what, ids(), one.value); };
    return made;
  };
  addTiles(s, $, on);
  addPicks(s, $, on);
  addOpen(s, $, on);
  addKeys(s, $, on);
  on($("back"), "click", () => s.act("back"));
  on(document, "visibilitychange", () => { if (!document.hidden) s.tell(); });

  const frame = (head) => {
    $("title").textContent = head.title; $("title").hidden = !head.title;
    $("status").textContent = head.status;
    $("busy").hidden = !head.busy;
    $("end").textContent = head.end;
    $("back").hidden = !head.back;
    $("pills").replaceChildren(...head.pills.map((pill) => {
      if (!pill.group) return s.button(pill, () => []);
      const group = document.createElement("span");
      group.role = "group"; group.ariaLabel = pill.label;
      group.append(...pill.group.map((one) => s.button(one, () => [])));
      return group;
    }));
  };
  s.show = (head) => {
    const isNew = head.stamp !== s.stamp, isAnswer = head.n >= s.n;
    s.head = head;
    s.n = Math.max(s.n, head.n);
    s.acted = Math.max(s.acted, head.acted);
    s.acts = s.acts.filter((act) => act.n > head.acted);
    s.count = head.count ?? Infinity;
    if (isNew) {
      const isFirst = s.stamp === null;
      s.stamp = head.stamp;
      s.clear();
      s.picked = new Set(isFirst ? s.recall(head) : head.picked);
      s.again ||= s.picked.size !== head.picked.length || head.picked.some((i) => !s.picked.has(i));
      if (!isFirst) { s.close(); s.scroller()?.scrollTo({ top: 0 }); }
    }
    frame(head);
    s.take(head);
    s.takeFulls(head);
    if (Number.isInteger(head.opened)) s.open(head.opened);
    s.showPicks();
    if (!isAnswer) return;
    clearTimeout(s.watchdog);
    s.busy = false;
    if (s.again || s.acts.length || s.needed().length) s.tell();
    else if (head.busy && !document.hidden) s.poll = setTimeout(s.tell, POLL_MS);
  };
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data instanceof Uint8Array && data.length && data !== s.message) { s.message = data; s.show(unpack(data)); }
  return () => {
    s.off.forEach((f) => f());
    for (const timer of [s.poll, s.watchdog, s.soon]) clearTimeout(timer);
    s.clear();
    memory.delete(el);
  };
}
