// What every place for events must do: take an event whole, any number of times, and say so when it can't.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { SinkFailure, type EventSink } from "../../agent/stasis-app/sinks/sink.ts";
import { waitUntil } from "../support/wait-until.ts";

export interface SinkSetUp {
  readonly sink: EventSink;
  /** What has arrived, in order of arrival. */
  readonly arrived: () => Promise<readonly unknown[]> | readonly unknown[];
  /** Makes the place unreachable, and reachable again. */
  readonly away: () => Promise<void>;
  readonly back: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function eventOf(number: number, callId = "k1"): CallEvent {
  return { id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, type: number % 2 === 0 ? "donation" : "digit", callId, number, at: "2026-01-02T03:04:05.678Z", direction: "out", campaignId: "appeal", contactId: "c-1", attempt: 1, node: "node-a", data: { text: "äöü € \"quoted\"\n", count: 3, nothing: null } };
}

export function describeSinkContract(name: string, setUp: () => Promise<SinkSetUp>): void {
  describe(`the sink contract: ${name}`, () => {
    let world: SinkSetUp;
    const within = (): AbortSignal => AbortSignal.timeout(5_000);
    before(async () => { world = await setUp(); });
    after(() => world.close());

    it("takes events whole, in the order in which they come", async () => {
      for (const number of [1, 2, 3]) await world.sink.deliver(eventOf(number), within());
      await waitUntil("three events", async () => (await world.arrived()).length >= 3, 5_000);
      assert.deepEqual(await world.arrived(), [1, 2, 3].map((number) => eventOf(number)));
    });

    it("takes many at once", async () => {
      const before = (await world.arrived()).length;
      const events = Array.from({ length: 50 }, (_, index) => eventOf(index, `many-${index}`));
      await Promise.all(events.map((event) => world.sink.deliver(event, within())));
      await waitUntil("fifty events", async () => (await world.arrived()).length >= before + 50, 5_000);
      const arrived = (await world.arrived()).slice(before) as CallEvent[];
      assert.deepEqual(arrived.map(({ callId }) => callId).toSorted(), events.map(({ callId }) => callId).toSorted());
    });

    it("fails as away while it is away, and takes the same event when it is back", async () => {
      const before = (await world.arrived()).length;
      await world.away();
      await assert.rejects(world.sink.deliver(eventOf(9), within()), (error) => error instanceof SinkFailure && error.kind === "away");
      await world.back();
      // Not necessarily at the first try: a connection from before may be found dead only now.
      await waitUntil("the event to be taken", () => world.sink.deliver(eventOf(9), within()).then(() => true, () => false), 5_000);
      await waitUntil("the event", async () => (await world.arrived()).length > before, 5_000);
      assert.deepEqual((await world.arrived()).at(-1), eventOf(9));
    });
  });
}
