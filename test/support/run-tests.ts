/**
 * The test command. Stages: `fast` (unit, scenarios, simulation, contract: any machine, under two minutes), `campaign` (a
 * thousand simulated runs: any machine, a few minutes), `e2e` (real Asterisk in network namespaces: Debian as root) and `image`
 * (builds the node's image, beside the other stages, and boots machines from it; it compiles Asterisk when its cache is cold).
 * Without arguments it runs DEFAULT_STAGES, and with CI=true CI_STAGES. What needs Debian and root is left out with a sentence
 * where it can't run, except with CI=true, where nothing is skipped in silence and no test is a failure.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { buildImageAhead } from "./image/image-ahead.ts";
import { ensureImageTools } from "./image/image.ts";

const STAGES: Readonly<Record<string, readonly string[]>> = {
  fast: ["unit", "scenarios", "simulation", "contract"],
  campaign: ["campaign"],
  e2e: ["e2e"],
  image: ["image"],
};
const DEFAULT_STAGES = ["fast", "e2e"];
const CI_STAGES = ["fast", "campaign", "e2e", "image"];
/** These run real Asterisks. */
const REAL_STAGES = new Set(["e2e", "image"]);

/** What real machines run and are made of, made before the tests, so that no test waits for a download (moto, in a contract suite of `fast`, lives in a root too). */
const PREPARATIONS = ["test/support/build-bundle.ts", "test/support/lab/build-roots.ts"];

/** What node's runner counted. */
interface Counts {
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why tests were skipped. A contract that names what its counterpart lacks is a statement, not an omission. */
  readonly reasons: readonly string[];
}

/** How a contract suite says that the implementation under it does not have something, and why. */
const DECLARED = /^lacks [\w-]+: \S/;

function testFiles(folder: string): string[] {
  const path = join("test", folder);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".test.ts")).sort().map((name) => join(path, name)) : [];
}

/** So many files of a folder share a process: half of what a file's own process does is to load what the others load too. */
const FILES_PER_PROCESS: Readonly<Record<string, number>> = { unit: 20, contract: 4 };
/** What takes longest comes first, so that no core is idle at the end. */
const SLOW_FOLDERS = ["scenarios", "simulation", "unit"];
const SLOW_FILES = ["failover", "no-move", "rotation", "database", "stasis-app-calls", "runbook", "operations", "stasis-app", "switchover"];
/** How many processes run at the same time: much of a test is waiting. A campaign takes all cores for itself, and how soon machines serve after they start is told of one pair at a time. */
const AT_ONCE: Readonly<Record<string, number>> = { fast: availableParallelism() + 1, campaign: 1, e2e: 2, image: 1 };

function slowFirst(a: string, b: string): number {
  const place = (file: string): number => {
    const index = SLOW_FILES.indexOf(basename(file, ".test.ts"));
    return index < 0 ? SLOW_FILES.length : index;
  };
  return place(a) - place(b);
}

/** What node's runner is to start: a file in `folder` for each process, named in the order in which they shall begin, that imports its share of the test files. */
function processesFor(files: readonly string[], folder: string): readonly string[] {
  const folders = [...new Set([...SLOW_FOLDERS, ...files.map((file) => basename(dirname(file)))])];
  const shares = folders.flatMap((name) => {
    const members = files.filter((file) => basename(dirname(file)) === name).toSorted(slowFirst);
    const processes = Math.ceil(members.length / (FILES_PER_PROCESS[name] ?? 1));
    // Dealt out like cards: neighbours in the alphabet are often slow together.
    return Array.from({ length: processes }, (_, process) => members.filter((_file, index) => index % processes === process));
  });
  return shares.map((share, index) => {
    const path = join(folder, `${String(index).padStart(3, "0")}.test.mjs`);
    writeFileSync(path, share.map((file) => `import ${JSON.stringify(pathToFileURL(resolve(file)).href)};\n`).join(""));
    return path;
  });
}

/** Runs the files with node's own runner; the second reporter is there to be counted. */
async function runFiles(files: readonly string[], concurrency: number): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "tests-"));
  const tap = join(folder, "counts.tap");
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=tap", `--test-reporter-destination=${tap}`];
  const child = spawn(process.execPath, ["--import", "tsx", "--test", `--test-concurrency=${concurrency}`, ...reporters, ...processesFor(files, folder)], { stdio: "inherit" });
  const code = await new Promise<number>((resolve) => child.on("exit", (status) => { resolve(status ?? 1); }));
  const text = existsSync(tap) ? readFileSync(tap, "utf8") : "";
  rmSync(folder, { recursive: true, force: true });
  const last = (name: string): number => Number([...text.matchAll(new RegExp(`^# ${name} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  const failed = last("fail") + last("cancelled");
  return { tests: last("tests"), passed: last("pass"), failed: Math.max(failed, code === 0 ? 0 : 1), skipped: last("skipped") + last("todo"), reasons: [...text.matchAll(/ # (?:SKIP|[T]ODO)(.*)$/gm)].map((match) => (match[1] ?? "").trim()) };
}

/** Runs one command of ours to its end; resolves with its exit code. */
function runScript(path: string): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", path], { stdio: "inherit" });
  return new Promise((resolve) => child.on("exit", (status) => { resolve(status ?? 1); }));
}

/** Why the end-to-end stages can't run here; null when they can. */
function e2eObstacle(): string | null {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version")) return "it needs Debian (real Asterisk comes from its packages)";
  if (process.getuid?.() !== 0) return "it needs root (network namespaces): run `sudo npm test`";
  return null;
}

const wanted = process.argv.slice(2).filter((name) => name in STAGES);
const strict = process.env["CI"] === "true";
const sums = { passed: 0, failed: 0, skipped: 0 };
const notes: string[] = [];
if (e2eObstacle() === null) for (const script of PREPARATIONS) if ((await runScript(script)) !== 0) throw new Error(`${script} failed; see above`);
const stages = wanted.length > 0 ? wanted : strict ? CI_STAGES : DEFAULT_STAGES;
const makesImage = stages.includes("image") && e2eObstacle() === null;
// Once, before the tests and the build: each of them would install what is missing, and wait for apt's lock in vain.
if (makesImage) await ensureImageTools((line) => process.stderr.write(`image: ${line}\n`));
const imageAhead = makesImage && stages.length > 1 ? buildImageAhead() : null;
for (const stage of stages) {
  const real = REAL_STAGES.has(stage);
  const obstacle = real ? e2eObstacle() : null;
  if (obstacle !== null) {
    notes.push(`The end-to-end tests did not run: ${obstacle}.`);
    if (strict) sums.failed += 1;
    continue;
  }
  if (stage === "image" && imageAhead !== null) {
    const waitedFrom = Date.now();
    const made = await imageAhead.done();
    notes.push(`Stage image waited ${Math.round((Date.now() - waitedFrom) / 1000)} s for the image, which was begun beside the stages before it.`);
    if (!made) {
      notes.push("Stage image did not run: the image could not be built; its builder's words are above.");
      sums.failed += 1;
      continue;
    }
  }
  const files = (STAGES[stage] ?? []).flatMap(testFiles);
  const started = Date.now();
  const counts = files.length === 0 ? { tests: 0, passed: 0, failed: 1, skipped: 0, reasons: [] } : await runFiles(files, AT_ONCE[stage] ?? 1);
  if (counts.tests === 0) notes.push(`Stage ${stage} ran no test: that is a failure.`);
  const declared = counts.reasons.filter((reason) => DECLARED.test(reason));
  const silent = counts.skipped - declared.length;
  for (const reason of new Set(declared)) notes.push(`Stage ${stage} left out what a counterpart ${reason}`);
  if (strict && silent > 0) notes.push(`Stage ${stage} skipped ${silent} test(s) without declaring what is lacking: with CI=true that is a failure.`);
  sums.passed += counts.passed;
  sums.failed += counts.failed + (counts.tests === 0 ? 1 : 0) + (strict ? Math.max(0, silent) : 0);
  sums.skipped += counts.skipped;
  notes.push(`Stage ${stage}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${Math.round((Date.now() - started) / 1000)} s.`);
}
for (const note of notes) console.log(note);
console.log(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
process.exitCode = sums.failed > 0 ? 1 : 0;
