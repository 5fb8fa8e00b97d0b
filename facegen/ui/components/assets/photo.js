// The Photo page's stage: a photo with its faces outlined, or two pictures with a line to drag.
// Photos dropped or pasted anywhere go to the page's own field, with all checks of the server.
// A message is: header length (4 bytes, little endian), header (JSON), one or two JPEGs.
import { addFileDrop } from "./file_drop.js";
import { listener } from "./listen.js";
import { isTyping } from "./typing.js";

const memory = new WeakMap();
const FIELD = "fg_photo_file";

function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const start = 4 + view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, start)));
  const url = (from, bytes) => bytes ? URL.createObjectURL(new Blob([data.slice(from, from + bytes)], { type: "image/jpeg" })) : "";
  head.url = url(start, head.bytes);
  head.otherUrl = url(start + head.bytes, head.before_bytes);
  return head;
}

function setUp(el) {
  const root = el.querySelector(".fg-photo"), $ = (name) => root.querySelector(".fg-photo-" + name);
  const s = { off: [], head: {}, x: 50, urls: [] };
  const on = listener(s);
  addFileDrop(s, $, on, {
    field: FIELD,
    tooLarge: (name, mb, most) => `${name} has ${mb} MB, more than a photo may have (${most} MB). Take a smaller copy of it.`,
  });
  on(window, "paste", (e) => {
    const file = [...(e.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
    if (file && (e.target.type === "file" || !isTyping(e))) { e.preventDefault(); s.take(file); }
  });
  s.layout = () => {
    const split = Boolean(s.head.otherUrl);
    $("other").hidden = $("line").hidden = $("split").hidden = !split;
    $("other").style.clipPath = `inset(0 ${100 - s.x}% 0 0)`;
    $("line").style.setProperty("--x", s.x + "%");
    for (const [place, words] of [["left", s.head.left], ["right", s.head.right]]) {
      $(place).textContent = words || "";
      $(place).hidden = !words;
    }
    $("split").setAttribute("aria-label", `Compare: ${s.head.left || "before"} on the left, ${s.head.right || "after"} on the right`);
  };
  on($("split"), "input", () => { s.x = +$("split").value; s.layout(); });
  s.outline = (faces) => {
    const kept = [...$("faces").children];
    faces.forEach((face, index) => {
      const button = kept[index] || document.createElement("button");
      button.type = "button";
      for (const [name, share] of Object.entries(face.box)) button.style[name] = 100 * share + "%";
      button.setAttribute("aria-pressed", String(face.chosen));
      button.setAttribute("aria-label", face.label);
      button.title = face.label;
      const word = button.firstChild || button.appendChild(document.createElement("span"));
      word.textContent = face.word || "";
      button.onclick = () => s.fire("pick", { face: index, n: Date.now() });
      if (!kept[index]) $("faces").append(button);
    });
    for (const gone of kept.slice(faces.length)) gone.remove();
    $("faces").hidden = !faces.length;
  };
  // A picture is decoded before it is put in the place of the one before: nothing flickers.
  const put = async (image, url) => {
    if (!url) { image.removeAttribute("src"); return; }
    const next = new Image();
    next.src = url;
    await next.decode().catch(() => 0);
    if (s.urls.includes(url)) image.src = url;
  };
  s.fill = async (head) => {
    const old = s.urls;
    if (s.head.view !== head.view) { s.x = head.start; $("split").value = s.x; }
    s.head = head;
    s.urls = [head.url, head.otherUrl].filter(Boolean);
    $("frame").hidden = !head.url;
    $("frame").style.setProperty("--ratio", head.ratio || 1);
    $("now").alt = head.alt || "";
    $("now").dataset.view = head.view || "";
    $("now").dataset.step = head.step ?? "";
    s.outline(head.faces || []);
    s.layout();
    await Promise.all([put($("now"), head.url), put($("other"), head.otherUrl)]);
    for (const url of old) URL.revokeObjectURL(url);
  };
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data instanceof Uint8Array && data.length && data !== s.last) { s.last = data; s.fill(unpack(data)); }
  return () => {
    for (const off of s.off) off();
    for (const url of s.urls) URL.revokeObjectURL(url);
    memory.delete(el);
  };
}
