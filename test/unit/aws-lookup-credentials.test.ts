/** Names and credentials: what worked a minute ago is used when the fresh answer does not come. */
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { describe, it } from "node:test";
import { AwsCredentials, type AwsIdentity } from "../../agent/adapters/aws-credentials.ts";
import { rememberingLookup } from "../../agent/adapters/remembering-lookup.ts";
import { waitUntil } from "../support/wait-until.ts";

describe("rememberingLookup", () => {
  type Resolve = (done: (error: NodeJS.ErrnoException | null, answer: readonly LookupAddress[]) => void) => void;
  const one = (address: string): Resolve => (done) => done(null, [{ address, family: 4 }]);
  const failing: Resolve = (done) => done(Object.assign(new Error("resolver is gone"), { code: "EAI_AGAIN" }), []);

  function aLookup(): { set(resolve: Resolve): void; look(hostname?: string): Promise<string> } {
    let resolve: Resolve = failing;
    const lookup = rememberingLookup((_hostname, _family, done) => resolve(done));
    return {
      set: (next) => (resolve = next),
      look: (hostname = "ec2.test") => new Promise((settle, reject) => lookup(hostname, { all: true }, (error, addresses) => (error !== null ? reject(error) : settle((addresses as LookupAddress[]).map((each) => each.address).join())))),
    };
  }

  it("prefers the fresh answer", async () => {
    const names = aLookup();
    names.set(one("192.0.2.1"));
    assert.equal(await names.look(), "192.0.2.1");
    names.set(one("192.0.2.2"));
    assert.equal(await names.look(), "192.0.2.2");
  });

  it("falls back to the last good answer when the resolver fails or is silent, and only for that name", async () => {
    const names = aLookup();
    names.set(one("192.0.2.1"));
    await names.look();
    names.set(failing);
    assert.equal(await names.look(), "192.0.2.1");
    names.set(() => undefined);
    assert.equal(await names.look(), "192.0.2.1");
    names.set(failing);
    await assert.rejects(names.look("other.test"), /resolver is gone/);
  });
});

describe("AwsCredentials", () => {
  const identity = (accessKeyId: string, endsAtMs: number | null): AwsIdentity => ({ accessKeyId, secretAccessKey: "not-a-secret", ...(endsAtMs === null ? {} : { expiration: new Date(endsAtMs) }) });
  const HOUR_MS = 3_600_000;

  it("asks the chain once, also for simultaneous calls", async () => {
    let asked = 0;
    const credentials = new AwsCredentials("eu-central-1", () => 0, () => Promise.resolve(identity(`key-${++asked}`, null)));
    await Promise.all([credentials.provide(), credentials.provide()]);
    assert.equal((await credentials.provide()).accessKeyId, "key-1");
  });

  it("fetches fresh ones in the background before the end, and never makes a call wait for them", async () => {
    let nowMs = 0;
    let answer: ((identity: AwsIdentity) => void) | null = null;
    let first = true;
    const credentials = new AwsCredentials("eu-central-1", () => nowMs, () => {
      if (!first) return new Promise((resolve) => (answer = resolve));
      first = false;
      return Promise.resolve(identity("old", HOUR_MS));
    });
    await credentials.provide();
    nowMs = HOUR_MS - 600_000;
    assert.equal((await credentials.provide()).accessKeyId, "old");
    (await waitUntil("the chain to be asked", () => answer, 20_000))(identity("new", 7 * HOUR_MS));
    assert.equal((await waitUntil("the new credentials", async () => (await credentials.provide()).accessKeyId === "new" && (await credentials.provide()), 20_000)).accessKeyId, "new");
  });

  it("goes on with the old ones when the chain fails, and asks no more than once a minute", async () => {
    let nowMs = 0;
    let asked = 0;
    const credentials = new AwsCredentials("eu-central-1", () => nowMs, () => (asked++ === 0 ? Promise.resolve(identity("old", HOUR_MS)) : Promise.reject(new Error("no metadata"))));
    await credentials.provide();
    for (nowMs = HOUR_MS; nowMs < HOUR_MS + 180_000; nowMs += 1000) assert.equal((await credentials.provide()).accessKeyId, "old");
    assert.equal(asked, 1 + 3);
  });

  it("rejects while there are none, and asks again", async () => {
    let asked = 0;
    const credentials = new AwsCredentials("eu-central-1", () => 0, () => (asked++ === 0 ? Promise.reject(new Error("no metadata")) : Promise.resolve(identity("key", null))));
    await assert.rejects(credentials.provide(), /no metadata/);
    assert.equal((await credentials.provide()).accessKeyId, "key");
  });
});
