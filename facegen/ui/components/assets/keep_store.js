// What this browser keeps: a record for each tab, and bundles that records name, in IndexedDB.
const TABS = "tabs", BUNDLES = "bundles";
const MAX_TABS = 8;

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const finished = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = transaction.onerror = () => reject(transaction.error);
});

// The ids of the bundles that records name.
const namedBy = (records) => new Set(records.flatMap((record) => Object.values(record.names || {}).flat()));

// Rejects where the browser keeps nothing.
export function openKept() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("facegen", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(TABS, { keyPath: "tab" });
      request.result.createObjectStore(BUNDLES, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

// A tab's own record, or for a new tab the newest one; and what the other tabs had.
export async function readKept(store, tab) {
  const transaction = store.transaction([TABS, BUNDLES], "readonly");
  const records = (await done(transaction.objectStore(TABS).getAll())).sort((a, b) => b.at - a.at);
  const own = records.find((record) => record.tab === tab);
  const [base, ...others] = own ? [own] : records;
  const bundles = {};
  for (const id of namedBy([base, ...others].filter(Boolean))) {
    const bundle = await done(transaction.objectStore(BUNDLES).get(id));
    if (bundle) bundles[id] = bundle.text;
  }
  return { own: !!own, parts: base?.parts || {}, bundles, others: others.map((record) => record.parts) };
}

// Writes one part of a tab's record: { text, bundles: { id: text } or null }.
export async function writeKept(store, tab, part, entry) {
  try {
    await write(store, tab, part, entry);
  } catch (error) {
    if (error?.name !== "QuotaExceededError") throw error;
    await prune(store, tab, 1);  // What older tabs had gives way.
    await write(store, tab, part, entry);
  }
  await prune(store, tab, MAX_TABS);
}

async function write(store, tab, part, { text, bundles }) {
  const transaction = store.transaction([TABS, BUNDLES], "readwrite");
  const end = finished(transaction);
  const tabs = transaction.objectStore(TABS);
  const record = (await done(tabs.get(tab))) || { tab, parts: {}, names: {} };
  record.at = Date.now();
  record.parts[part] = text;
  if (bundles) {
    record.names[part] = Object.keys(bundles);
    for (const [id, content] of Object.entries(bundles)) {
      transaction.objectStore(BUNDLES).put({ id, text: content });
    }
  }
  tabs.put(record);
  await end;
}

async function prune(store, tab, most) {
  const transaction = store.transaction([TABS, BUNDLES], "readwrite");
  const end = finished(transaction);
  const records = (await done(transaction.objectStore(TABS).getAll())).sort((a, b) => b.at - a.at);
  const staying = records.filter((record, place) => place < most || record.tab === tab);
  for (const record of records) if (!staying.includes(record)) transaction.objectStore(TABS).delete(record.tab);
  const named = namedBy(staying);
  for (const id of await done(transaction.objectStore(BUNDLES).getAllKeys())) {
    if (!named.has(id)) transaction.objectStore(BUNDLES).delete(id);
  }
  await end;
}
