// The picture: swaps frames without flicker, shows before and after, takes dropped files.
// A message is: header length (4 bytes, little endian), header (JSON), picture, picture before.
const memory = new WeakMap();

// Fields whose own help mark is hidden for calm.
const HELP = {
  ".st-key-fg_seed": "Each number is a person. Type one and press Enter to meet them again.",
  "[class*=st-key-fg_open]": "Open a face saved here, or a public StyleGAN latent. You can also drop the file on the page.",
};

function isTyping(event) {
  const el = event.target;
  return el && (el.isContentEditable || el.tagName === "TEXTAREA" || el.tagName === "SELECT" ||
    (el.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(el.type)));
}

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
  const on = (target, type, handler, options) => {
    target.addEventListener(type, handler, options);
    s.off.push(() => target.removeEventListener(type, handler, options));
  };

  s.layout = () => {
    const has = s.beforeUrl && s.beforeId === s.head.before_id;
    const before = $("before"), split = s.comparing && !s.holding;
    if (has && before.src !== s.beforeUrl) before.src = s.beforeUrl;
    before.hidden = !(has && (s.holding || s.comparing));
    before.style.clipPath = split ? `inset(0 ${100 - s.x}% 0 0)` : "";
    $("line").hidden = $("split").hidden = !(split && has);
    $("tag-before").hidden = !(has && (s.holding || s.comparing));
    $("tag-after").hidden = !(split && has);
    $("line").style.setProperty("--x", s.x + "%");
    $("compare").setAttribute("aria-pressed", String(s.comparing));
    if ((s.holding || s.comparing) && !has && s.asked !== s.head.before_id) {
      s.asked = s.head.before_id;
      s.fire("ask", { what: "before", id: s.head.before_id, n: Date.now() });
    }
  };
  s.x = 50;
  s.hold = (down) => { if (s.holding !== down) { s.holding = down; s.layout(); } };

  on($("hold"), "pointerdown", (e) => { e.preventDefault(); s.hold(true); });
  on($("hold"), "keydown", (e) => { if (e.key === " " || e.key === "Enter") { e.preventDefault(); s.hold(true); } });
  on($("hold"), "keyup", () => s.hold(false));
  on($("hold"), "blur", () => s.hold(false));
  on($("frame"), "pointerdown", (e) => {
    if (e.button === 0 && !e.target.closest("button, input")) { s.hold(true); }
  });
  on(window, "pointerup", () => s.hold(false));
  on(window, "pointercancel", () => s.hold(false));
  on(window, "blur", () => s.hold(false));
  on($("frame"), "contextmenu", (e) => { if (s.holding) e.preventDefault(); });
  on(window, "keydown", (e) => {
    if (e.key.toLowerCase() === "b" && !e.ctrlKey && !e.metaKey && !e.altKey && !isTyping(e)) s.hold(true);
  });
  on(window, "keyup", (e) => { if (e.key.toLowerCase() === "b") s.hold(false); });
  on($("compare"), "click", () => { s.comparing = !s.comparing; s.layout(); });
  on($("split"), "input", () => { s.x = +$("split").value; s.layout(); });

  on($("link"), "click", async () => {
    const button = $("link");
    let said = "Link copied";
    if (!s.head.link) said = "Save the file instead";
    else {
      try { await navigator.clipboard.writeText(location.href); } catch {
        const box = document.createElement("textarea");
        box.value = location.href; document.body.append(box); box.select();
        if (!document.execCommand("copy")) said = "Copy it from the address bar";
        box.remove();
      }
    }
    button.textContent = said;
    clearTimeout(s.linkTimer);
    s.linkTimer = setTimeout(() => { button.textContent = "Copy link"; }, 1800);
  });

  // A file dropped anywhere goes to the Open button's own field, with all checks of the server.
  let depth = 0;
  const hasFiles = (e) => e.dataTransfer && [...e.dataTransfer.types].includes("Files");
  on(window, "dragenter", (e) => { if (hasFiles(e)) { e.preventDefault(); depth += 1; $("drop").hidden = false; } });
  on(window, "dragleave", (e) => { if (hasFiles(e)) { depth -= 1; if (depth <= 0) { depth = 0; $("drop").hidden = true; } } });
  on(window, "dragover", (e) => { if (hasFiles(e)) e.preventDefault(); });
  on(window, "drop", (e) => {
    if (!hasFiles(e)) return;
    depth = 0; $("drop").hidden = true;
    const field = document.querySelector("[class*=st-key-fg_open] input[type=file]");
    if (!field || field.parentElement?.contains(e.target)) return;
    e.preventDefault();
    const files = new DataTransfer();
    if (e.dataTransfer.files[0]) files.items.add(e.dataTransfer.files[0]);
    field.files = files.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Streamlit would say that a file is too large in a corner of its field; say it beside the face.
  on(window, "change", (e) => {
    const file = e.target.files?.[0];
    if (!file || !e.target.closest?.("[class*=st-key-fg_open]") || file.size <= s.head.max_mb * 2 ** 20) return;
    e.stopImmediatePropagation();
    e.target.value = "";
    $("note").textContent = `${file.name} has ${Math.round(file.size / 2 ** 20)} MB, more than a face file can have `
      + `(${s.head.max_mb} MB). Open a PNG or latent that was saved here.`;
    $("note").hidden = false;
    clearTimeout(s.noteTimer);
    s.noteTimer = setTimeout(() => { $("note").hidden = true; }, 9000);
  }, true);

  // "Working" is shown only when a picture is late, so that quick ones pass in silence.
  on(window, "facegen:sent", (e) => {
    clearTimeout(s.waitTimer);
    s.waitTimer = setTimeout(() => { $("wait").hidden = false; }, 700);
  });

  s.show = async ({ head, picture, before }) => {
    s.head = head;
    clearTimeout(s.waitTimer);
    $("wait").hidden = true;
    $("status").textContent = head.status || "";
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
      try { await next.decode(); } catch { URL.revokeObjectURL(url); return; }
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
