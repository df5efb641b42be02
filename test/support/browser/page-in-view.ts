/** What every test of the page does with its browser: has one of its own, opens the page on a desk or a phone, reads it and waits for its words. */
import { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { waitUntil } from "../wait-until.ts";
import { openChromium, type OpenBrowser } from "./chromium.ts";
import { SCREENSHOTS } from "./visit.ts";

/** The screens on which the page must fit. */
export const WIDTHS = { desk: { width: 1280, height: 900 }, phone: { width: 360, height: 780 } } as const;
/** How long a test waits for anything that it is going to see (ms). */
export const WITHIN_MS = 60_000;

/** One Chromium for all tests of the calling file: there when they begin, gone after them. Call it where tests are described. */
export function chromiumForTests(): () => Browser {
  let opened: OpenBrowser | null = null;
  before(async () => {
    opened = await openChromium();
  });
  after(async () => {
    await opened?.close();
    console.log(`Pictures of the page: ${SCREENSHOTS}`);
  });
  return () => {
    if (opened === null) throw new Error("the browser is open while tests run only");
    return opened.browser;
  };
}

/** What a person reads there, in one line. */
export async function text(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).replaceAll(/\s+/g, " ");
}

/** Rejects with the last text when the wanted one does not come. */
export async function waitForText(page: Page, selector: string, wanted: RegExp): Promise<void> {
  await waitUntil(`${selector} to show ${wanted.source}`, async () => {
    const found = await text(page, selector);
    return wanted.test(found) || Promise.reject(new Error(found));
  }, WITHIN_MS);
}
