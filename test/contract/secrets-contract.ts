/** What every SecretSource must do. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { SecretSource } from "../../agent/ports.ts";
import { rejectsWith } from "../support/rejects-with.ts";

export interface SecretsWorld {
  readonly source: SecretSource;
  /** Makes this the secret's text. */
  put(text: string): Promise<void>;
  close(): Promise<void>;
}

export function describeSecretSourceContract(name: string, makeWorld: () => Promise<SecretsWorld>): void {
  describe(`SecretSource contract: ${name}`, () => {
    let world: SecretsWorld;
    const never = new AbortController().signal;
    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.close());

    it("gives the text as it was put, and a version", async () => {
      await world.put('{"ari_password":"pässword\\n"}');
      const { text, version } = await world.source.fetch(never);
      assert.equal(text, '{"ari_password":"pässword\\n"}');
      assert.ok(version.length > 0);
    });

    it("gives another version when the secret has changed, and the same while it has not", async () => {
      await world.put("one");
      const first = await world.source.fetch(never);
      assert.deepEqual(await world.source.fetch(never), first);
      await world.put("two");
      const second = await world.source.fetch(never);
      assert.equal(second.text, "two");
      assert.notEqual(second.version, first.version);
    });

    it("says that there is none", async () => {
      await rejectsWith("AGENT_SECRET_UNREADABLE", world.source.fetch(never));
    });

    it("settles with its code when the signal has fired", async () => {
      await world.put("one");
      await rejectsWith("AGENT_SECRET_UNREADABLE", world.source.fetch(AbortSignal.abort()));
    });
  });
}
