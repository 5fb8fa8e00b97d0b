// A finished sweep: drag the face to turn it through the pictures that were made.
// A message is: header length (4 bytes, little endian), header (JSON), the pictures in order.
import { listener } from "./listen.js";
import { heedSwipes } from "./swipe.js";

const memory = new WeakMap();
const DRAG_SHARE = 0.8;  // of the picture's width takes the face from one end to the other

function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let end = 4 + view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, end)));
  for (const frame of head.frames) {
    frame.url = URL.createObjectURL(new Blob([data.slice(end, end + frame.bytes)], { type: "image/jpeg" }));
    end += frame.bytes;
  }
  return head;
}

const ends = (values) => [Math.min(...values), Math.max(...values)];
const clamp = (x, [low, high]) => Math.min(Math.max(x, low), high);

function setUp(el) {
  const root = el.querySelector(".fg-turn"), $ = (name) => root.querySelector(".fg-turn-" + name);
  const stage = $("stage"), image = stage.querySelector("img"), slider = $("yaw");
  const s = { frames: [], group: 0, yaw: 0, pitch: 0, at: null, off: [] };
  const on = listener(s);
  const inGroup = () => s.frames.filter((frame) => frame.group === s.group);

  // The picture nearest to where the drag has come; tilt counts more, its steps are fewer.
  s.show = () => {
    const found = inGroup();
    if (!found.length) return;
    const far = (frame) => Math.hypot(frame.yaw - s.yaw, 1.5 * (frame.pitch - s.pitch));
    const now = found.reduce((best, frame) => (far(frame) < far(best) ? frame : best));
    const line = s.line(now);
    slider.max = line.length - 1;
    slider.value = line.indexOf(now);
    slider.hidden = line.length < 2;
    slider.setAttribute("aria-valuetext", now.asked);
    stage.setAttribute("aria-valuetext", now.asked);
    if (s.at === now) return;
    s.at = now;
    image.src = now.url;
    image.alt = now.asked;
    $("asked").textContent = now.asked;
    $("seen").textContent = now.seen;
    $("seen").classList.toggle("missed", now.missed);
    $("identity").textContent = now.identity;
    $("identity").parentElement.hidden = !now.identity;
  };
  s.line = (now) => inGroup().filter((frame) => frame.pitch === now.pitch);
  s.step = (yaw, pitch) => {
    const found = inGroup(), values = (name) => [...new Set(found.map((f) => f[name]))].sort((a, b) => a - b);
    for (const [name, by] of [["yaw", yaw], ["pitch", pitch]]) {
      const all = values(name);
      s[name] = all[clamp(all.indexOf(s.at[name]) + by, [0, all.length - 1])];
    }
    root.classList.add("moved");
    s.show();
  };

  let from = null;
  on(stage, "pointerdown", (e) => {
    if (e.button !== 0) return;
    const found = inGroup();
    from = { x: e.clientX, y: e.clientY, yaw: s.yaw, pitch: s.pitch,
      yaws: ends(found.map((f) => f.yaw)), pitches: ends(found.map((f) => f.pitch)) };
    stage.setPointerCapture(e.pointerId);
    stage.classList.add("held");
  });
  on(stage, "pointermove", (e) => {
    if (!from) return;
    const width = stage.clientWidth * DRAG_SHARE;
    const across = (from.yaws[1] - from.yaws[0]) / width, up = (from.pitches[1] - from.pitches[0]) / width;
    s.yaw = clamp(from.yaw + (e.clientX - from.x) * across, from.yaws);
    s.pitch = clamp(from.pitch - (e.clientY - from.y) * up, from.pitches);
    if (Math.hypot(e.clientX - from.x, e.clientY - from.y) > 4) root.classList.add("moved");
    s.show();
  });
  const drop = () => { from = null; stage.classList.remove("held"); };
  on(stage, "pointerup", drop);
  on(stage, "pointercancel", drop);
  on(stage, "keydown", (e) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (by) { e.preventDefault(); s.step(...by); }
  });
  heedSwipes(slider);
  on(slider, "input", () => {
    const frame = s.line(s.at)[+slider.value];
    s.yaw = frame.yaw;
    s.pitch = frame.pitch;
    root.classList.add("moved");
    s.show();
  });

  s.fill = (head) => {
    for (const frame of s.frames) URL.revokeObjectURL(frame.url);
    s.frames = head.frames;
    s.at = null;
    s.group = head.start.group;
    s.yaw = head.start.yaw;
    s.pitch = head.start.pitch;
    root.classList.remove("moved");
    root.toggleAttribute("data-flat", new Set(s.frames.map((f) => f.pitch)).size < 2);
    const buttons = head.groups.map((name, group) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("aria-pressed", String(group === s.group));
      button.onclick = () => {
        s.group = group;
        for (const other of $("groups").children) other.setAttribute("aria-pressed", String(other === button));
        s.show();
      };
      return button;
    });
    $("groups").replaceChildren(...(buttons.length > 1 ? buttons : []));
    stage.querySelector(".fg-turn-hint").hidden = s.frames.length < 2;
    root.hidden = false;
    s.show();
  };
  return s;
}

export default function ({ parentElement: el, data }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  if (data instanceof Uint8Array && data.length) {
    const stamp = data.length + ":" + data.subarray(0, 64).join();
    if (s.stamp !== stamp) { s.stamp = stamp; s.fill(unpack(data)); }
  }
  return () => {
    for (const off of s.off) off();
    for (const frame of s.frames) URL.revokeObjectURL(frame.url);
    memory.delete(el);
  };
}
