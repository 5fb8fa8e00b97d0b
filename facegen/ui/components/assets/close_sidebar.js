// On a phone the list of pages lies over the page: choosing one puts it away.
let isListening = false;

export default function () {
  if (isListening) return;
  isListening = true;
  document.addEventListener("click", (e) => {
    if (!e.target.closest?.("[data-testid=stSidebarNavLink]")) return;
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click(), 50);
  });
}
