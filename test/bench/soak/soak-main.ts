/**
 * Command: `npm run soak -- --minutes N`. Keeps a real pair under calls and makes small faults at random, while it watches
 * both agents' memory, handles and CPU; prints the trends and writes the page SOAK.md and soak.json. It fails when the address
 * moved more or less often than the faults warrant, or when the pair did not come to rest again after one.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { seededRandom } from "../../simulation/virtual-time.ts";
import { buildBundle } from "../../support/build-bundle.ts";
import { openPair, type Pair } from "../../support/lab/pair.ts";
import { REPOSITORY } from "../../support/lab/roots.ts";
import { wholeNumber } from "../../support/whole-number.ts";
import { CALL_APP, startCallApp, startCallStream } from "../call-load.ts";
import { agentOf, pause, steadyRoles } from "../fault-pair.ts";
import { tailOf } from "../log-tail.ts";
import { describeMachine, machineInWords } from "../machine.ts";
import { cpuSecondsOf, memoryOf } from "../proc.ts";
import { worstLagMs } from "../published-lag.ts";
import { SOAK_FAULTS, type SoakFault } from "./soak-faults.ts";
import { soakPage, soakText, type Look, type SoakResult } from "./soak-report.ts";

const MINUTE_MS = 60_000;
const LOOK_EVERY_MS = 5_000;
const HOLD_MS = 20_000;
/** Between two faults, at least and at most (ms). */
const CALM_MS = { least: 5_000, most: 20_000 } as const;
/** Many claims within the hour are what a soak is made of. */
const KNOBS = { STASIS_APPS: CALL_APP, CLAIMS_PER_HOUR: "1000", HOLD_DOWN_MS: "1000", METRICS_INTERVAL_MS: "10000" };

interface Options {
  readonly minutes: number;
  readonly calls: number;
  readonly seed: number;
  readonly results: string;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Looks at both agents until it is told to stop. */
function watch(pair: Pair): { readonly looks: Record<string, Look[]>; stop(): Promise<void> } {
  const looks: Record<string, Look[]> = {};
  let stopped = false;
  const startedAtMs = performance.now();
  const loop = async (): Promise<void> => {
    const before = new Map<string, { readonly seconds: number; readonly atMs: number }>();
    while (!stopped) {
      for (const name of pair.nodes.keys()) {
        const { pid } = agentOf(pair, name);
        const now = { seconds: await cpuSecondsOf(pid), atMs: performance.now() };
        const last = before.get(name);
        before.set(name, now);
        if (last === undefined) continue;
        const cpu = ((now.seconds - last.seconds) / ((now.atMs - last.atMs) / 1_000)) * 100;
        (looks[name] ??= []).push({ atMs: now.atMs - startedAtMs, resident: memoryOf(pid).resident, handles: readdirSync(`/proc/${pid}/fd`).length, cpu });
      }
      await pause(LOOK_EVERY_MS);
    }
  };
  const ended = loop();
  return {
    looks,
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/** Makes a fault and waits for the pair to rest. Returns what was wrong, having printed what both agents said, or null. */
async function strikeOnce(pair: Pair, fault: SoakFault): Promise<string | null> {
  const told = [...pair.nodes.keys()].map((name) => ({ name, since: tailOf(agentOf(pair, name).logFile) }));
  const wrong = await movesOf(pair, fault).then((moves) => {
    say(`${fault.name}: ${moves} move(s)`);
    return moves === fault.moves ? null : `${moves} moves instead of ${fault.moves}.`;
  }, (error: unknown) => error instanceof Error ? error.message : String(error));
  if (wrong !== null) for (const { name, since } of told) for (const { monoMs, event, msg } of since()) say(`${name} ${Math.round(monoMs)} ${event}: ${msg}`);
  return wrong;
}

/** How many moves of the address the fault was followed by. */
async function movesOf(pair: Pair, fault: SoakFault): Promise<number> {
  const { active, standby } = await steadyRoles(pair);
  const movesBefore = pair.moves.length;
  await fault.strike(pair, active, standby);
  await steadyRoles(pair);
  return pair.moves.length - movesBefore;
}

async function soak(pair: Pair, { minutes, calls, seed }: Options): Promise<Omit<SoakResult, "machine" | "day">> {
  for (const name of pair.nodes.keys()) await startCallApp(pair, name);
  for (const name of pair.nodes.keys()) await pair.startAgent(name);
  await pair.steady("node-a");
  const stream = await startCallStream(pair, calls, HOLD_MS);
  const random = seededRandom(seed);
  const faults: Record<string, number> = {};
  const failures: string[] = [];
  let movesWarranted = 0;
  const startedAtWallMs = Date.now();
  const untilMs = performance.now() + minutes * MINUTE_MS;
  const watched = watch(pair);
  while (performance.now() < untilMs && failures.length === 0) {
    await pause(CALM_MS.least + (CALM_MS.most - CALM_MS.least) * random());
    const fault = SOAK_FAULTS[Math.floor(random() * SOAK_FAULTS.length)];
    if (fault === undefined) throw new Error("no such fault");
    const wrong = await strikeOnce(pair, fault);
    if (wrong !== null) failures.push(`${fault.name}: ${wrong}`);
    faults[fault.name] = (faults[fault.name] ?? 0) + 1;
    movesWarranted += fault.moves;
  }
  await watched.stop();
  await stream.stop();
  return { minutes, calls, seed, looks: watched.looks, faults, movesWarranted, moves: pair.moves.length, lagMs: await worstLagMs(pair, startedAtWallMs), failures };
}

async function main(options: Options): Promise<void> {
  await buildBundle(join(REPOSITORY, "dist"));
  const machine = machineInWords(await describeMachine(true));
  const pair = await openPair({ knobs: KNOBS });
  try {
    const result: SoakResult = { ...(await soak(pair, options)), machine, day: new Date().toISOString().slice(0, 10) };
    writeFileSync(join(options.results, "SOAK.md"), soakPage(result));
    writeFileSync(join(options.results, "soak.json"), `${JSON.stringify(result, (_key, value: unknown) => (typeof value === "number" ? Number(value.toFixed(2)) : value))}\n`);
    process.stdout.write(`${soakText(result)}\n`);
    process.exitCode = result.failures.length === 0 ? 0 : 1;
  } finally {
    await pair.close();
  }
}

const command = new Command("soak")
  .description("Keeps a real pair under calls and small faults, and tells how its memory, handles and CPU change.")
  .option("--minutes <n>", "how long", wholeNumber, 30)
  .option("--calls <n>", "how many calls at once, about", wholeNumber, 50)
  .option("--seed <n>", "where chance begins", wholeNumber, (Date.now() % 1_000_000) + 1)
  .option("--results <folder>", "where the page is written", join(import.meta.dirname, ".."))
  .action(main);
await command.parseAsync();
