/**
 * A real Chromium for the tests of the page: Debian's own, from the machine's release, like the other tools that the tests
 * install themselves. (A root of a newer suite would do as well, but a stable release's Chromium is kept up to date and can
 * always be installed, and the page is served on the machine's own loopback.)
 */
import { access } from "node:fs/promises";
import { chromium, type Browser } from "playwright-core";
import { installMissing } from "../lab/host-tools.ts";

const PATH = "/usr/bin/chromium";
/** With a font: without one, text has no size and no contrast to check. */
const TOOLS = { chromium: "chromium fonts-liberation" };
/** The first start reads some 300 MB from the disk (ms). */
const START_WITHIN_MS = 90_000;
/** It must not reach for the network, and needs no sandbox: it sees this page only, and the tests run as root. */
const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

/** Installs Chromium unless it is there; returns the program's path. Throws with apt's words when it can't be had. */
export async function ensureChromium(log: (line: string) => void): Promise<string> {
  await installMissing(TOOLS, log);
  await access(PATH);
  return PATH;
}

/** Starts one with an empty profile of its own, which goes when it is closed. */
export async function openChromium(): Promise<Browser> {
  const executablePath = await ensureChromium(() => undefined);
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: ARGUMENTS, timeout: START_WITHIN_MS });
}
