import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ContactCounter } from "../../agent/adapters/contact-counter.ts";
import { AgentError } from "../../agent/errors.ts";

/** A counter whose clock and Asterisk are in the test's hand. */
function makeCounter() {
  const world = { nowMs: 0, contacts: 1, listings: 0, costMs: 10, failing: false };
  const list = (): Promise<string> => {
    world.listings += 1;
    world.nowMs += world.costMs;
    return world.failing ? Promise.reject(new AgentError("AGENT_PROBE_TIMEOUT", "no answer")) : Promise.resolve(`Objects found: ${world.contacts}\n`);
  };
  const counter = new ContactCounter(list, () => world.nowMs);
  return { world, counter, read: () => counter.read(AbortSignal.abort()) };
}

describe("the contact counter", () => {
  it("lists once, and not again while nothing changes, but for a check every ten minutes", async () => {
    const { world, read } = makeCounter();
    assert.deepEqual(await read(), { reachable: 1, unreachable: 0 });
    for (; world.nowMs < 590_000; world.nowMs += 5_000) await read();
    assert.equal(world.listings, 1);
    world.nowMs += 20_000;
    await read();
    assert.equal(world.listings, 2);
  });

  it("lists after a change, at most every thirty seconds", async () => {
    const { world, counter, read } = makeCounter();
    await read();
    for (let second = 0; second < 300; second += 1) {
      world.nowMs += 1_000;
      world.contacts += 1;
      counter.noteChange();
      await read();
    }
    assert.ok(world.listings >= 8 && world.listings <= 11, `${world.listings} listings in 300 s`);
  });

  it("never spends more than one hundredth of the time listing", async () => {
    const { world, counter, read } = makeCounter();
    world.costMs = 2_000;
    for (let second = 0; second < 2_000; second += 1) {
      world.nowMs += 1_000;
      counter.noteChange();
      await read();
    }
    assert.ok((world.listings * world.costMs) / world.nowMs <= 0.011, `${world.listings} listings in ${world.nowMs} ms`);
  });

  it("sees a change that came while it was listing", async () => {
    const { world, counter, read } = makeCounter();
    const reading = read();
    counter.noteChange();
    await reading;
    world.contacts = 2;
    world.nowMs += 31_000;
    assert.deepEqual(await read(), { reachable: 2, unreachable: 0 });
  });

  it("passes a failure on, and keeps owing the listing", async () => {
    const { world, read } = makeCounter();
    await read();
    world.nowMs += 700_000;
    world.failing = true;
    await assert.rejects(read(), { code: "AGENT_PROBE_TIMEOUT" });
    world.failing = false;
    world.contacts = 5;
    world.nowMs += 31_000;
    assert.deepEqual(await read(), { reachable: 5, unreachable: 0 });
  });
});
