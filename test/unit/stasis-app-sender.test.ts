import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { EventSender } from "../../agent/stasis-app/sinks/sender.ts";
import { SinkFailure } from "../../agent/stasis-app/sinks/sink.ts";
import type { Waiting } from "../../agent/stasis-app/store/outbox.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The outbox's rules in memory (the contract test has them against the real one): one event a call at a time, refused ones wait. */
class MemoryOutbox {
  waiting: (Waiting & { held?: boolean })[] = [];

  put(callId: string, number: number): void {
    const event: CallEvent = { id: `${callId}-${number}`, type: "digit", callId, number, at: "", direction: "out", campaignId: "c", contactId: null, attempt: 1, node: "n", data: {} };
    this.waiting.push({ id: this.waiting.length + 1, event, tries: 0 });
  }

  due(most: number): Promise<readonly Waiting[]> {
    const heads = this.waiting.filter((each, index) => this.waiting.findIndex((other) => other.event.callId === each.event.callId) === index);
    return Promise.resolve(heads.filter((each) => each.held !== true).slice(0, most));
  }

  sent(ids: readonly number[]): Promise<void> {
    this.waiting = this.waiting.filter(({ id }) => !ids.includes(id));
    return Promise.resolve();
  }

  failed(id: number): Promise<void> {
    this.waiting = this.waiting.map((each) => (each.id === id ? { ...each, held: true } : each));
    return Promise.resolve();
  }
}

class World {
  readonly outbox = new MemoryOutbox();
  readonly arrived: CallEvent[] = [];
  readonly troubles: (string | null)[] = [];
  asked = 0;
  active = true;
  deliver: (event: CallEvent) => void = () => undefined;
  readonly sender = new EventSender({
    outbox: this.outbox,
    sink: {
      name: "memory",
      deliver: (event) => {
        this.asked += 1;
        this.deliver(event);
        this.arrived.push(event);
        return Promise.resolve();
      },
      close: () => undefined,
    },
    random: () => 0.5,
    mayRun: () => this.active,
    onTrouble: (message) => void this.troubles.push(message),
    idleMs: 1,
    awayMinMs: 1,
    awayMaxMs: 4,
  });

  async run(story: () => Promise<void>): Promise<void> {
    this.sender.start();
    try {
      await story();
    } finally {
      await this.sender.close();
    }
  }
}

describe("carrying events to the sink", () => {
  it("keeps each call's order and empties the outbox", async () => {
    const world = new World();
    for (let number = 1; number <= 5; number += 1) for (const call of ["a", "b", "c"]) world.outbox.put(call, number);
    await world.run(() => waitUntil("all events", () => world.arrived.length === 15, 5_000).then(() => undefined));
    for (const call of ["a", "b", "c"]) assert.deepEqual(world.arrived.filter(({ callId }) => callId === call).map(({ number }) => number), [1, 2, 3, 4, 5]);
    assert.equal(world.outbox.waiting.length, 0);
  });

  it("asks a sink that is away with one event at a time, loses nothing, and tells of trouble once", async () => {
    const world = new World();
    for (let call = 0; call < 40; call += 1) world.outbox.put(`k${call}`, 1);
    world.deliver = () => { throw new SinkFailure("away", "the sink is away"); };
    await world.run(async () => {
      await waitUntil("the first round and three more tries", () => world.asked >= 43, 5_000);
      assert.equal(world.outbox.waiting.length, 40);
      assert.deepEqual(world.troubles, ["the sink is away"]);
      world.deliver = () => undefined;
      await waitUntil("all events", () => world.arrived.length === 40, 5_000);
    });
    assert.deepEqual(world.troubles, ["the sink is away", null]);
  });

  it("holds back only the call whose event is refused", async () => {
    const world = new World();
    for (const call of ["good", "bad"]) for (const number of [1, 2]) world.outbox.put(call, number);
    world.deliver = ({ callId }) => { if (callId === "bad") throw new SinkFailure("refused", "not this one"); };
    await world.run(() => waitUntil("the good call's events", () => world.arrived.length === 2, 5_000).then(() => undefined));
    assert.deepEqual(world.outbox.waiting.map(({ event }) => event.id), ["bad-1", "bad-2"]);
  });

  it("is quiet on the standby", async () => {
    const world = new World();
    world.active = false;
    world.outbox.put("a", 1);
    await world.run(async () => {
      const turns = { left: 20 };
      await waitUntil("twenty turns of the event loop", () => (turns.left -= 1) <= 0, 5_000);
      assert.equal(world.asked, 0);
      world.active = true;
      await waitUntil("the event", () => world.arrived.length === 1, 5_000);
    });
  });
});
