/**
 * The README's table of failures, one row a scenario: its heading, and what the scenario holds the agents to. A scenario belongs to
 * the part that its second line names (`# part: network`); without one it is what an operator did.
 */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../scenarios/", import.meta.url);

/** In the order of the README. */
export const PARTS = {
  active: "The active fails, or its agent",
  standby: "The standby fails, or an agent restarts",
  network: "Links and networks fail",
  ec2: "EC2 is slow, throttles, errs or is away",
  members: "Witnesses, and clusters of three",
  limits: "One failure after another",
  operator: "Somebody's hand",
  planned: "An operator asks for a move",
  open: "Not protected",
} as const satisfies Record<string, string>;

type Part = keyof typeof PARTS;

export interface Story {
  /** The file's name without its ending. */
  readonly name: string;
  readonly part: Part;
  readonly heading: string;
  /** The promises that it checks, in words. */
  readonly heldTo: readonly string[];
}

/** Reads every scenario. Throws on a part that PARTS does not have. */
export function stories(): readonly Story[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith(".txt")).toSorted().map((file) => storyOf(file.slice(0, -".txt".length), readFileSync(new URL(file, FOLDER), "utf8")));
}

export function storyOf(name: string, text: string): Story {
  const [first = "", second = ""] = text.split("\n");
  const part = /^# part: (\S+)$/.exec(second)?.[1] ?? "operator";
  if (!isPart(part)) throw new Error(`${name}.txt: "${part}" is no part of the table of failures; there are ${Object.keys(PARTS).join(", ")}`);
  const expects = [...text.matchAll(/^expect (.+)$/gm)].map((match) => match[1] ?? "");
  return { name, part, heading: first.replace(/^# */, ""), heldTo: inWords(expects) };
}

function isPart(name: string): name is Part {
  return Object.hasOwn(PARTS, name);
}

/** What an operator wants to know of the promises: is there a claim, how soon, what do callers notice, who is active in the end. */
function inWords(expects: readonly string[]): readonly string[] {
  const claims = expects.filter((line) => /^the (?:first|last) claim |^\d+ claims?$/.test(line));
  const untilThen = claims.length > 0 ? " until then" : "";
  const words = [claimsInWords(expects, claims), ...expects.flatMap(plainWords).map((each) => (each === UNNOTICED ? `${each}${untilThen}` : each))];
  const last = expects.findLast((line) => line.startsWith("active "));
  if (last !== undefined) words.push(last === "active nobody" ? "nobody is active" : `in the end ${last.slice("active ".length)} is active`);
  const later = words.includes(STARTED) ? words.map((each) => (each === NOT_STARTED ? `${each} at first` : each)) : words;
  return [...new Set(later.filter((each) => each !== ""))];
}

function claimsInWords(expects: readonly string[], claims: readonly string[]): string {
  if (claims.length === 0) return expects.includes("no claim") ? "no claim" : "";
  const by = /by (\w+)$/.exec(claims.find((line) => line.includes(" claim by ")) ?? "")?.[1];
  const timed = claims.find((line) => timeInWords(line) !== "") ?? "";
  const count = Math.max(...claims.map((line) => Number(/^(\d+) claims?$/.exec(line)?.[1] ?? 1)));
  const time = `${count > 1 && timed !== "" ? `, the ${timed.split(" ")[1] ?? ""}` : ""}${timeInWords(timed)}`;
  const what = count > 1 ? `${count} claims` : `a claim${by === undefined ? "" : ` by ${by}`}`;
  return `${expects.includes("no claim") ? "no claim at first, then " : ""}${what}${time}`;
}

function timeInWords(line: string): string {
  const seconds = (ms: string | undefined): string => (Number(ms) / 1_000).toFixed(1).replace(/\.0$/, "");
  const within = /claim within (\d+) ms/.exec(line);
  if (within !== null) return ` within ${seconds(within[1])} s`;
  const between = /claim between (\d+) and (\d+) ms/.exec(line);
  return between === null ? "" : `, ${seconds(between[1])} to ${seconds(between[2])} s into the story`;
}

const NOT_STARTED = "no standby is started";
const STARTED = "the stopped standby is started";
const UNNOTICED = "callers notice nothing";

const ENDS: Readonly<Record<string, string>> = { done: "done", failed: "given up, with the reason", refused: "refused, with the reason", checked: "found possible" };

const PLAIN: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [/^callers served throughout$/, () => UNNOTICED],
  [/^callers unserved for at most (\d+) ms$/, (found) => `callers wait for at most ${(Number(found[1]) / 1_000).toFixed(1)} s`],
  [/^the (switchover|takeover) on (\S+) (done|failed|refused|checked)$/, (found) => `the ${found[1] ?? ""} on ${found[2] ?? ""} is ${ENDS[found[3] ?? ""] ?? ""}`],
  [/^(no start|1 start|\d+ starts) of a standby$/, (found) => (found[1] === "no start" ? NOT_STARTED : found[1] === "1 start" ? STARTED : `${found[1] ?? ""} of a standby are tried`)],
  [/^alive marks$/, () => "alive marks are written"],
  [/^(\S+) waits for "(.+)"$/, (found) => `${found[1] ?? ""} waits for the gate "${found[2] ?? ""}"`],
  [/^(\S+ names \d+ dropped calls of \S+)$/, (found) => found[1] ?? ""],
  [/^(\S+) blocked$/, (found) => `${found[1] ?? ""} is blocked until \`nodectl ack\``],
  [/^the address on a stranger$/, () => "a stranger keeps the address"],
  [/^a claim that no promise covers$/, () => "a claim that no promise covers"],
];

function plainWords(line: string): readonly string[] {
  for (const [pattern, say] of PLAIN) {
    const found = pattern.exec(line);
    if (found !== null) return [say(found)];
  }
  return [];
}
