// The page as the server sends it: complete without a script, and nothing that a member says becomes markup.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { StatusView } from "../../agent/status/schema.ts";
import { charts } from "../../agent/status/page/charts.ts";
import { documentOf, PARTS, partsOf, type Shown } from "../../agent/status/page/document.ts";
import { LastHour } from "../../agent/status/page/last-hour.ts";
import { escaped, html } from "../../agent/status/page/markup.ts";
import { headline } from "../../agent/status/page/words.ts";
import { statusView } from "../../agent/status/view.ts";
import { explanationOf } from "../../agent/status/explain.ts";
import { EXTRA, movesOf } from "../support/page-world.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";

/** Words that choose what is drawn, and instants: everything else in a view is somebody's text. */
const CHOICES = /^(?:up|down|unknown|heard|late|lost|never|node|witness|starting|standby|claiming|active|serving|degraded|heartbeat|sip|eip|warn|error|quorum|consent|vacant|its turn|calling|accepted|refused|private|public|nobody|\d{4}-\d\d-\d\dT.*Z)$/;

function poisoned<T>(value: T, text: string): T {
  if (typeof value === "string") return (CHOICES.test(value) ? value : value + text) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => poisoned(each, text)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, poisoned<unknown>(each, text)])) as T;
}

function viewOf(world: SmallWorld, node: string): StatusView {
  return statusView(world.state(node), world.config(node), EXTRA);
}

/** @param moves the member's history */
function shownBy(world: SmallWorld, node: string, moves: Shown["moves"] = []): Shown {
  return { view: viewOf(world, node), explanation: explanationOf(world.state(node), world.config(node)), moves, calls: CALLS };
}

const CALLS: NonNullable<Shown["calls"]> = {
  node: "node-b", role: "active", database: false, asterisk: true, sink: "webhook https://events.example answered with 503", secret: null, here: 2,
  figures: { queued: 3, dialling: 1, up: 1, lastHour: { answered: 4, busy: 1 } }, waiting: { count: 7, oldestMs: 90_000 }, campaigns: [{ campaign: "appeal", running: 2, callsPerSecond: 5, concurrent: 50 }],
};

const CHARTS = (() => {
  const hour = new LastHour(coreConfig("node-b"));
  const world = settledPair();
  hour.observe(world.state("node-b"));
  return charts(hour, ["node-a"], world.nowMs);
})();

function pageText(shown: Shown): string {
  return documentOf(shown.view, partsOf(shown, CHARTS), "0123456789ab");
}

/** Every tag with its attributes' names: what a browser would build, without what stands in it. */
function skeleton(document: string): readonly string[] {
  return (document.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/="[^"]*"/g, ""));
}

/** The first tag that does not fit its place; null when every element is closed where it must be. */
function unbalanced(document: string): string | null {
  const open: string[] = [];
  for (const tag of skeleton(document).slice(1)) {
    const name = /^<\/?([A-Za-z][a-z0-9]*)(?: [a-zA-Z-]+)*\/?>$/.exec(tag)?.[1];
    if (name === undefined) return tag;
    if (tag.startsWith("</")) {
      if (open.pop() !== name) return tag;
    } else if (!tag.endsWith("/>")) open.push(name);
  }
  return open.at(-1) ?? null;
}

function threeWorld(): SmallWorld {
  const config = { witnesses: ["w1"] };
  const world = new SmallWorld([coreConfig("node-a", config), coreConfig("node-b", config), coreConfig("w1")]);
  world.run(20_000);
  return world;
}

/** Views in which every part has something to show. */
function* views(): Generator<readonly [string, Shown]> {
  const world = threeWorld();
  const moves = movesOf(world, "node-b");
  for (const node of ["node-a", "node-b", "w1"]) yield [`settled, ${node}`, shownBy(world, node)];
  world.command("node-b", { kind: "pause", reason: "planned work", forMs: 60_000 });
  world.machine("node-a").asterisk = false;
  world.run(3_000);
  for (const node of ["node-a", "node-b", "w1"]) yield [`paused with a dead Asterisk, ${node}`, shownBy(world, node)];
  world.command("node-b", { kind: "resume" });
  world.claimsMove = false;
  world.run(2_000);
  yield ["a claim under way", shownBy(world, "node-b")];
  world.claimsMove = true;
  world.run(20_000);
  yield ["moved", shownBy(world, "node-b", moves())];
  world.holder = { kind: "stranger", instanceId: "i-0stranger" };
  world.run(70_000);
  yield ["on a stranger", shownBy(world, "node-a")];
  yield ["before the first tick", shownBy(new SmallWorld(), "node-a")];
}

describe("markup", () => {
  it("escapes every insertion, so that reading it back gives the text itself", () => {
    const read = (text: string): string => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
    fc.assert(fc.property(fc.string({ unit: "grapheme" }).filter((text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)), (text) => {
      assert.doesNotMatch(escaped(text), /[<>"']/);
      assert.equal(read(escaped(text)), text);
    }));
  });

  it("turns reversed text, control characters and halves of characters into question marks", () => {
    assert.equal(escaped("a\u202eb\u0000c\ud800d\u2028e"), "a?b?c?d?e");
  });

  it("inserts markup as it is, lists one after the other, and nothing for null", () => {
    assert.equal(html`<p>${html`<b>${"<"}</b>`}${[1, "&", null]}</p>`.text, "<p><b>&lt;</b>1&amp;</p>");
  });
});

describe("the page", () => {
  it("is well-formed through everything that can happen, with every part in its place", () => {
    for (const [what, shown] of views()) {
      const text = pageText(shown);
      assert.equal(unbalanced(text), null, what);
      for (const part of PARTS) assert.match(text, new RegExp(`<div id="${part}">(?!</div>)`), `${what}: ${part} is empty`);
    }
  });

  it("gives no text a way to become markup, whatever members, operators and EC2 say", () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom('"><script>alert(1)</script>', "' onmouseover='x", "</svg></title><img src=x>", "<!--", "]]>", "&lt;b&gt;", "${x}"));
    const all = [...views()];
    fc.assert(fc.property(texts, fc.integer({ min: 0, max: all.length - 1 }), (text, index) => {
      const [what, shown] = all[index] ?? ["", shownBy(settledPair(), "node-b")];
      assert.deepEqual(skeleton(pageText(poisoned(shown, text))), skeleton(pageText(poisoned(shown, "x"))), what);
    }), { numRuns: 200 });
  });

  it("says without a script who holds the address, who serves, how each member is heard, and what would happen", () => {
    const world = settledPair();
    const words = pageText(shownBy(world, "node-b")).replaceAll(/<svg.*?<\/svg>/gs, "").replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ").slice(0, 4_000);
    assert.match(words, /Callers are served node-a holds 203\.0\.113\.10 and serves\. node-b could take over\./);
    assert.match(words, /What the cluster would do now Nothing: it is ready, and claims when node-a asks to be relieved or shows no sign of life\. If node-a fails, node-b claims the address, at worst 600 ms to 1\.9 s later/);
    assert.match(words, /node-a node ★ active holds the address ✓ serving Takes calls: [^.]*\. 3 ✓ heard round trip 2\.0 ms agent 0\.1\.0 Asterisk 22\.10\.0/);
    assert.match(words, /node-b this node standby for 19 s ✓ serving/);
    assert.match(words, /node-b this one ✓ up just now ✓ up/);
    assert.match(words, /Not paused No hold-down/);
    assert.match(words, /reload it for the present one/);
  });

  it("needs nothing inline and nothing from elsewhere", () => {
    const text = pageText(shownBy(settledPair(), "node-b"));
    assert.doesNotMatch(text, /\sstyle="|\son\w+="|<style|javascript:/);
    assert.deepEqual([...text.matchAll(/<script[^>]*>([^<]*)/g)].map(([tag, inside]) => [tag, inside]), [['<script type="module" src="/page/page.js">', ""]]);
    for (const [, address = ""] of text.matchAll(/\s(?:src|href)="([^"]*)"/g)) assert.match(address, /^(?:\/[a-z/.]*|#main)$/);
  });

  it("shows the moves of the address with their sentences, the newest first", () => {
    const world = settledPair();
    const moves = movesOf(world, "node-b");
    world.machine("node-a").asterisk = false;
    world.run(5_000);
    const text = pageText(shownBy(world, "node-b", moves()));
    const moved = text.indexOf("The address moved</b> from node-a to <b>node-b</b>, by consent");
    assert.ok(moved > 0 && moved < text.indexOf("starting → <b>standby</b>"));
    assert.match(text, /asks to be relieved/);
    assert.match(text, /<dt>stages<\/dt><dd>[^<]*EC2&#39;s answer [^<]* in all<\/dd>/);
  });

  it("says of every gate what it measured and what it needs, as nodectl explain does", () => {
    const shown = shownBy(settledPair(), "node-b");
    const words = pageText(shown).replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
    for (const { gates } of shown.explanation.causes) for (const { name, value, limit } of gates) assert.ok(words.includes(`${escaped(name)} ${escaped(value)} · needs: ${escaped(limit)}`), name);
  });

  it("has a text beside every picture and chart", () => {
    for (const [what, shown] of views()) for (const [tag] of pageText(shown).matchAll(/<svg[^>]*>/g)) assert.match(tag, /role="img" aria-label="[^"]{20,}"|aria-hidden="true"/, what);
  });
});

describe("the page's headline", () => {
  const titleOf = (world: SmallWorld, node: string): string => headline(viewOf(world, node)).title;

  it("is calm when callers are served and somebody could take over, on every member", () => {
    const world = threeWorld();
    for (const node of ["node-a", "node-b", "w1"]) assert.equal(titleOf(world, node), "Callers are served", node);
  });

  it("warns when nobody could take over, or automatic claims are paused", () => {
    const world = settledPair();
    world.machine("node-b").asterisk = false;
    world.run(3_000);
    for (const node of ["node-a", "node-b"]) assert.match(titleOf(world, node), /nobody could take over/, node);
    const paused = settledPair();
    paused.command("node-a", { kind: "pause", reason: "work", forMs: null });
    paused.run(1_000);
    assert.match(headline(viewOf(paused, "node-b")).sentence, /Automatic claims are paused/);
  });

  it("tells a silent agent from callers that are not answered", () => {
    const world = settledPair();
    world.machine("node-a").agent = false;
    world.run(5_000);
    assert.match(titleOf(world, "node-b"), /Callers are answered, but the active is silent/);
  });

  it("alarms when the address is nobody's, a stranger's, or on a node that can't serve", () => {
    const world = settledPair();
    world.machine("node-b").asterisk = false;
    world.machine("node-a").asterisk = false;
    world.run(5_000);
    for (const node of ["node-a", "node-b"]) assert.equal(titleOf(world, node), "Callers are not served", node);
    world.holder = { kind: "stranger", instanceId: null };
    world.run(70_000);
    assert.equal(titleOf(world, "node-a"), "The address is outside the cluster");
    world.holder = { kind: "nobody" };
    world.run(70_000);
    assert.match(headline(viewOf(world, "node-a")).sentence, /on no instance/);
  });
});
