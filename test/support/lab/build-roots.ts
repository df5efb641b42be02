// Command: builds all Debian roots that the end-to-end tests run from, side by side, and prints what it does.
// Run it ahead of the tests (`npx tsx test/support/lab/build-roots.ts`) so that no test waits for a download.
import { ensureRoot, ROOTS, type RootName } from "./roots.ts";

const startedMs = performance.now();
const print = (line: string) => process.stdout.write(`[${((performance.now() - startedMs) / 1000).toFixed(1)} s] ${line}\n`);

try {
  const names = Object.keys(ROOTS) as RootName[];
  const folders = await Promise.all(names.map((name) => ensureRoot(name, print)));
  for (const folder of folders) print(`ready: ${folder}`);
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
