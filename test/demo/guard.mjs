// The demo's broom: a process of its own, out of reach of Ctrl-C, that outlives every way in which the demo can end,
// SIGKILL included. When its standard input closes it kills what the demo left running and removes the demo's folder.
// Argument: the folder. In it the file `children` has a line `+PGID` for each process group that the demo began, and
// `-PGID` for each whose leader it has seen end. Standard input brings `+PID` of the demo itself, and `-` once that has ended.
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [, , folder = ""] = process.argv;
if (folder === "") throw new Error("guard.mjs: which folder?");

/** Groups that began and have not been seen to end. @param {string} place where the folder is now */
function left(place) {
  const groups = new Set();
  let text = "";
  try {
    text = readFileSync(join(place, "children"), "utf8");
  } catch {
    // The demo ended before it had begun any.
  }
  for (const line of text.split("\n")) {
    const group = Number(line.slice(1));
    if (line.startsWith("+")) groups.add(group);
    if (line.startsWith("-")) groups.delete(group);
  }
  return groups;
}

/** @param {number} id a process, or a group if negative */
function kill(id) {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended in between.
  }
}

let heard = "";

function sweep() {
  const demo = /^\+(\d+)\n(?!-)/.exec(heard)?.[1];
  // The demo first, lest it begins something new.
  if (demo !== undefined) kill(Number(demo));
  // From now on nobody can note that it has begun, and without the note it does not begin: see children.ts. Nor can anybody
  // make new files by the old name.
  const place = `${folder}.swept`;
  renameSync(folder, place);
  for (const group of left(place)) kill(-group);
  rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => undefined);
process.stdin.on("data", (data) => (heard += String(data))).on("error", () => undefined).once("close", sweep);
