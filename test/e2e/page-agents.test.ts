// The page in a real Chromium with real agents beside real Asterisks: what happens is on it within a second, and an old page says that it is old.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { chromiumForTests, text, waitForText, WIDTHS, WITHIN_MS } from "../support/browser/page-in-view.ts";
import { axeFindings, shoot, visit, type Visit } from "../support/browser/visit.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import { openPageDoor } from "../support/lab/door.ts";
import type { Pair } from "../support/lab/pair.ts";
import { movedTo, withPair } from "../support/lab/pair-checks.ts";
import { waitUntil } from "../support/wait-until.ts";

/** A page may be this much later than the agent's own status. */
const PAGE_BEHIND_MAX_MS = 1_000;

const browser = chromiumForTests();

/** Notes when each role is first seen on the page, on the clock that the agents' logs have too. */
const WATCH_ROLE = `
  window.rolesSeen = {};
  const note = () => { window.rolesSeen[document.querySelector("[data-role]").dataset.role] ??= Date.now(); };
  note();
  new MutationObserver(note).observe(document.getElementById("now"), { subtree: true, childList: true, attributes: true });`;

async function roleSeenAt(page: Page, role: string): Promise<number | null> {
  return (await page.evaluate<Readonly<Record<string, number>>>("window.rolesSeen"))[role] ?? null;
}

/** When the agent's log says that it last took on the role; null while it has not. */
function roleTakenAt(pair: Pair, node: NodeName, role: string): number | null {
  for (const line of (pair.node(node).agent?.log() ?? "").trimEnd().split("\n").toReversed()) {
    if (!line.includes('"role-changed"')) continue;
    const { event, to, time } = JSON.parse(line) as { readonly event: string; readonly to?: string; readonly time: string };
    if (event === "role-changed" && to === role) return Date.parse(time);
  }
  return null;
}

/** How much later than the agent itself its page shows the agent's new role. */
async function behind(pair: Pair, node: NodeName, { page }: Visit, role: string): Promise<number> {
  const seenAt = await waitUntil(`the page of ${node} to show ${role}`, () => roleSeenAt(page, role), WITHIN_MS);
  const takenAt = await waitUntil(`the log of ${node} to tell of it`, () => roleTakenAt(pair, node, role), WITHIN_MS);
  return seenAt - takenAt;
}

interface OpenPage extends Visit {
  readonly close: () => Promise<void>;
}

/** The page of a node, watched. */
async function openPage(pair: Pair, node: NodeName): Promise<OpenPage> {
  const door = await openPageDoor(pair.lab, node);
  const visited = await visit(browser(), door.url, { viewport: WIDTHS.desk });
  await waitForText(visited.page, "#live", /^Live$/);
  await visited.page.evaluate(WATCH_ROLE);
  return { ...visited, close: async () => { await visited.close(); await door.close(); } };
}

/** Asterisk crashes on the active, its agent lives: both pages tell it at once, and alike. */
async function failoverByConsent(pair: Pair, a: Visit, b: Visit): Promise<void> {
  await waitForText(a.page, "#now", /Callers are served .*node-b could take over/);
  assert.match(await text(b.page, "#members"), /node-a node, \S+ ★ active holds the address/);
  await pair.node("node-a").asterisk.kill();
  const [active, standby] = await Promise.all([behind(pair, "node-b", b, "active"), behind(pair, "node-a", a, "standby")]);
  console.log(`The page showed the new active ${active} ms after the agent knew; the old active's page showed the standby after ${standby} ms.`);
  assert.ok(active <= PAGE_BEHIND_MAX_MS && standby <= PAGE_BEHIND_MAX_MS);
  for (const { page } of [a, b]) {
    await waitForText(page, "#timeline", /The address moved from node-a to node-b/);
    await waitForText(page, "#now", /nobody could take over/);
    await waitForText(page, "#members", /✕ down/);
    await waitForText(page, "#members", /node-b (?:this )?node, \S+ ★ active holds the address/);
  }
  // The old active has it from the address's tags.
  for (const { page } of [b, a]) await waitForText(page, "#timeline", /by consent .* stages .*EC2's answer .* in all/i);
  await shoot(b.page, "agents-after-failover");
}

/** The whole active is gone: the other's page tells it, and the dead one's says that what it shows is old. */
async function deathOfTheActive(pair: Pair, a: Visit, b: Visit): Promise<void> {
  await a.page.evaluate(WATCH_ROLE);
  await pair.lab.nodeGone("node-b");
  pair.node("node-b").agent?.kill("SIGKILL");
  await pair.node("node-b").asterisk.kill();
  const active = await behind(pair, "node-a", a, "active");
  console.log(`The page showed the new active ${active} ms after the agent knew.`);
  assert.ok(active <= PAGE_BEHIND_MAX_MS);
  await waitForText(a.page, "#members", /✕ silent/);
  await waitForText(a.page, "#timeline", /The address moved from node-b to node-a/);
  await waitForText(b.page, "#live", /Connection to the agent lost at .* What you see is old/);
  await shoot(b.page, "agents-connection-lost");
  await shoot(a.page, "agents-after-death");
}

describe("the page, with real agents and Asterisks,", () => {
  it("shows a failover by consent and then the death of the new active, each within a second", { timeout: 240_000 }, async () => {
    await withPair({ witness: true, knobs: { HOLD_DOWN_MS: "1000", OWNER_READ_INTERVAL_MS: "3000" } }, async (pair) => {
      await pair.steady("node-a");
      const [a, b] = await Promise.all([openPage(pair, "node-a"), openPage(pair, "node-b")]);
      await failoverByConsent(pair, a, b);
      assert.deepEqual([...a.errors, ...b.errors], []);
      assert.deepEqual(await axeFindings(b.page), []);
      await pair.node("node-a").asterisk.start();
      await pair.steady("node-b");
      await waitForText(b.page, "#now", /node-a could take over/);
      await deathOfTheActive(pair, a, b);
      await movedTo(pair, "node-a");
      assert.deepEqual(a.errors, []);
      await Promise.all([a.close(), b.close()]);
    });
  });
});
