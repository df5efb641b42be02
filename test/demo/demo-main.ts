/**
 * Command: one run of the demo, from nothing to the drawing. Started by start.mjs, which has made the folder, cleaned the
 * environment and checked the arguments.
 *
 *   demo-main.ts FAULT FOLDER [--stand-in]
 *
 * Exit codes: 0 the promises held, 1 they did not, 3 the demo could not run, 130 it was interrupted.
 */
import process from "node:process";
import { findAsterisk } from "./asterisks.ts";
import { draw } from "./draw.ts";
import { faultNamed } from "./faults.ts";
import { judge } from "./judge.ts";
import { Progress } from "./progress.ts";
import { runFault, waitUntilSteady } from "./run.ts";
import { styleOf } from "./style.ts";
import { DemoWorld } from "./world.ts";

const EXIT_BROKEN = 1;
const EXIT_FAILED = 3;
const EXIT_INTERRUPTED = 130;

const [, , faultName = "", folder = "", ...flags] = process.argv;
const fault = faultNamed(faultName);
const style = styleOf(process.env, process.stdout.isTTY, process.platform);
const progress = new Progress(process.stdout, style);
const world = new DemoWorld(folder);
let ending = false;

/** Ends what runs, once, and then this process. */
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await world.close();
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!ending) progress.interrupt();
    void end(EXIT_INTERRUPTED);
  });
}
// Whoever reads us has gone (`npm run demo | head`): nothing is left to be said.
process.stdout.on("error", () => void end(EXIT_FAILED));

async function main(): Promise<number> {
  const program = flags.includes("--stand-in") ? null : findAsterisk(process.env["PATH"] ?? "");
  progress.title(fault, program);
  await world.open(program);
  if (world.standIns.size > 0) progress.done("the Asterisk found here did not start: the stand-in takes its place");
  await waitUntilSteady(world, progress);
  const record = await runFault(world, fault, progress);
  progress.close();
  process.stdout.write(`${draw(record, style).join("\n")}\n`);
  return judge(record).held ? 0 : EXIT_BROKEN;
}

main().then(end, async (error: unknown) => {
  if (ending) return;
  progress.close();
  const words = error instanceof Error ? error.message : String(error);
  process.stderr.write(`\nThe demo could not run: ${words}\n${world.obituaries().join("\n")}\n`);
  await end(EXIT_FAILED);
});
