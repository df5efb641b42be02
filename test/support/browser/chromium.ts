/** A real Chromium for the tests of the page: from a Debian root, like every real thing in these tests, driven over a pipe. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { rootedCommand } from "../lab/rooted.ts";
import { ensureRoot } from "../lab/roots.ts";

/** The first start reads some 300 MB from the disk (ms). */
const START_WITHIN_MS = 90_000;
/** It must not reach for the network, and needs no sandbox: it sees this page only, and the tests run as root. */
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

export interface OpenBrowser {
  readonly browser: Browser;
  /** Ends the browser; nothing of it is left. */
  readonly close: () => Promise<void>;
}

/** Starts one with an empty profile of its own, in memory. Builds its root first when it isn't there. */
export async function openChromium(): Promise<OpenBrowser> {
  const root = await ensureRoot("browser", (line) => process.stderr.write(`browser: ${line}\n`));
  const folder = await mkdtemp(join(tmpdir(), "browser-"));
  const mountpoint = join(folder, "mount");
  await mkdir(mountpoint);
  // Playwright starts one program: this one, which becomes the browser inside the root.
  const program = join(folder, "chromium");
  const { command, args } = rootedCommand({ root, mountpoint, command: "chromium-headless-shell", args: [] });
  await writeFile(program, `#!/bin/sh\nexec ${[command, ...args].map(quoted).join(" ")} "$@"\n`);
  await chmod(program, 0o755);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const browser = await chromium.launch({ executablePath: program, headless: true, chromiumSandbox: false, args: ARGUMENTS, timeout: START_WITHIN_MS });
    return { browser, close: async () => { await browser.close(); await remove(); } };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As a word of the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
