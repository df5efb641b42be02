/**
 * From a run that broke a promise to the shortest list of faults that still breaks it: delta debugging on the script.
 * Chance follows from the seed and the instant alone (virtual-time.ts), so what is left out changes nothing for the rest.
 */
import { replay, type Act, type RunResult, type Script } from "./story.ts";

/** The shortest script that was found, and what it breaks. */
export interface Shrunk {
  readonly script: Script;
  readonly broken: string;
  /** How many runs it took. */
  readonly runs: number;
}

/** The promise that a sentence of the checker names (`S2`, `L5`), or the sentence itself where it names none. */
export function promiseOf(broken: string): string {
  return /^(?:[SLN][0-9])\b/.exec(broken)?.[0] ?? broken.replaceAll(/[0-9]+/g, "#");
}

/** Shrinks the script of a broken run. Null when replaying it breaks nothing, which is a defect of the simulator. */
export function shrink(result: RunResult): Shrunk | null {
  if (result.script === null) return null;
  const { cluster } = result.script;
  const promise = promiseOf(result.broken[0] ?? "");
  let runs = 0;
  let broken = "";
  const stillBreaks = (acts: readonly Act[]): readonly Act[] | null => {
    runs += 1;
    const again = replay({ cluster, acts }, result.seed, true);
    const found = again.broken.find((sentence) => promiseOf(sentence) === promise);
    if (found === undefined) return null;
    broken = found;
    return again.script?.acts ?? acts;
  };
  // Whatever came after the first break is gone with the first replay.
  let acts = stillBreaks(result.script.acts);
  if (acts === null) return null;
  for (let parts = 2; acts.length > 1 && parts <= acts.length; ) {
    const shorter: readonly Act[] | null = firstThatBreaks(acts, parts, stillBreaks);
    if (shorter === null) parts = parts === acts.length ? parts + 1 : Math.min(acts.length, 2 * parts);
    else {
      acts = shorter;
      parts = Math.max(2, parts - 1);
    }
  }
  stillBreaks(acts);
  return { script: { cluster, acts }, broken, runs };
}

/** The first of the scripts without one of so many parts that still breaks the promise. */
function firstThatBreaks(acts: readonly Act[], parts: number, stillBreaks: (acts: readonly Act[]) => readonly Act[] | null): readonly Act[] | null {
  for (let part = 0; part < parts; part += 1) {
    const from = Math.floor((part * acts.length) / parts);
    const to = Math.floor(((part + 1) * acts.length) / parts);
    const found = stillBreaks([...acts.slice(0, from), ...acts.slice(to)]);
    if (found !== null) return found;
  }
  return null;
}

/** The script as the beginning of a scenario file. */
export function asScenario({ cluster, acts }: Script): readonly string[] {
  const lines = [cluster, "start everything"];
  let atMs = 0;
  for (const act of acts) {
    if (act.atMs > atMs) lines.push(`run ${Math.round(act.atMs - atMs)} ms`);
    atMs = Math.max(atMs, act.atMs);
    if (act.kind === "say") lines.push(act.sentence);
    else if (act.kind === "single") lines.push(...act.fault.sentences, `run ${act.fault.lastsMs} ms`, "# and everything is healed");
    else lines.push("# and everything is healed");
    if (act.kind === "single") atMs += act.fault.lastsMs;
  }
  return lines;
}
