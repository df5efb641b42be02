// The rings behind the page's charts, and the charts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { charts } from "../../agent/status/page/charts.ts";
import { LastHour } from "../../agent/status/page/last-hour.ts";
import { settledPair, type SmallWorld } from "../support/small-world.ts";

const SPAN_MS = 300_000;

function watched(size?: number): { readonly world: SmallWorld; readonly hour: LastHour } {
  const world = settledPair();
  const hour = new LastHour(world.config("node-b"), size);
  world.observe("node-b", (_before, event, { state }) => { if (event.type === "ticked") hour.observe(state); });
  return { world, hour };
}

describe("the page's last hour", () => {
  it("has nothing before the first sample", () => {
    const world = settledPair();
    const hour = new LastHour(world.config("node-b"));
    assert.equal(hour.span(SPAN_MS, SPAN_MS, 10), null);
    assert.match(charts(hour, ["node-a"], world.nowMs).text, /Nothing measured yet/);
  });

  it("keeps latencies, calls and states of both nodes, and where the address was", () => {
    const { world, hour } = watched();
    world.machine("node-a").calls = 41;
    world.run(60_000);
    const span = hour.span(60_000, 60_000, 6) ?? assert.fail("no span");
    assert.equal(hour.highest("calls:node-a", span).at(-1), 41);
    assert.equal(hour.highest("calls:node-b", span).at(-1), 3);
    assert.ok(hour.highest("rtt:node-a", span).every((value) => value !== null && value > 0 && value < 10));
    assert.ok(hour.highest("ari", span).every((value) => value === 2));
    assert.deepEqual(hour.worst("node-a", span), Array(6).fill("serving"));
    assert.deepEqual(hour.holders(span), Array(6).fill("node-a"));
  });

  it("shows a short trouble in a long span, and a gap where nothing was heard", () => {
    const { world, hour } = watched();
    world.run(30_000);
    world.command("node-b", { kind: "pause", reason: "so that nothing moves", forMs: null });
    world.machine("node-a").asterisk = false;
    world.run(3_000);
    world.machine("node-a").asterisk = true;
    world.run(57_000);
    world.machine("node-a").agent = false;
    world.run(30_000);
    const span = hour.span(120_000, 120_000, 4) ?? assert.fail("no span");
    assert.ok(hour.worst("node-a", span).includes("down"));
    assert.equal(hour.worst("node-a", span).at(-1), "silent");
    const fine = hour.span(120_000, 120_000, 120) ?? assert.fail("no span");
    assert.equal(hour.highest("rtt:node-a", fine).at(-1), null);
  });

  it("follows the address when it moves", () => {
    const { world, hour } = watched();
    world.run(10_000);
    world.machine("node-a").asterisk = false;
    world.run(10_000);
    const span = hour.span(20_000, 20_000, 20) ?? assert.fail("no span");
    assert.deepEqual([...new Set(hour.holders(span).filter((holder) => holder !== null))], ["node-a", "node-b"]);
  });

  it("keeps one sample a second and no more than fit, the newest", () => {
    const { world, hour } = watched(60);
    world.machine("node-b").calls = 9;
    world.run(20_000);
    world.machine("node-b").calls = 1;
    world.run(90_000);
    const span = hour.span(0, 3_600_000, 30) ?? assert.fail("no span");
    assert.ok(span.toMs - span.fromMs >= 58_000 && span.toMs - span.fromMs <= 65_000, `${span.toMs - span.fromMs} ms`);
    assert.ok(hour.highest("calls:node-b", span).every((calls) => calls === 1));
  });

  it("has no Asterisk of its own on a witness", () => {
    const world = settledPair();
    const hour = new LastHour({ ...world.config("node-b"), kind: "witness", peers: ["node-a", "node-b"] });
    hour.observe(world.state("node-b"));
    assert.deepEqual(hour.nodes, ["node-a", "node-b"]);
    assert.equal(hour.highest("ari", { fromMs: 0, toMs: 1e9, parts: 1 })[0], null);
  });
});

describe("the charts", () => {
  it("say in words what they draw", () => {
    const { world, hour } = watched();
    world.run(60_000);
    const { text } = charts(hour, ["node-a"], world.nowMs);
    assert.match(text, /aria-label="Heartbeat round trip, the last 5 minutes\. node-a: now 2\.0 ms, median 2\.0 ms, highest 2\.0 ms\."/);
    assert.match(text, /aria-label="Calls, the last 5 minutes\. node-a: now 3, median 3, highest 3\. node-b: now 3/);
    assert.match(text, /aria-label="node-a, the last 5 minutes: serving 100 % of the time\. It held the address for /);
    assert.doesNotMatch(text, /NaN|Infinity|undefined/);
  });

  it("break the line where nothing was measured", () => {
    const { world, hour } = watched();
    world.run(100_000);
    world.machine("node-a").agent = false;
    world.run(100_000);
    world.restart("node-a");
    world.run(60_000);
    const path = /Heartbeat round trip.*?class="line line-0" d="([^"]*)"\/><\/svg><\/div>/s.exec(charts(hour, ["node-a"], world.nowMs).text)?.[1] ?? "";
    assert.equal(path.match(/M/g)?.length, 2, path);
  });
});
