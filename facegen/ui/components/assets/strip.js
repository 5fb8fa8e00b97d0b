// The people of this session; a click goes back to one.
const memory = new WeakMap();

export default function ({ parentElement: el, data, setTriggerValue }) {
  const box = el.querySelector(".fg-strip");
  let s = memory.get(el);
  if (!s) { s = { n: 0, known: new Map() }; memory.set(el, s); }
  const people = data?.people || [];
  const wanted = people.map((person) => {
    let button = s.known.get(person.uid);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.append(document.createElement("img"));
      s.known.set(person.uid, button);
    }
    const image = button.firstChild;
    if (person.src && image.getAttribute("src") !== person.src) image.src = person.src;
    image.hidden = !image.getAttribute("src");
    image.alt = person.name;
    button.title = person.now ? `${person.name} (current)` : `Go back to ${person.name}`;
    button.setAttribute("aria-current", String(person.now));
    button.onclick = () => { if (!person.now) setTriggerValue("pick", { uid: person.uid, n: ++s.n }); };
    return button;
  });
  const before = [...box.children];
  if (before.length !== wanted.length || wanted.some((button, i) => before[i] !== button)) box.replaceChildren(...wanted);
  return () => memory.delete(el);
}
