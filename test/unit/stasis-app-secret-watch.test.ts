import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SecretWatch } from "../../agent/stasis-app/secret-watch.ts";
import type { AppSecret } from "../../agent/stasis-app/secret.ts";

const secretOf = (password: string): string => JSON.stringify({ ari_password: password, app_database: { username: "callapp", password: "db" }, app_token: "t".repeat(32) });

class World {
  text = secretOf("one");
  reads = 0;
  nowMs = 0;
  failure: Error | null = null;
  refused: Error | null = null;
  readonly used: string[] = [];
  readonly told: (string | null)[] = [];
  readonly watch = new SecretWatch({
    inUse: secretOf("one"), intervalMs: 3_600_000, monotonicMs: () => this.nowMs,
    read: () => {
      this.reads += 1;
      return this.failure === null ? Promise.resolve(this.text) : Promise.reject(this.failure);
    },
    use: (secret: AppSecret) => {
      if (this.refused !== null) return Promise.reject(this.refused);
      this.used.push(secret.ariPassword);
      return Promise.resolve();
    },
    onUsed: () => undefined,
    onTrouble: (message) => void this.told.push(message),
  });

  async look(): Promise<void> {
    this.nowMs += 1_000;
    await this.watch.look();
  }
}

describe("the watch over the Stasis app's secret", () => {
  it("puts a new version to use once", async () => {
    const world = new World();
    await world.look();
    world.text = secretOf("two");
    await world.look();
    await world.look();
    assert.deepEqual(world.used, ["two"]);
  });

  it("reads once for all who were refused at the same moment", async () => {
    const world = new World();
    await Promise.all(Array.from({ length: 50 }, () => world.watch.look()));
    await world.watch.look();
    assert.equal(world.reads, 1);
  });

  it("hands on a version again of which a part could not be used, and tells that once, without words of others", async () => {
    const world = new World();
    world.text = secretOf("two");
    world.refused = Object.assign(new Error("Access denied for user 'callapp'"), { code: "ER_ACCESS_DENIED_ERROR" });
    await world.look();
    await world.look();
    assert.deepEqual(world.told, ["not all of it can be used yet (ER_ACCESS_DENIED_ERROR)"]);
    world.refused = null;
    await world.look();
    assert.deepEqual(world.used, ["two"]);
    assert.deepEqual(world.told.at(-1), null);
  });

  it("keeps what it has while the secret can't be read or makes no sense", async () => {
    const world = new World();
    world.failure = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    await world.look();
    world.failure = null;
    world.text = JSON.stringify({ ari_password: "two" });
    await world.look();
    assert.deepEqual(world.used, []);
    assert.match(world.told.at(-1) ?? "", /app_token: must be/);
    assert.ok(!JSON.stringify(world.told).includes("two"));
    await world.watch.close();
  });
});
