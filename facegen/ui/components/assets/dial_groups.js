// Groups of dials: folding, the choice of one on a narrow page, what is counted in their heads.
import { DICE_SIGN, make } from "./dial_elements.js";

export function addGroups(s, $) {
  const store = (() => { try { return window.sessionStorage; } catch { return null; } })();
  const opened = JSON.parse(store?.getItem("facegen:open") || "null");

  s.counts = () => {
    let all = 0;
    for (const group of s.groups) {
      const moved = group.dials.filter(s.isMoved).length;
      all += moved;
      group.count.textContent = moved ? `${moved} changed` : "";
      group.undo.hidden = !moved;
      const locked = group.dials.filter((d) => d.locked).length;
      group.held.textContent = locked ? `${locked} locked` : "";
      if (group.dice) group.dice.disabled = locked === group.dials.length;
    }
    $("all").disabled = !all;
  };

  s.remember = () => store?.setItem("facegen:open", JSON.stringify({
    open: s.groups.filter((g) => !g.node.classList.contains("shut")).map((g) => g.name),
    on: s.groups.find((g) => g.node.classList.contains("on"))?.name }));
  s.pick = (name) => {
    for (const g of s.groups) {
      g.node.classList.toggle("on", g.name === name);
      g.pill.setAttribute("aria-pressed", String(g.name === name));
    }
    s.remember();
  };
  s.build = (groups) => {
    s.rows.clear(); s.groups = [];
    $("scroll").replaceChildren(); $("pills").replaceChildren();
    for (const group of groups) {
      const node = make("div", "fg-group", { "data-group": group.name });
      const top = make("div", "fg-top"), fold = make("button", "fg-fold", { type: "button",
        title: `Show or hide the ${group.name.toLowerCase()} dials` });
      const count = make("span", "fg-count"), undo = make("button", "fg-undo", { type: "button",
        title: `Put all ${group.name.toLowerCase()} dials back` }, "Reset");
      const held = make("span", "fg-count");
      fold.append(make("span", "", {}, group.name), count, held);
      top.append(fold, undo);
      const g = { ...group, node, count, held, undo, fold, dice: null };
      if (group.name !== "Person") {
        const dice = g.dice = make("button", "fg-dice", { type: "button", "aria-label": `Shuffle ${group.name}`,
          title: `Shuffle the ${group.name.toLowerCase()} dials, as somebody else might have them; what is locked stays` });
        dice.innerHTML = DICE_SIGN;
        dice.onclick = () => s.fire("shuffle", { dials: g.dials.map((d) => d.name), n: Date.now() });
        top.append(dice);
      }
      const rows = make("div", "fg-rows");
      rows.append(...group.dials.map(s.row));
      node.append(top, rows);
      const pill = make("button", "", { type: "button", title: `Show the ${group.name.toLowerCase()} dials` }, group.name);
      g.pill = pill;
      fold.onclick = () => { node.classList.toggle("shut"); s.fold(g); s.remember(); };
      undo.onclick = () => s.reset(g.dials, "group");
      pill.onclick = () => s.pick(g.name);
      const isMoved = group.dials.some((d) => d.moved && d.name !== "psi");
      const isOpen = isMoved || (opened?.open ? opened.open.includes(group.name) : group.open);
      node.classList.toggle("shut", !isOpen);
      s.groups.push(g); s.fold(g);
      $("scroll").append(node); $("pills").append(pill);
    }
    s.none = make("p", "fg-none", {}, "No dial of that name. Try a plainer word.");
    s.none.hidden = true;
    $("scroll").append(s.none);
    const first = s.groups.find((g) => g.dials.length > 2) || s.groups[0];
    s.pick(s.groups.some((g) => g.name === opened?.on) ? opened.on : first?.name);
    s.search();
  };
  s.fold = (g) => g.fold.setAttribute("aria-expanded", String(!g.node.classList.contains("shut")));
}
