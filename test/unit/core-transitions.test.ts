// The table of transitions row by row: from which state each fires, and from which near ones none does.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginClaim } from "../../agent/core/claim.ts";
import { gateContext } from "../../agent/core/gates.ts";
import type { State } from "../../agent/core/state.ts";
import { rowThatHolds, TRANSITIONS } from "../../agent/core/transitions.ts";
import type { Holder, Role } from "../../agent/core/types.ts";
import { sampleStandby } from "../simulation/core-samples.ts";
import { CLAIMABLE, CLAIMABLE_CONFIG } from "../support/claimable.ts";

const AT_MS = 100_000;
const standby = sampleStandby(AT_MS, CLAIMABLE_CONFIG);
const HERE: Holder = { kind: "node", node: "node-b" };
const ELSEWHERE: readonly Holder[] = [{ kind: "node", node: "node-a" }, { kind: "nobody" }, { kind: "stranger", instanceId: null }];
const as = (role: Role, holder: Holder | null, over: Partial<State> = {}): State => ({ ...standby, role, ownership: { ...standby.ownership, holder }, ...over });
const claiming = (over: Partial<NonNullable<State["claim"]>>, holder: Holder | null = ELSEWHERE[0] ?? null): State => {
  const claim = beginClaim("quorum", "It is gone.", { suspectedForMs: 1_400, verdicts: [], cloud: "unknown" }, AT_MS - 300);
  return as("claiming", holder, { claim: { ...claim, ...over } });
};

const row = (state: State): string | null => rowThatHolds(gateContext(state, CLAIMABLE_CONFIG))?.name ?? null;
const says = (state: State): string => rowThatHolds(gateContext(state, CLAIMABLE_CONFIG))?.says(gateContext(state, CLAIMABLE_CONFIG)) ?? "";

const CASES: readonly [string, State, string | null][] = [
  ["starting, and EC2 shows the address here", as("starting", HERE), "found-here"],
  ...ELSEWHERE.map((holder): [string, State, string] => [`starting, and EC2 shows the address elsewhere (${holder.kind})`, as("starting", holder), "found-elsewhere"]),
  ["starting, and nothing is known", as("starting", null), null],
  ["standby, and EC2 shows the address here", as("standby", HERE), "handed-over"],
  ["standby beside a healthy active", as("standby", { kind: "node", node: "node-a" }), null],
  ["claiming, and EC2 shows the address here", claiming({ phase: "accepted", calledAtMs: AT_MS - 100 }, HERE), "claim-confirmed"],
  ["claiming, and the call is under way", claiming({}), null],
  ["claiming, and EC2 has accepted it", claiming({ phase: "accepted", calledAtMs: AT_MS - 100, contraryReads: 1 }), null],
  ["claiming, and EC2 has refused it", claiming({ phase: "refused", calledAtMs: AT_MS - 100 }), "claim-refused"],
  ["claiming, and reading back shows it elsewhere", claiming({ phase: "accepted", calledAtMs: AT_MS - 10_000, contraryReads: 2 }), "claim-lost"],
  ["claiming, and EC2 can't be read for long", claiming({ phase: "unknown", calledAtMs: AT_MS - 20_000 }), "claim-unknown"],
  ["active, and EC2 shows the address here", as("active", HERE), null],
  ["active, and nothing is known", as("active", null), null],
  ...ELSEWHERE.map((holder): [string, State, string] => [`active, and EC2 shows the address elsewhere (${holder.kind})`, as("active", holder), "deposed"]),
  ["a witness, whoever has the address", as("witness", HERE), null],
];

describe("the table of transitions", () => {
  for (const [when, state, expected] of CASES) it(`says ${expected ?? "nothing"} when this node is ${when}`, () => assert.equal(row(state), expected));

  it("has no row that is asked for nowhere here or before the claims", () => {
    const claims = TRANSITIONS.filter(({ to }) => to === "claiming").map(({ cause }) => cause);
    assert.deepEqual(claims.toSorted(), Object.keys(CLAIMABLE).toSorted());
    assert.deepEqual(TRANSITIONS.filter(({ to, name }) => to !== "claiming" && !CASES.some(([, , expected]) => expected === name)), []);
  });

  it("tells what was measured", () => {
    const quorum = { ...CLAIMABLE.quorum, readySince: { cause: "quorum", sinceMs: 0 } } as const;
    assert.equal(says(quorum), "node-a is gone: 3 of 3 observer(s) see it down on every channel, suspected for 1400 ms. No alive mark has appeared since the suspicion began.");
    const stopped = { ...quorum, ownership: { ...quorum.ownership, instance: { node: "node-a", state: "stopped", atMs: 11_000 } } } as const;
    assert.equal(says(stopped), "node-a is gone: 3 of 3 observer(s) see it down on every channel, suspected for 1400 ms. EC2 says that the active's instance is stopped.");
    assert.match(says(claiming({}, HERE)), /confirm the claim after 300 ms/);
    assert.match(says(claiming({ phase: "refused", failure: { code: "AGENT_CLOUD_DENIED", message: "no permission" } })), /\(AGENT_CLOUD_DENIED: no permission\)/);
  });
});
