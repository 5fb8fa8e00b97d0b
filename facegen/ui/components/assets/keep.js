// Keeps in this browser what the server tells, and hands it back when a new session of the server
// asks. Each tab has a record of its own, so that two tabs never write over one another.
import { watchConnection } from "./keep_connection.js";
import { watchHistory } from "./keep_history.js";
import { openKept, readKept, writeKept } from "./keep_store.js";

const TAB = "facegen_tab";

// Of this page, whatever components come and go.
const kept = { tab: null, page: null, nonce: null, last: new Map(), queue: Promise.resolve(), store: null,
  channel: null, hasTold: false };

const random = () => [...crypto.getRandomValues(new Uint8Array(10))].map((x) => x.toString(16).padStart(2, "0")).join("");

function useTab(id) {
  kept.tab = id;
  try { sessionStorage.setItem(TAB, id); } catch { /* then a reload counts as a new tab */ }
}

function setUpOnce() {
  if (kept.page) return;
  kept.page = random();
  let known = null;
  try { known = sessionStorage.getItem(TAB); } catch { /* blocked */ }
  useTab(known || random());
  kept.store = openKept();
  kept.store.catch(() => {});
  watchHistory();
  watchConnection(() => kept.fire("again", Date.now()));
  // A duplicated tab has the name of the first: whoever hears another write under it takes a new one.
  if (typeof BroadcastChannel === "undefined") return;
  kept.channel = new BroadcastChannel("facegen");
  kept.channel.onmessage = ({ data }) => {
    if (data?.tab !== kept.tab || data.page === kept.page) return;
    useTab(random());
    for (const [part, entry] of kept.last) save(part, entry);
  };
}

function save(part, entry) {
  kept.last.set(part, entry);
  const tab = kept.tab;
  kept.queue = kept.queue.then(async () => {
    await writeKept(await kept.store, tab, part, entry);
    kept.channel?.postMessage({ tab, page: kept.page });
  }).catch((error) => tell(error));
}

// Said once: what is kept nowhere else is better saved as a file.
function tell(error) {
  if (kept.hasTold) return;
  kept.hasTold = true;
  kept.fire("trouble", { full: error?.name === "QuotaExceededError", n: Date.now() });
}

async function answer(nonce) {
  let found = { own: false, parts: {}, bundles: {}, others: [] };
  try {
    await kept.queue;
    found = await readKept(await kept.store, kept.tab);
    if (!found.own) useTab(random());
  } catch (error) { tell(error); }
  kept.fire("kept", { ...found, nonce });
}

export default function ({ data, setTriggerValue }) {
  setUpOnce();
  kept.fire = setTriggerValue;
  if (!data) return;
  if (data.ask) {
    if (kept.nonce === data.nonce) return;
    kept.nonce = data.nonce;
    kept.last.clear();
    answer(data.nonce);
    return;
  }
  if (kept.nonce !== data.nonce) {  // It began without asking: what this tab had stays where it is.
    kept.nonce = data.nonce;
    kept.last.clear();
    useTab(random());
  }
  for (const [part, entry] of Object.entries(data.parts || {})) {
    if (kept.last.get(part)?.text !== entry.text) save(part, entry);
  }
}
