import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LINK_LIMITS, makeAcceptGuard, makeTokenBucket, normalAddress } from "../../agent/adapters/link-guard.ts";

const LIMITS = { ...LINK_LIMITS, handshakesBurst: 4, handshakesPerSecond: 2, pendingPerMember: 2, strangerHandshakesBurst: 3, strangerHandshakesPerSecond: 1, strangersPending: 2 };
const MEMBERS = new Map([["10.0.2.10", 1], ["10.0.3.10", 1]]);

describe("token bucket", () => {
  it("gives its burst at once, then its rate", () => {
    const bucket = makeTokenBucket(3, 10, 1000);
    assert.deepEqual([1000, 1000, 1000, 1000, 1099, 1100, 1100].map((atMs) => bucket.take(atMs)), [true, true, true, false, false, true, false]);
  });

  it("never holds more than its burst", () => {
    const bucket = makeTokenBucket(2, 10, 0);
    assert.deepEqual([bucket.take(3_600_000), bucket.take(3_600_000), bucket.take(3_600_000)], [true, true, false]);
  });
});

describe("accept guard", () => {
  it("refuses other addresses at once, unless strangers are welcome", () => {
    assert.equal(makeAcceptGuard(MEMBERS, false, LIMITS, 0).admit("10.9.9.9", 0), "unknown-node");
    assert.equal(makeAcceptGuard(MEMBERS, true, LIMITS, 0).admit("10.9.9.9", 0), null);
  });

  it("limits how many handshakes of a member run at once, and frees each", () => {
    const guard = makeAcceptGuard(MEMBERS, false, LIMITS, 0);
    assert.deepEqual([0, 0, 0].map((atMs) => guard.admit("10.0.2.10", atMs)), [null, null, "flood"]);
    guard.settle("10.0.2.10");
    assert.equal(guard.admit("10.0.2.10", 0), null);
  });

  it("limits the rate of a member, and of it alone", () => {
    const guard = makeAcceptGuard(MEMBERS, false, LIMITS, 0);
    const attempt = (address: string, atMs: number): string | null => {
      const refusal = guard.admit(address, atMs);
      if (refusal === null) guard.settle(address);
      return refusal;
    };
    assert.deepEqual([0, 0, 0, 0, 0].map((atMs) => attempt("10.0.2.10", atMs)), [null, null, null, null, "flood"]);
    assert.equal(attempt("10.0.3.10", 0), null);
    assert.equal(attempt("10.0.2.10", 500), null);
    assert.equal(attempt("10.0.2.10", 500), "flood");
  });

  it("lets strangers use up only what strangers have", () => {
    const guard = makeAcceptGuard(MEMBERS, true, LIMITS, 0);
    assert.deepEqual(Array.from({ length: 1000 }, (_, number) => guard.admit(`10.9.${number >> 8}.${number & 255}`, 0)).filter((refusal) => refusal === null).length, 2);
    assert.equal(guard.admit("10.0.2.10", 0), null);
  });

  it("gives members that share an address a budget each", () => {
    const guard = makeAcceptGuard(new Map([["10.0.2.10", 2]]), false, LIMITS, 0);
    assert.deepEqual([0, 0, 0, 0, 0].map((atMs) => guard.admit("10.0.2.10", atMs)), [null, null, null, null, "flood"]);
  });

  it("frees a stranger's place even if its address has become a member's meanwhile", () => {
    const guard = makeAcceptGuard(MEMBERS, true, LIMITS, 0);
    for (let times = 0; times < 10; times += 1) {
      const address = `10.9.9.${times}`;
      assert.equal(guard.admit(address, times * 10_000), null);
      guard.allow(address);
      guard.settle(address);
      assert.deepEqual([guard.admit(address, times * 10_000), guard.admit(address, times * 10_000), guard.admit(address, times * 10_000)], [null, null, "flood"]);
    }
  });
});

describe("addresses", () => {
  for (const [written, normal] of [["10.0.2.10", "10.0.2.10"], ["::ffff:10.0.2.10", "10.0.2.10"], ["::FFFF:10.0.2.10", "10.0.2.10"], ["FD00:0:0::A", "fd00::a"], ["fe80::1%eth0", "fe80::1"]] as const) {
    it(`are written one way: ${written}`, () => assert.equal(normalAddress(written), normal));
  }
});
