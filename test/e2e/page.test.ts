// The page in a real Chromium, with a small world for every look that it can have: accessible, complete, calm, and only its own script.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chromiumForTests, text, waitForText, WIDTHS, WITHIN_MS } from "../support/browser/page-in-view.ts";
import { axeFindings, shoot, visit } from "../support/browser/visit.ts";
import { LOOKS } from "../support/page-looks.ts";
import { pageOf, servePage, type ServedPage } from "../support/page-world.ts";
import { settledPair } from "../support/small-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Both widths and both schemes of every look in two visits, and of the first look every combination. */
const VISITS = [{ colorScheme: "light", width: "desk" }, { colorScheme: "dark", width: "phone" }] as const;
const MORE_VISITS = [{ colorScheme: "dark", width: "desk" }, { colorScheme: "light", width: "phone" }] as const;

const browser = chromiumForTests();

describe("the page, however it looks,", () => {
  for (const { name, node, world: worldOf, live } of LOOKS) {
    it(`is accessible, fits desk and phone, and makes the console say nothing: ${name}`, { timeout: 180_000 }, async () => {
      const world = worldOf();
      // What has happened is in the charts too: the page watches from the beginning.
      const watching = pageOf(world, node, (error) => { throw error; });
      live(world);
      const page = await servePage(world, node, { page: watching });
      try {
        for (const { colorScheme, width } of name === LOOKS[0]?.name ? [...VISITS, ...MORE_VISITS] : VISITS) {
          const viewport = WIDTHS[width];
          const visited = await visit(browser(), page.url, { viewport, colorScheme, reducedMotion: "reduce" });
          await waitForText(visited.page, "#live", /^Live$/);
          await shoot(visited.page, `${name}-${width}-${colorScheme}`);
          await visited.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
          assert.deepEqual(await axeFindings(visited.page), [], `${colorScheme}, ${width}`);
          const sizes = await visited.page.evaluate<readonly [number, number]>("[document.documentElement.scrollWidth, innerWidth]");
          assert.ok(sizes[0] <= sizes[1], `${width}: ${sizes[0]} pixels wide on a screen of ${sizes[1]}`);
          if (name === LOOKS[0]?.name) await shoot(visited.page, `${name}-${width}-${colorScheme}-unfolded`);
          assert.deepEqual(visited.errors, []);
          await visited.close();
        }
        assert.deepEqual(page.defects, []);
      } finally {
        await page.close();
      }
    });
  }

  it("is complete without JavaScript", { timeout: 60_000 }, async () => {
    const world = settledPair();
    const watching = pageOf(world, "node-b", (error) => { throw error; });
    world.run(60_000);
    const served = await servePage(world, "node-b", { page: watching });
    try {
      for (const [width, viewport] of Object.entries(WIDTHS)) {
        const { page, errors, close } = await visit(browser(), served.url, { viewport, javaScriptEnabled: false });
        assert.match(await text(page, "#live"), /reload it for the present one/);
        assert.match(await text(page, "#now"), /Callers are served .* What the cluster would do now Nothing: it is ready/);
        assert.equal(await page.getByRole("table", { name: "Members of the cluster" }).getByRole("rowheader").count(), 2);
        assert.match(await text(page, "#members"), /node-a .*active holds the address .*✓ serving .* node-b .*standby .*✓ serving/);
        assert.equal(await page.locator("#charts figure").count(), 4);
        await shoot(page, `without-javascript-${width}`);
        assert.deepEqual(errors, []);
        await close();
      }
    } finally {
      await served.close();
    }
  });

  it("can be used with the keyboard alone, and keeps what is open and focused while it changes", { timeout: 60_000 }, async () => {
    const world = settledPair();
    const served = await servePage(world, "node-b");
    const { page, errors, close } = await visit(browser(), served.url, { viewport: WIDTHS.desk });
    try {
      await waitForText(page, "#live", /^Live$/);
      await page.keyboard.press("Tab");
      assert.match(await page.evaluate<string>("document.activeElement.textContent"), /Skip to the state/);
      await page.locator("summary").first().focus();
      await page.keyboard.press("Enter");
      world.machine("node-a").asterisk = false;
      world.run(4_000);
      await waitForText(page, "#now", /nobody could take over/);
      assert.equal(await page.evaluate("document.activeElement === document.querySelector('summary') && document.querySelector('details').open"), true);
      assert.match(await page.title(), /nobody could take over/);
      assert.deepEqual(errors, []);
    } finally {
      await close();
      await served.close();
    }
  });

  it("says when the agent is gone, and goes on by itself when it is back", { timeout: 90_000 }, async () => {
    const world = settledPair();
    const first = await servePage(world, "node-b");
    const { page, close } = await visit(browser(), first.url, { viewport: WIDTHS.desk });
    let second: ServedPage | null = null;
    try {
      await waitForText(page, "#live", /^Live$/);
      await first.close();
      await waitForText(page, "#live", /Connection to the agent lost/);
      world.machine("node-a").asterisk = false;
      world.run(4_000);
      second = await servePage(world, "node-b", { port: first.port });
      await waitForText(page, "#live", /^Live$/);
      await waitForText(page, "#now", /node-b holds/);
      await close();
      const left = second;
      await waitUntil("the closed page to give its place back", () => left.page.listeners() === 0, WITHIN_MS);
    } finally {
      await second?.close();
    }
  });

  it("runs no script that is not its own, even if one got in", { timeout: 60_000 }, async () => {
    const served = await servePage(settledPair(), "node-b");
    const { page, close } = await visit(browser(), served.url);
    try {
      await page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.intruder = 1' })); document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.intruder = 2\">')");
      await waitForText(page, "#live", /^Live$/);
      assert.equal(await page.evaluate("window.intruder ?? null"), null);
    } finally {
      await close();
      await served.close();
    }
  });
});
