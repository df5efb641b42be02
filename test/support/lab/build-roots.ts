// Command: fetches the tools and builds all Debian roots that the end-to-end tests run from, side by side, and prints what it does.
// Run it ahead of the tests (`npx tsx test/support/lab/build-roots.ts`) so that no test waits for a download.
import { ensureChromium } from "../browser/chromium.ts";
import { ensureHostTools } from "./host-tools.ts";
import { ensureRoot, ROOTS, type RootName } from "./roots.ts";

const startedMs = performance.now();
const print = (line: string) => process.stdout.write(`[${((performance.now() - startedMs) / 1000).toFixed(1)} s] ${line}\n`);

try {
  // One after the other: apt works for one at a time.
  await ensureHostTools(print);
  await ensureChromium(print);
  const names = Object.keys(ROOTS) as RootName[];
  const folders = await Promise.all(names.map((name) => ensureRoot(name, print)));
  for (const folder of folders) print(`ready: ${folder}`);
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
