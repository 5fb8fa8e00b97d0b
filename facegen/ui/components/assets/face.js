// The picture: swaps frames without flicker.
// A message is: header length (4 bytes, little endian), header (JSON), picture, picture before.
import { addBehind } from "./behind.js";
import { addClothes } from "./clothes.js";
import { addBrush } from "./brush.js";
import { addCaption } from "./caption.js";
import { addCompare } from "./compare.js";
import { addCopyLink } from "./copy_link.js";
import { addFileDrop } from "./file_drop.js";
import { listener } from "./listen.js";

const memory = new WeakMap();

// Fields whose own help mark is hidden for calm.
const HELP = {
  "[class*=st-key-fg_open]": "Open a face saved here, or a public StyleGAN latent. You can also drop the file on the page.",
};

function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = 4 + view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, end)));
  const picture = head.bytes ? data.slice(end, end + head.bytes) : null;
  const before = head.before_bytes ? data.slice(end + head.bytes, end + head.bytes + head.before_bytes) : null;
  return { head, picture, before };
}

const toUrl = (bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));

function setUp(el) {
  const $ = (name) => el.querySelector(".fg-" + name);
  const s = { shown: null, head: {}, beforeUrl: null, beforeId: null, holding: false, comparing: false,
    order: 0, painted: 0, off: [] };
  const on = listener(s);
  addCaption(s, $, on);
  addCompare(s, $, on);
  addCopyLink(s, $, on);
  addFileDrop(s, $, on);
  addBrush(s, $, on);
  addBehind(s, $, on);
  addClothes(s, $, on);

  // "Working" is shown only when a picture is late, so that quick ones pass in silence.
  on(window, "facegen:sent", () => {
    clearTimeout(s.waitTimer);
    s.waitTimer = setTimeout(() => { $("wait").hidden = false; }, 700);
  });

  // A browser leaves what has the focus half hidden; the page's scroll-padding says where it is whole.
  on(document, "focusin", ({ target }) => {
    if (target.matches(":focus-visible") && target.closest("[data-testid=stMain]")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  s.show = async ({ head, picture, before }) => {
    s.head = head;
    $("region").hidden = !head.region;
    if (head.region) $("region").src = head.region;
    s.showStrokes(head);
    s.showBehind(head);
    s.showClothes(head);
    clearTimeout(s.waitTimer);
    $("wait").hidden = true;
    s.caption(head);
    $("note").textContent = head.error || "";
    $("note").hidden = !head.error;
    if (before) {
      if (s.beforeUrl) URL.revokeObjectURL(s.beforeUrl);
      s.beforeUrl = toUrl(before); s.beforeId = head.before_id;
    } else if (picture && head.id === head.before_id && head.kind === "full" && s.beforeId !== head.id) {
      if (s.beforeUrl) URL.revokeObjectURL(s.beforeUrl);
      s.beforeUrl = toUrl(picture); s.beforeId = head.id;
    }
    window.dispatchEvent(new CustomEvent("facegen:frame", { detail: { n: head.n, kind: head.kind } }));
    if (picture) {
      const order = ++s.order, url = toUrl(picture), next = new Image();
      next.src = url; next.alt = head.alt || ""; next.draggable = false; next.className = "fg-img";
      next.dataset.kind = head.kind; next.dataset.id = head.id; next.dataset.n = head.n;
      // A browser short of memory may refuse to decode ahead; it still draws the picture in time.
      try { await next.decode(); } catch { /* shown below all the same */ }
      if (order < s.painted) { URL.revokeObjectURL(url); return; }
      s.painted = order;
      $("now").replaceChildren(next);
      if (s.shown) URL.revokeObjectURL(s.shown);
      s.shown = url;
      window.dispatchEvent(new CustomEvent("facegen:painted",
        { detail: { n: head.n, kind: head.kind, id: head.id, seconds: head.seconds } }));
    }
    s.layout();
  };
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  const theme = getComputedStyle(el.querySelector(".fg-face")), root = document.documentElement.style;
  root.setProperty("--fg-page", theme.getPropertyValue("--st-background-color"));
  root.setProperty("--fg-accent", theme.getPropertyValue("--st-primary-color"));
  for (const [part, words] of Object.entries(HELP)) document.querySelector(part)?.setAttribute("title", words);
  if (data && data !== s.last) { s.last = data; s.show(unpack(data)); }
  return () => {
    s.off.forEach((f) => f());
    for (const url of [s.shown, s.beforeUrl]) if (url) URL.revokeObjectURL(url);
    memory.delete(el);
  };
}
