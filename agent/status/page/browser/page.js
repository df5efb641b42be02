// Keeps the page up to date. Without this script the page is complete as it was loaded. It listens to /events, replaces what
// has changed (in place: what is selected, focused or unfolded stays so), says when the connection is lost, and tries again.

/** Longer silence means that the agent or the tunnel is gone: the agent speaks at least every two seconds (ms). */
const SILENCE_MAX_MS = 5_000;
/** Wait before another try; doubles up to the longest (ms). */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 8_000;

/** @param {string} id */
const element = (id) => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`this page has no ${id}`);
  return found;
};

const live = element("live");
let retryMs = RETRY_MIN_MS;
let heardAtMs = 0;
/** @type {EventSource | null} */
let source = null;

/**
 * Makes one tree like another with as few changes as possible.
 * @param {Node} old
 * @param {Node} next
 */
function become(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeName !== next.nodeName) {
    old.parentNode?.replaceChild(next.cloneNode(true), old);
    return;
  }
  if (old instanceof Element && next instanceof Element) {
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    children(old, next);
  } else if (old.nodeValue !== next.nodeValue) {
    old.nodeValue = next.nodeValue;
  }
}

/**
 * @param {Element} old
 * @param {Element | DocumentFragment} next
 */
function children(old, next) {
  const olds = [...old.childNodes];
  const nexts = [...next.childNodes];
  for (const [index, child] of nexts.entries()) {
    const present = olds[index];
    if (present === undefined) old.append(child.cloneNode(true));
    else become(present, child);
  }
  for (const extra of olds.slice(nexts.length)) extra.remove();
}

/** @param {Record<string, string>} parts HTML that the agent has escaped, by the id of the element that it belongs into */
function show(parts) {
  for (const [id, text] of Object.entries(parts)) {
    const template = document.createElement("template");
    template.innerHTML = text;
    children(element(id), template.content);
  }
  const title = document.querySelector("[data-title]")?.getAttribute("data-title");
  if (title != null && document.title !== title) document.title = title;
}

/** @param {"on" | "off"} state @param {string} words */
function say(state, words) {
  document.documentElement.classList.toggle("stale", state === "off");
  live.className = `live ${state}`;
  if (live.textContent !== words) live.textContent = words;
}

function clock() {
  return new Date().toISOString().slice(11, 19);
}

function connect() {
  const mine = new EventSource("/events");
  source = mine;
  heardAtMs = performance.now();
  mine.addEventListener("page", ({ data }) => {
    /** @type {{ assets: string, parts: Record<string, string> }} */
    const { assets, parts } = JSON.parse(String(data));
    // The agent was upgraded: this page's script may not fit its parts any more.
    if (assets !== document.documentElement.dataset["assets"]) {
      location.reload();
      return;
    }
    heardAtMs = performance.now();
    retryMs = RETRY_MIN_MS;
    show(parts);
    say("on", "Live");
  });
  mine.addEventListener("beat", () => { heardAtMs = performance.now(); });
  mine.addEventListener("error", () => { lost(mine); });
}

/** @param {EventSource} mine */
function lost(mine) {
  if (source !== mine) return;
  source = null;
  mine.close();
  if (!document.documentElement.classList.contains("stale")) {
    document.title = `▲ Connection lost, was: ${document.title}`;
    say("off", `▲ Connection to the agent lost at ${clock()} UTC. What you see is old; trying again.`);
  }
  setTimeout(connect, retryMs);
  retryMs = Math.min(RETRY_MAX_MS, 2 * retryMs);
}

setInterval(() => {
  if (source !== null && performance.now() - heardAtMs > SILENCE_MAX_MS) lost(source);
}, 500);
// A page that nobody sees takes no listener's place.
addEventListener("pagehide", () => {
  source?.close();
  source = null;
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) connect();
});
connect();
