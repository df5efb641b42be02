#!/usr/bin/env node
/** nodectl: the operator's command. What it can do is in agent/cli/, one file a verb. */
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { runCli } from "./cli/run.ts";

const WIDTH_DEFAULT = 80;

// `nodectl status | head -3` closes the pipe early: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

/** A second Ctrl-C ends the process as it would without us. */
function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => { interrupted.abort(); });
  return interrupted.signal;
}

async function confirm(question: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await asking.question(`${question} [y/N] `)).trim());
  } finally {
    asking.close();
  }
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  colour: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
  width: process.stdout.isTTY ? Math.max(WIDTH_DEFAULT, Math.min(process.stdout.columns, 120)) : WIDTH_DEFAULT,
  live: process.stdout.isTTY,
  untilInterrupted,
  env: process.env,
  ...(process.stdin.isTTY && process.stdout.isTTY ? { confirm } : {}),
});
