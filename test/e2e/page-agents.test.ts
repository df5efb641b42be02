// The page in a real Chromium with real agents during a failover: what happens is on it within a second, and an old page says that it is old.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { chromiumForTests, text, waitForText, WIDTHS, WITHIN_MS } from "../support/browser/page-in-view.ts";
import { shoot, visit, type Visit } from "../support/browser/visit.ts";
import { waitUntil } from "../support/wait-until.ts";
import { NODES, type NodeName } from "../demo/record.ts";
import { waitingFor } from "../demo/steady.ts";
import { AWS_DELAYS, DemoWorld } from "../demo/world.ts";

/** A page may be this much later than the agent's own status. */
const PAGE_BEHIND_MAX_MS = 1_000;

const browser = chromiumForTests();

/** Notes when each role is first seen on the page, on the clock that the test has too. */
const WATCH_ROLE = `
  window.rolesSeen = {};
  const note = () => { window.rolesSeen[document.querySelector("[data-role]").dataset.role] ??= Date.now(); };
  note();
  new MutationObserver(note).observe(document.getElementById("now"), { subtree: true, childList: true, attributes: true });`;

async function roleSeenAt(page: Page, role: string): Promise<number | null> {
  return (await page.evaluate<Readonly<Record<string, number>>>("window.rolesSeen"))[role] ?? null;
}

/** When the agent's log says that it took on the role; null while it has not. The page's clock is this machine's too. */
function roleTakenAt(world: DemoWorld, node: NodeName, role: string): number | null {
  for (const line of world.agentLog(node).trimEnd().split("\n").toReversed()) {
    if (!line.includes('"role-changed"')) continue;
    const { event, to, time } = JSON.parse(line) as { readonly event: string; readonly to?: string; readonly time: string };
    if (event === "role-changed" && to === role) return Date.parse(time);
  }
  return null;
}

/** How much later than the agent itself its page shows the agent's new role. */
async function behind(world: DemoWorld, node: NodeName, { page }: Visit, role: string): Promise<number> {
  const seenAt = await waitUntil(`the page of ${node} to show ${role}`, () => roleSeenAt(page, role), WITHIN_MS);
  const takenAt = await waitUntil(`the log of ${node} to tell of it`, () => roleTakenAt(world, node, role), WITHIN_MS);
  return seenAt - takenAt;
}

/** Notes when callers' packets follow the address the next time that EC2 moves it. */
function whenFollowed(world: DemoWorld): () => number | null {
  let movedAt: number | null = null;
  world.aws.lab.onAddressMoved(() => { movedAt ??= Date.now(); });
  return () => movedAt;
}

async function openSteady(world: DemoWorld): Promise<void> {
  await world.open(null);
  await waitUntil("a steady pair", async () => {
    const waits = waitingFor(await world.status("node-a"), await world.status("node-b"), world.caller.answers.length > 0 ? { answeredBy: "node-a", lost: 0 } : { answeredBy: null, lost: 0 });
    return waits === null || Promise.reject(new Error(waits));
  }, WITHIN_MS);
}

/** A world of real agents, and the page of each node, watched. */
async function withAgents(story: (world: DemoWorld, visits: Readonly<Record<NodeName, Visit>>) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "page-test-"));
  const world = new DemoWorld(folder);
  try {
    await openSteady(world);
    const [a, b] = await Promise.all(NODES.map((node) => visit(browser(), world.pageUrl(node), { viewport: WIDTHS.desk })));
    if (a === undefined || b === undefined) throw new Error("two nodes have two pages");
    for (const { page } of [a, b]) await page.evaluate(WATCH_ROLE);
    for (const { page } of [a, b]) await waitForText(page, "#live", /^Live$/);
    await story(world, { "node-a": a, "node-b": b });
    await Promise.all([a.close(), b.close()]);
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the page, with real agents", () => {
  it("shows a failover by consent on both nodes within a second", { timeout: 180_000 }, async () => {
    await withAgents(async (world, visits) => {
      const { "node-a": a, "node-b": b } = visits;
      await waitForText(a.page, "#now", /Callers are served .*node-b could take over/);
      assert.match(await text(b.page, "#members"), /node-a node, \S+ ★ active holds the address/);
      const movedAt = whenFollowed(world);
      world.inject("crash", "node-a");
      const [active, standby] = await Promise.all([behind(world, "node-b", b, "active"), behind(world, "node-a", a, "standby")]);
      const packetsAt = await waitUntil("callers' packets to follow the address", movedAt, WITHIN_MS);
      const sinceMoved = ((await roleSeenAt(b.page, "active")) ?? NaN) - (packetsAt - AWS_DELAYS.packets);
      console.log(`The page showed the new active ${active} ms after the agent knew and ${sinceMoved} ms after EC2 had moved the address; the old active's page showed the standby after ${standby} ms.`);
      assert.ok(active <= PAGE_BEHIND_MAX_MS && standby <= PAGE_BEHIND_MAX_MS);
      for (const { page } of [a, b]) {
        await waitForText(page, "#timeline", /The address moved from node-a to node-b/);
        await waitForText(page, "#now", /nobody could take over/);
        await waitForText(page, "#members", /✕ down/);
        await waitForText(page, "#members", /node-b (?:this )?node, \S+ ★ active holds the address/);
      }
      await waitForText(b.page, "#timeline", /by consent .* stages .*EC2's answer .* in all/i);
      await shoot(b.page, "agents-after-failover");
      for (const visited of [a, b]) assert.deepEqual(visited.errors, []);
    });
  });

  it("shows the death of the active and says of the dead one's page that it is old", { timeout: 180_000 }, async () => {
    await withAgents(async (world, { "node-a": a, "node-b": b }) => {
      world.inject("death", "node-a");
      const active = await behind(world, "node-b", b, "active");
      console.log(`The page showed the new active ${active} ms after the agent knew.`);
      assert.ok(active <= PAGE_BEHIND_MAX_MS);
      await waitForText(b.page, "#members", /✕ silent/);
      await waitForText(a.page, "#live", /Connection to the agent lost at .* What you see is old/);
      await shoot(a.page, "agents-connection-lost");
      await shoot(b.page, "agents-after-death");
      assert.deepEqual(b.errors, []);
    });
  });
});
