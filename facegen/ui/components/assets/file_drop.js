// Files dropped anywhere on the page, and files that are too large.

export function addFileDrop(s, $, on) {
  // A file dropped anywhere goes to the Open button's own field, with all checks of the server.
  let depth = 0;
  const tell = (text) => {
    $("note").textContent = text;
    $("note").hidden = false;
    clearTimeout(s.noteTimer);
    s.noteTimer = setTimeout(() => { $("note").hidden = true; }, 9000);
  };
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
    if ((document.querySelector(".stApp")?.dataset.testConnectionState ?? "CONNECTED") !== "CONNECTED") {
      tell("The connection is being made anew, so the file was not taken. Drop it again in a moment.");
      return;
    }
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
    tell(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB, more than a face file can have `
      + `(${s.head.max_mb} MB). Open a picture or latent that was saved here.`);
  }, true);
}
