import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "../../agent/config-presets.ts";
import { loadConfig } from "../../agent/config.ts";
import { EC2_READ_MS, worstCase, worstCaseLine, type WorstCase } from "../../agent/worst-case.ts";
import { SimCluster } from "../simulation/cluster.ts";
import { nodeConfig, WITNESS_SETTINGS } from "../support/settings.ts";

const CRASHES = /^Asterisk crashes/;
const HANGS = /^Asterisk hangs/;
const DIES = /^The active's instance dies/;
const MUTE = /^Asterisk answers, but no call/;
const STASIS = /^A Stasis application/;

function of(cases: readonly WorstCase[], what: RegExp): WorstCase {
  const found = cases.find((each) => what.test(each.what));
  assert.ok(found, String(what));
  return found;
}

describe("the worst case with the settings in force", () => {
  const cases = worstCase(nodeConfig({ STASIS_APPS: "aicc" }).core);

  it("keeps the promises L1 to L3 with the defaults", () => {
    assert.ok(of(cases, CRASHES).ms <= 600);
    assert.ok(of(cases, DIES).ms <= 2_000);
    assert.ok(of(cases, HANGS).ms <= 3_000);
  });

  it("is the sum that its words spell out", () => {
    for (const preset of Object.keys(PRESETS)) {
      for (const witnesses of ["", "w1=10.0.3.10:8090"]) {
        for (const { what, ms, how } of worstCase(nodeConfig({ TIMING: preset, WITNESSES: witnesses, STASIS_APPS: "aicc" }).core)) {
          const terms = [...(how.split("): ")[0] ?? "").matchAll(/(\d+) ms \(/g)].map((match) => Number(match[1]));
          assert.equal(terms.reduce((total, term) => total + term, 0), ms, `${what}: ${how}`);
        }
      }
    }
  });

  it("is, worked out by hand for the defaults, what it says", () => {
    assert.equal(of(cases, CRASHES).ms, 400 + 150 + 50);
    assert.equal(of(cases, HANGS).ms, 1_000 + 50 + 3 * 400 + 150 + 50);
    assert.equal(of(cases, DIES).ms, 600 + 50 + 900 + 50 + EC2_READ_MS);
    assert.equal(of(cases, MUTE).ms, 10_000 + 50 + 2 * 2_000 + 150 + 50);
    assert.equal(of(cases, STASIS).ms, 2_000 + 50 + 10_000 + 50 + 150 + 50);
  });

  it("follows whichever evidence comes last", () => {
    const lastOf = (changes: Readonly<Record<string, string>>): string => of(worstCase(nodeConfig(changes).core), DIES).how;
    assert.match(lastOf({}), /: EC2's word, the last of the evidence/);
    assert.match(lastOf({ PEER_LOST_AFTER_MS: "5000" }), /: the heartbeat's silence, the last of the evidence/);
    assert.match(lastOf({ PROBE_DOWN_AFTER: "6", PEER_LOST_AFTER_MS: "1800" }), /: the probes' silence, the last of the evidence/);
    assert.match(lastOf({ TIMING: "cautious", WITNESSES: "w1=10.0.3.10:8090" }), /: a witness's word, the last of the evidence/);
  });

  it("leaves out what is not watched", () => {
    assert.ok(!worstCase(nodeConfig().core).some(({ what }) => STASIS.test(what)));
  });

  it("is, on a witness, the time until it has said down", () => {
    const cases = worstCase(loadConfig({ file: WITNESS_SETTINGS, process: {} }, "1").core);
    assert.deepEqual(cases.map(({ ms }) => ms), [1_500 + 50 + 250 + 50]);
  });

  it("is told as one line", () => {
    assert.match(worstCaseLine(of(cases, CRASHES)), /^Asterisk crashes .*: at worst 0\.60 s = 400 ms \(PROBE_TIMEOUT_MS/);
  });
});

/** Packets need some time, too; the simulated network takes at most this for all that one failover sends. */
const NETWORK_MS = 20;

const FAULTS: readonly { readonly what: RegExp; readonly within: number; readonly strike: (cluster: SimCluster) => void }[] = [
  { what: CRASHES, within: 0.2, strike: (cluster) => { cluster.member("node-a").setAsterisk("crashed"); } },
  { what: HANGS, within: 0.8, strike: (cluster) => { cluster.member("node-a").setAsterisk("hung"); } },
  { what: DIES, within: 0.8, strike: (cluster) => { cluster.member("node-a").powerOff(); } },
];

/** From the fault until the standby sends its claim, in milliseconds. */
function claimAfterMs(strike: (cluster: SimCluster) => void, phase: number, preset: string, witnesses: number): number {
  const cluster = new SimCluster({ seed: phase + 1, nodes: 2, witnesses, holder: "node-a", knobs: { TIMING: preset } });
  let claimedAtMs = Infinity;
  cluster.onStep((_member, _before, _event, { actions }) => {
    if (actions.some((action) => action.type === "request" && action.request.kind === "claim")) claimedAtMs = Math.min(claimedAtMs, cluster.time.nowMs);
  });
  cluster.startAll();
  // Phases that share no measure with any interval, so that the fault falls at ever other places between two probes.
  cluster.run(15_000 + phase * 377.3);
  assert.equal(claimedAtMs, Infinity, `claims without a fault (seed ${phase + 1})`);
  const struckAtMs = cluster.time.nowMs;
  strike(cluster);
  cluster.run(8_000);
  return claimedAtMs - struckAtMs;
}

describe("the simulated cluster", () => {
  for (const preset of Object.keys(PRESETS)) {
    for (const witnesses of [0, 1]) {
      const { core } = nodeConfig({ TIMING: preset, WITNESSES: witnesses === 0 ? "" : "witness-1=10.0.3.10:8090" });
      for (const { what, within, strike } of FAULTS) {
        const { ms } = of(worstCase(core), what);
        it(`claims within ${ms} ms: ${what.source.slice(1)} (${preset}, ${witnesses} witnesses), and the figure is no mere bound`, () => {
          const taken = [0, 1, 2, 3, 4].map((phase) => claimAfterMs(strike, phase, preset, witnesses));
          assert.ok(Math.max(...taken) <= ms + NETWORK_MS, `took ${taken.map(Math.round).join(", ")} ms`);
          assert.ok(Math.max(...taken) >= within * ms, `took only ${taken.map(Math.round).join(", ")} ms`);
        });
      }
    }
  }
});
