/** What a scenario may promise. A sentence that does not hold throws an AssertionError that says what was found instead. */
import assert from "node:assert/strict";
import { COLD_START_GATES } from "../../agent/core/cold-standby.ts";
import { unprovenChannels } from "../../agent/core/evidence.ts";
import { gateContext, GATES } from "../../agent/core/gates.ts";
import type { State } from "../../agent/core/state.ts";
import { STRANGER_NAME } from "../simulation/cloud.ts";
import type { Stage } from "./scenario.ts";

interface Expectation {
  readonly pattern: RegExp;
  readonly check: (stage: Stage, words: readonly string[]) => void;
}

const NODE = "(node-[a-d])";
const MEMBER = "(node-[a-d]|witness-[1-3])";

const expectation = (sentence: string, check: Expectation["check"]): Expectation => ({ pattern: new RegExp(`^${sentence}$`), check });

const EXPECTATIONS: readonly Expectation[] = [
  expectation("the address on (node-[a-d]|nobody|a stranger)", (stage, [where]) => {
    const holder = stage.cluster.cloud.holder();
    assert.equal(holder === null ? "nobody" : holder === STRANGER_NAME ? "a stranger" : holder, where);
  }),
  expectation("active (nobody|node-[a-d](?: and node-[a-d])*)", (stage, [who = ""]) => {
    assert.deepEqual(stage.cluster.believers(), who === "nobody" ? [] : who.split(" and "));
  }),
  expectation(`${NODE} (starting|standby|claiming|active)`, (stage, [who = "", role]) => { assert.equal(stateOf(stage, who).role, role); }),
  expectation(`${NODE} (serving|degraded|down|unknown)`, (stage, [who = "", serving]) => { assert.equal(stateOf(stage, who).health.serving, serving); }),
  expectation("(no move|1 move|[0-9]+ moves)", (stage, [count = ""]) => { assert.equal(stage.cluster.moves.length - stage.movesBefore, countOf(count)); }),
  expectation("(no claim|1 claim|[0-9]+ claims)", (stage, [count = ""]) => { assert.equal(stage.findings.claims.length, countOf(count)); }),
  expectation("the (first|last) claim within ([0-9]+) ms", (stage, [which, most]) => { assertBetween(claimAtMs(stage, which), 0, Number(most)); }),
  expectation("the (first|last) claim between ([0-9]+) and ([0-9]+) ms", (stage, [which, least, most]) => { assertBetween(claimAtMs(stage, which), Number(least), Number(most)); }),
  expectation("the (first|last) claim by (consent|quorum|vacancy|switchover|takeover)", (stage, [which, cause]) => { assert.equal(claimOf(stage, which).cause, cause === "vacancy" ? "vacant" : cause); }),
  expectation("callers served throughout", (stage) => { assert.equal(stage.findings.unservedMs, 0, `callers were unserved for ${stage.findings.unservedMs} ms`); }),
  expectation("callers unserved for at most ([0-9]+) ms", (stage, [most]) => { assertBetween(stage.findings.unservedMs, 0, Number(most)); }),
  expectation(`${MEMBER} (paused|not paused)`, (stage, [who = "", how]) => { assert.equal(stateOf(stage, who).policy.pause.on, how === "paused"); }),
  expectation(`${NODE} (blocked|not blocked)`, (stage, [who = "", how]) => { assert.equal(stateOf(stage, who).policy.blocked, how === "blocked"); }),
  expectation("(no alive marks|alive marks)", (stage, [what]) => { assert.equal(callsSince(stage, "writeMark") > 0, what === "alive marks", `${callsSince(stage, "writeMark")} marks were written`); }),
  expectation(`${NODE} names ([0-9]+) dropped calls of ${NODE}`, (stage, [who = "", count, from]) => {
    assert.deepEqual(stage.cluster.member(who).ledger.map((entry) => [entry.from, entry.calls.length]), [[from, Number(count)]]);
  }),
  expectation("(no start|1 start|[0-9]+ starts) of a standby", (stage, [count = ""]) => { assert.equal(callsSince(stage, "startInstance"), countOf(count)); }),
  expectation("(witness-[1-3]) waits to start until \"([a-zA-Z0-9 -]+)\"", (stage, [who = "", gate]) => {
    const context = gateContext(stateOf(stage, who), stage.cluster.member(who).config);
    assert.equal(COLD_START_GATES.find((each) => !each.passes(context))?.name, gate);
  }),
  expectation(`${NODE} (ready|not ready) to claim`, (stage, [who = "", how]) => { assert.equal(stateOf(stage, who).claimReady.ready, how === "ready"); }),
  expectation(`${NODE} may not write marks`, (stage, [who = ""]) => { assert.equal(stateOf(stage, who).claimReady.markAllowed, false); }),
  expectation(`${NODE} finds (sip|eip) unproven`, (stage, [who = "", channel]) => {
    assert.deepEqual(unprovenChannels(stateOf(stage, who).evidence, stage.cluster.member(who).config), [channel]);
  }),
  expectation(`${NODE} waits for "([a-zA-Z0-9 -]+)"`, (stage, [who = "", gate]) => {
    const context = gateContext(stateOf(stage, who), stage.cluster.member(who).config);
    assert.equal(GATES.quorum.find((each) => !each.passes(context))?.name, gate);
  }),
  expectation(`${NODE} (refuses|takes) new calls`, (stage, [who = "", how]) => { assert.equal(stage.cluster.member(who).maintenance, how === "refuses"); }),
  expectation(`${NODE} (no|[0-9]+) automatic claims? counted`, (stage, [who = "", count]) => { assert.equal(stateOf(stage, who).policy.claimsAtMs.length, count === "no" ? 0 : Number(count)); }),
  expectation(`the switchover on ${NODE} (done|failed|refused|checked|draining)`, (stage, [who = "", how]) => { assert.equal(stateOf(stage, who).switchover?.phase, how); }),
  expectation(`the takeover on ${NODE} (done|failed|refused)`, (stage, [who = "", how]) => { assert.equal(stateOf(stage, who).takeover?.phase, how); }),
  expectation("a claim that no promise covers", (stage) => { assert.ok(stage.findings.claims.some((claim) => claim.judged === "blind"), "every claim is covered by the promises"); }),
];

/** Throws when the sentence does not hold, or is none. */
export function checkExpectation(stage: Stage, sentence: string): void {
  for (const { pattern, check } of EXPECTATIONS) {
    const found = pattern.exec(sentence);
    if (found === null) continue;
    check(stage, found.slice(1));
    return;
  }
  throw new Error("not an expectation that scenarios know");
}

function stateOf(stage: Stage, who: string): State {
  const { state } = stage.cluster.member(who);
  assert.ok(state !== null, `${who} has no agent running`);
  return state;
}

function countOf(words: string): number {
  return words.startsWith("no ") ? 0 : Number(words.split(" ")[0]);
}

function callsSince(stage: Stage, kind: string): number {
  return (stage.cluster.cloud.calls.get(kind) ?? 0) - (stage.callsBefore.get(kind) ?? 0);
}

function claimOf(stage: Stage, which: string | undefined): Stage["findings"]["claims"][number] {
  const claim = which === "first" ? stage.findings.claims[0] : stage.findings.claims.at(-1);
  assert.ok(claim !== undefined, "no claim was sent");
  return claim;
}

function claimAtMs(stage: Stage, which: string | undefined): number {
  return claimOf(stage, which).atMs - stage.zeroMs;
}

function assertBetween(value: number, least: number, most: number): void {
  assert.ok(value >= least && value <= most, `it was ${Math.round(value)} ms, promised ${least === 0 ? "" : `at least ${least} and `}at most ${most} ms`);
}
