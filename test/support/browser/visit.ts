/** A visit to the page as a test makes it: what the browser complains of is kept, axe is asked, a picture is taken for people. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { REPOSITORY } from "../lab/roots.ts";

/** Not in git; for a person to look at. */
export const SCREENSHOTS = join(REPOSITORY, ".cache", "page-screenshots");
const LOAD_WITHIN_MS = 20_000;

/** Rules of WCAG 2.2 and of good practice; all that axe can check by itself. */
const RUN = "axe.run(document, { resultTypes: ['violations'] })";

export interface Visit {
  readonly page: Page;
  /** Errors of the console, and uncaught ones. */
  readonly errors: string[];
  readonly close: () => Promise<void>;
}

/** Opens an address in a context of its own. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) errors.push(message.text()); });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url, { timeout: LOAD_WITHIN_MS, waitUntil: "load" });
  return { page, errors, close: () => context.close() };
}

/** What axe finds wrong: one line a rule and element. Needs a page whose scripts run. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  // Through the debugger: the page's own policy would not let it in.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>(RUN);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(" ")}: ${failureSummary ?? ""}`));
}

/** Writes NAME.png, the whole page. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: "disabled" });
}
