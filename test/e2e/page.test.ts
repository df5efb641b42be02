// The page in a real Chromium: with real agents during a failover, and with small worlds for every look that it can have.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openChromium, type OpenBrowser } from "../support/browser/chromium.ts";
import { axeFindings, SCREENSHOTS, shoot, visit, type Visit } from "../support/browser/visit.ts";
import { pageOf, servePage, type ServedPage } from "../support/page-world.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { NODES, type NodeName } from "../demo/record.ts";
import { waitingFor } from "../demo/steady.ts";
import { AWS_DELAYS, DemoWorld } from "../demo/world.ts";

const WIDTHS = { desk: { width: 1280, height: 900 }, phone: { width: 360, height: 780 } } as const;
/** Both widths and both schemes of every look in two visits, and of the first look every combination. */
const VISITS = [{ colorScheme: "light", width: "desk" }, { colorScheme: "dark", width: "phone" }] as const;
const MORE_VISITS = [{ colorScheme: "dark", width: "desk" }, { colorScheme: "light", width: "phone" }] as const;
/** A page may be this much later than the agent's own status. */
const PAGE_BEHIND_MAX_MS = 1_000;
const WITHIN_MS = 60_000;

let opened: OpenBrowser;
let browser: Browser;
before(async () => {
  opened = await openChromium();
  browser = opened.browser;
});
after(async () => {
  await opened.close();
  console.log(`Pictures of the page: ${SCREENSHOTS}`);
});

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

async function text(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).replaceAll(/\s+/g, " ");
}

async function waitForText(page: Page, selector: string, wanted: RegExp): Promise<void> {
  await waitUntil(`${selector} to show ${wanted.source}`, async () => {
    const found = await text(page, selector);
    return wanted.test(found) || Promise.reject(new Error(found));
  }, WITHIN_MS);
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
    const [a, b] = await Promise.all(NODES.map((node) => visit(browser, world.pageUrl(node), { viewport: WIDTHS.desk })));
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

interface Look {
  readonly name: string;
  /** Whose page it is. */
  readonly node: string;
  readonly world: () => SmallWorld;
  /** What has happened, while the page was watching. */
  readonly live: (world: SmallWorld) => void;
}

const WITNESS = { witnesses: ["witness-1"] };
const THREE = ["node-a", "node-b", "node-c"];
const pairWithWitness = (): SmallWorld => new SmallWorld([coreConfig("node-a", WITNESS), coreConfig("node-b", WITNESS), coreConfig("witness-1")]);
const threeWithWitness = (): SmallWorld => new SmallWorld([...THREE.map((id) => coreConfig(id, { kind: "node", peers: THREE.filter((each) => each !== id), ...WITNESS })), coreConfig("witness-1", { peers: THREE })]);

/** Ten minutes of calls that come and go. */
function someTime(world: SmallWorld): void {
  world.tickMs = 250;
  for (let part = 0; part < 40; part += 1) {
    world.machine("node-a").calls = Math.round(60 + 50 * Math.sin(part / 6) + (part % 5));
    world.machine("node-b").calls = part % 4;
    world.run(15_000);
  }
  world.tickMs = 50;
}

const LOOKS: readonly Look[] = [
  { name: "standby-calm", node: "node-b", world: pairWithWitness, live: someTime },
  { name: "witness-calm", node: "witness-1", world: pairWithWitness, live: someTime },
  {
    name: "paused-and-suspected", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.command("node-b", { kind: "pause", reason: "Replacing the router in zone 1, change 4711", forMs: 7_200_000 });
      world.machine("node-a").agent = false;
      world.run(6_000);
    },
  },
  {
    name: "claiming", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.claimsMove = false;
      world.machine("node-a").agent = false;
      world.machine("node-a").asterisk = false;
      world.run(4_500);
    },
  },
  {
    name: "taken-over", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.machine("node-a").asterisk = false;
      world.run(60_000);
    },
  },
  {
    name: "on-a-stranger", node: "node-a", world: settledPair, live: (world) => {
      world.run(300_000);
      world.holder = { kind: "stranger", instanceId: "i-0123456789abcdef0" };
      world.run(70_000);
    },
  },
  { name: "three-nodes", node: "node-b", world: threeWithWitness, live: someTime },
  { name: "just-started", node: "node-a", world: () => new SmallWorld(), live: (world) => { world.run(100); } },
];

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
          const visited = await visit(browser, page.url, { viewport, colorScheme, reducedMotion: "reduce" });
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
        const { page, errors, close } = await visit(browser, served.url, { viewport, javaScriptEnabled: false });
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
    const { page, errors, close } = await visit(browser, served.url, { viewport: WIDTHS.desk });
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
    const { page, close } = await visit(browser, first.url, { viewport: WIDTHS.desk });
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
    const { page, close } = await visit(browser, served.url);
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
