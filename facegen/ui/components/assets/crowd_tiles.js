// The tiles: as many as were scrolled to, with pictures only near what is seen.

const FIRST = 36;
const STEP = 24;
const MOST = 5000;
const AT_ONCE = 24;
const KEEP = 48;  // pictures beyond those near
const NEAR = "700px 0px";
const SOON_MS = 50;

export function addTiles(s, $, on) {
  const grid = $("grid");
  let placed = 0, cold = [];
  s.scroller = () => grid.closest("[data-testid=stMain]");
  s.last = () => Math.min(s.count, MOST) - 1;

  const soon = () => { clearTimeout(s.soon); s.soon = setTimeout(s.tell, SOON_MS); };
  const drop = (tile) => {
    if (tile.url) URL.revokeObjectURL(tile.url);
    tile.url = null;
    const canvas = tile.node.querySelector("canvas");
    if (canvas) canvas.width = 0;
    tile.node.firstChild.replaceChildren();
  };
  // In canvases: of images, browsers keep hundreds decoded that are long gone from the page.
  const draw = (tile, url, bitmap) => {
    if (tile.url !== url) { bitmap.close(); return; }
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width; canvas.height = bitmap.height;
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    tile.node.firstChild.replaceChildren(canvas);
  };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const tile = s.tiles.get(+entry.target.dataset.place);
      if (!tile) continue;
      tile.near = entry.isIntersecting;
      if (!tile.near && tile.url) cold.push(tile);
    }
    cold = cold.filter((tile) => tile.url && !tile.near);
    while (cold.length > KEEP) {
      const tile = cold.shift();
      if (s.picked.has(tile.place)) continue;
      drop(tile);
    }
    if (s.needed().length) soon();
  }, { root: s.scroller(), rootMargin: NEAR });
  const end = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && placed <= s.last()) place(placed + STEP);
  }, { root: s.scroller(), rootMargin: NEAR });
  end.observe($("edge"));
  s.off.push(() => { near.disconnect(); end.disconnect(); });

  function add(index) {
    const node = document.createElement("div"), box = document.createElement("div"), words = document.createElement("p");
    const check = document.createElement("span");
    node.className = "fg-tile"; node.role = "option"; node.tabIndex = index ? -1 : 0;
    node.dataset.place = index; node.ariaSelected = "false"; node.ariaLabel = `Person ${index + 1}`;
    check.className = "fg-check"; check.ariaHidden = "true"; check.title = "Select. Key: space";
    node.append(box, words, check);
    s.tiles.set(index, { place: index, node, url: null, near: false, failed: false, name: "", words: "" });
    near.observe(node);
    return node;
  }
  function place(count) {
    const goal = Math.min(count, s.last() + 1), made = [];
    for (; placed < goal; placed += 1) made.push(add(placed));
    if (!made.length) return;
    grid.append(...made);
    // The end may be in sight still, of which nothing new would be told.
    end.unobserve($("edge")); end.observe($("edge"));
  }
  s.place = place;
  s.clear = () => {
    for (const tile of s.tiles.values()) { near.unobserve(tile.node); if (tile.url) URL.revokeObjectURL(tile.url); }
    s.tiles.clear();
    placed = 0; cold = [];
    grid.replaceChildren();
  };
  // Places near what is seen without a picture, the topmost seen first.
  s.needed = () => {
    const lacking = [...s.tiles.values()].filter((tile) => tile.near && !tile.url && !tile.failed);
    if (lacking.length <= 1) return lacking.map((tile) => tile.place);
    const top = s.scroller()?.getBoundingClientRect().top ?? 0;
    const far = (tile) => { const y = tile.node.getBoundingClientRect().bottom - top; return y < 0 ? 1e4 - y : y; };
    return lacking.map((tile) => [far(tile), tile.place]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, AT_ONCE).map((pair) => pair[1]);
  };
  s.take = (head) => {
    place(Math.max(placed, FIRST));
    for (const one of head.tiles) {
      const tile = s.tiles.get(one.i);
      if (!tile || tile.url) { if (one.url) URL.revokeObjectURL(one.url); continue; }
      Object.assign(tile, { name: one.name, words: one.words, failed: !one.url, url: one.url || null });
      tile.node.ariaLabel = [one.name, one.words].filter(Boolean).join(", ");
      tile.node.children[1].textContent = one.words;
      if (!one.url) continue;
      createImageBitmap(one.blob).then((bitmap) => draw(tile, one.url, bitmap)).catch(() => { tile.failed = true; });
    }
  };
  on(grid, "click", (e) => {
    const node = e.target.closest(".fg-tile");
    if (!node) return;
    const index = +node.dataset.place;
    if (e.target.closest(".fg-check") || e.ctrlKey || e.metaKey || e.shiftKey) s.toggle(index, e.shiftKey); else s.open(index);
  });
}
