/** What a run of mutants says: the sentence, the page, and what is wrong with it. */
import { existsSync, readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import process from "node:process";
import type { MutantResult } from "./run-mutants.ts";
import { LAYERS } from "./layers.ts";
import { REASONS } from "./survivors.ts";

/** The share of mutants that the tests must catch. */
export const GOAL = 0.95;

const CATCHERS = [...LAYERS, "hang"] as const;

const survived = ({ caught }: MutantResult): boolean => caught === null;
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

/** The sum in one sentence. */
export function sentenceOf(tried: readonly MutantResult[]): string {
  const dead = tried.filter((one) => !survived(one)).length;
  return `${dead} of ${tried.length} mutants are caught (${percent(dead, tried.length)}): ${CATCHERS.map((layer) => `${layer} ${tried.filter(({ caught }) => caught?.layer === layer).length}`).join(", ")}; ${tried.length - dead} survive.`;
}

/** What the command fails for; nothing when all is well. `full`: every mutant was tried, so that reasons can be left over. */
export function complaintsAbout(tried: readonly MutantResult[], full: boolean, reasons: Readonly<Record<string, string>> = REASONS): readonly string[] {
  const alive = tried.filter(survived).map(({ mutant }) => mutant.key);
  const bare = alive.filter((key) => reasons[key] === undefined).map((key) => `No test catches it, and survivors.ts gives no reason: ${key}`);
  const left = full ? Object.keys(reasons).filter((key) => !alive.includes(key)).map((key) => `survivors.ts gives a reason for a mutant that is caught or gone: ${key}`) : [];
  const share = (tried.length - alive.length) / Math.max(1, tried.length);
  const few = full && share < GOAL ? [`Only ${percent(tried.length - alive.length, tried.length)} are caught; the goal is ${100 * GOAL} %.`] : [];
  return [...bare, ...left, ...few];
}

/** The page. `all` is how many mutants there are. */
export function reportOf(tried: readonly MutantResult[], all: number): string {
  const head = ["", "mutants", ...CATCHERS, "survive", "caught"];
  const row = (name: string, some: readonly MutantResult[]): string => {
    const alive = some.filter(survived).length;
    return `| ${[name, some.length, ...CATCHERS.map((layer) => some.filter(({ caught }) => caught?.layer === layer).length), alive, percent(some.length - alive, some.length)].join(" | ")} |`;
  };
  const table = (of: (one: MutantResult) => string): readonly string[] => [
    `| ${head.join(" | ")} |`,
    `|${head.map((_, index) => (index === 0 ? "---" : "---:")).join("|")}|`,
    ...[...new Set(tried.map(of))].map((name) => row(name, tried.filter((one) => of(one) === name))),
    row("**all**", tried),
  ];
  const alive = tried.filter(survived).map(({ mutant }) => mutant);
  return [
    "# What the tests of the core notice",
    "",
    "Written by `npm run mutate`; not edited by hand. Every place of the deciding files of `agent/core` where a decision can be weakened was weakened, one at a time, and the",
    "layers of tests were asked one after the other: unit tests, scenarios, simulated campaigns. A column says how many mutants that layer was the first to catch (`hang`: the",
    "core ran for ever). What is not weakened: sentences for people, metrics, conditions, the codec (it is fuzzed), and the invariants, which only watch.",
    "",
    ...(tried.length < all ? [`${tried.length} of ${all} mutants have been tried so far; one that survived tests which have changed since counts as not tried.`, ""] : []),
    sentenceOf(tried),
    "",
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}, ${platform()} ${arch()}), Node ${process.version}.`,
    "",
    "## By kind",
    "",
    ...table(({ mutant }) => mutant.kind),
    "",
    "## By file",
    "",
    ...table(({ mutant }) => mutant.file),
    "",
    "## Survivors, and why",
    "",
    ...alive.map(({ file, line, key }) => `- \`${file}:${line}\` \`${key.replaceAll("`", "'")}\`: ${REASONS[key] ?? "no reason given"}`),
    "",
  ].join("\n");
}

/** What README.md says of the last run that was written down. */
export function resultsInWords(): string {
  const file = new URL("RESULTS.md", import.meta.url);
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const said = lines.filter((line) => / have been tried so far/.test(line) || / mutants are caught /.test(line));
  return said.length === 0 ? "No run has been written down yet." : `${said.join(" ")} The survivors are listed in \`test/mutation/RESULTS.md\`.`;
}
