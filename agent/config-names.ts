/**
 * Variables that look like knobs but are none. In the agent's own file every name must be known: a misspelt knob would
 * be ignored in silence, and the default would rule. The process's environment is full of other programs' variables, so
 * there only near misses are reported. And what belongs into the secret is refused in both: pm2 keeps a copy of the
 * environment on disk, and every process of the user can read it.
 */
import { KNOB_NAMES } from "./knobs.ts";

/** What a misspelling changes at most: two letters of a long name, one of a middling one, none of a short one. */
const NEAR = [
  { fromLength: 10, edits: 2 },
  { fromLength: 6, edits: 1 },
] as const;

/** Fields of the secret that somebody might set as variables. */
const SECRET_NAMES = new Set(["ARI_PASSWORD", "HEARTBEAT_KEY", "HEARTBEAT_KEYS", "HEARTBEAT_KEY_CURRENT", "DATABASE_PASSWORD", "DB_PASSWORD", "STASIS_PASSWORD"]);
/** Names that are only suspicious in the agent's own file; other programs may well use them in the environment. */
const SECRET_LIKE = /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|KEYS?|USERNAME|TRUNKS)$/;

/** Read by env-file.ts, before there are knobs. */
const NOT_KNOBS = new Set(["AGENT_ENV_FILE"]);

/** The SDK's own variables; they may stand in the file, and env-file.ts hands them to the SDK. */
export function isAwsVariable(name: string): boolean {
  return name.startsWith("AWS_");
}

/** One line for every name that should not be there. Never a value. */
export function nameProblems(fileNames: readonly string[], processNames: readonly string[]): readonly string[] {
  const known = new Set<string>(KNOB_NAMES);
  const strange = (name: string): boolean => !known.has(name);
  const inFile = fileNames.filter(strange).map((name) => fileProblem(name));
  const inProcess = processNames.filter((name) => strange(name) && !fileNames.includes(name)).map((name) => processProblem(name));
  return [...inFile, ...inProcess].filter((problem) => problem !== null);
}

function fileProblem(name: string): string | null {
  if (SECRET_NAMES.has(name)) return secretProblem(name);
  const near = nearestKnob(name);
  if (isAwsVariable(name)) return near === null ? null : misspelt(name, near);
  if (NOT_KNOBS.has(name)) return `${name} only works in the environment: it says where this file is. Take it out of the file.`;
  if (SECRET_LIKE.test(name)) return secretProblem(name);
  return near === null ? `${name} is not a setting of this agent. Take it out; README.md lists the settings.` : misspelt(name, near);
}

function processProblem(name: string): string | null {
  if (SECRET_NAMES.has(name)) return secretProblem(name);
  if (NOT_KNOBS.has(name)) return null;
  const near = nearestKnob(name);
  return near === null ? null : misspelt(name, near);
}

function secretProblem(name: string): string {
  return `${name} must not be set in the environment or in its file, where pm2 and other processes can read it. Put it into the secret (SECRET_ID, or SECRETS_FILE where there is no Secrets Manager).`;
}

function misspelt(name: string, near: string): string {
  return `${name} is not a setting of this agent. Did you mean ${near}?`;
}

/** The knob that the name was probably meant to be, or null. A missing or wrong unit at the end counts as one slip. */
export function nearestKnob(name: string): string | null {
  const upper = name.toUpperCase();
  let best: { readonly knob: string; readonly edits: number } | null = null;
  for (const knob of KNOB_NAMES) {
    if (knob === upper) return knob;
    const allowed = NEAR.find((row) => knob.length >= row.fromLength)?.edits ?? 0;
    const edits = unitsAside(knob) === unitsAside(upper) && knob.endsWith("_MS") ? 1 : editDistance(knob, upper, allowed + 1);
    if (edits <= allowed && (best === null || edits < best.edits)) best = { knob, edits };
  }
  return best?.knob ?? null;
}

function unitsAside(name: string): string {
  return name.replace(/_(?:MS|MILLIS|S|SEC|SECS|SECONDS)$/, "");
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; `ceiling` when there are that many or more. */
function editDistance(a: string, b: string, ceiling: number): number {
  if (Math.abs(a.length - b.length) >= ceiling) return ceiling;
  let before: readonly number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : ceiling;
      row.push(Math.min(replaced, swapped, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    before = above;
    above = row;
  }
  return Math.min(ceiling, above[b.length] ?? ceiling);
}
