// Files dropped anywhere on the page, and files that are too large.

const FACES = {
  field: "fg_open",
  tooLarge: (name, mb, most) => `${name} has ${mb} MB, more than a face file can have (${most} MB). Open a picture or latent that was `
    + "saved here; photos of up to 64 MB open on the page Photo.",
};

export function addFileDrop(s, $, on, { field: wanted, tooLarge } = FACES) {
  // A file dropped anywhere goes to a field of Streamlit's, with all checks of the server.
  const fieldOf = () => document.querySelector(`[class*=st-key-${wanted}] input[type=file]`);
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
    if (fieldOf()?.parentElement?.contains(e.target)) return;
    e.preventDefault();
    if (e.dataTransfer.files[0]) s.take(e.dataTransfer.files[0]);
  });
  s.take = (file) => {
    const field = fieldOf();
    if (!field) return;
    if ((document.querySelector(".stApp")?.dataset.testConnectionState ?? "CONNECTED") !== "CONNECTED") {
      tell("The connection is being made anew, so the file was not taken. Drop it again in a moment.");
      return;
    }
    const files = new DataTransfer();
    files.items.add(file);
    field.files = files.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // Streamlit would say that a file is too large in a corner of its field; say it beside the face.
  on(window, "change", (e) => {
    const file = e.target.files?.[0];
    if (!file || !e.target.closest?.(`[class*=st-key-${wanted}]`) || file.size <= s.head.max_mb * 2 ** 20) return;
    e.stopImmediatePropagation();
    e.target.value = "";
    tell(tooLarge(file.name, Math.round(file.size / 2 ** 20), s.head.max_mb));
  }, true);
}
