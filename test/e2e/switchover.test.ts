// The planned failover, and the drain that it is made of, on the real thing: callers in progress stay, new ones get an answer, the
// address moves, and whatever goes wrong leaves everything as it was. One pair lives through all of it, in this order.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { callersGap } from "../support/lab/callers-gap.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import { answeredOrRefused, heldCall, refusedCall } from "../support/lab/call-scenarios.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import { nodectl } from "../support/lab/nodectl.ts";
import { ALLOCATION, openPair, type Pair } from "../support/lab/pair.ts";
import { holderOf, movedTo } from "../support/lab/pair-checks.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { runSipp, type SippRun } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

const APP = "callcenter";
/** None of these makes a planned move faster: the others are how soon a stranger is noticed, and how long an offer is left open. */
const KNOBS = { STASIS_APPS: APP, COUNTS_INTERVAL_MS: "500", OWNER_READ_INTERVAL_MS: "2000", CLAIM_CONFIRM_WITHIN_MS: "4000" };
/** Of callers' trunk calls, each kind with a port and a number of its own. */
const HELD = { prefix: "4930", port: "5071" };
const NEW = { prefix: "4940", port: "5072" };

let pair: Pair;

before(async () => {
  pair = await openPair({ knobs: KNOBS });
  for (const node of ["node-a", "node-b"] as const) {
    let ready = false;
    await pair.lab.spawn(node, process.execPath, ["--import", "tsx", join(REPOSITORY, "test/support/reference-app/app-main.ts")], {
      name: `app-${node}`,
      env: { ARI_USERNAME: "agent", ARI_PASSWORD: pair.secret.ari_password, APP },
      onLine: (line) => { ready ||= line.includes('"ready"'); },
    });
    await waitUntil(`the application on ${node}`, () => ready, 30_000);
    await pair.startAgent(node);
  }
  await ready("node-a");
});

after(async () => { await (pair as Pair | undefined)?.close(); });

/** A steady pair with that active, whose standby has proven that it may claim and takes calls: who handed the address over refuses them until packets have followed it. */
async function ready(active: NodeName): Promise<void> {
  await pair.steady(active);
  await waitUntil("no node to be drained", async () => (await Promise.all([pair.status("node-a"), pair.status("node-b")])).every((status) => status.draining === null), 20_000);
  await waitUntil("the standby to have proven that it may claim", async () => (await pair.status(other(active))).ready.claim === true, 30_000);
}

const other = (node: NodeName): NodeName => (node === "node-a" ? "node-b" : "node-a");

/** Callers who talk for so long, and have been answered when this resolves. */
async function talkers(calls: number, holdMs: number): Promise<SippRun> {
  const run = await runSipp(pair.lab, { scenario: heldCall(HELD.prefix, holdMs), calls, rate: 20, timeoutMs: holdMs + 30_000, args: ["-p", HELD.port] });
  await waitUntil(`${calls} calls to be up`, async () => ((await pair.status("node-a")).health?.calls ?? 0) >= calls, 20_000);
  return run;
}

/** One new caller; true when everything went as the scenario says. */
async function oneCall(scenario: string): Promise<boolean> {
  const run = await runSipp(pair.lab, { scenario, calls: 1, timeoutMs: 15_000, args: ["-p", NEW.port] });
  return (await run.finished).ok;
}

/** Waits until the caller's OPTIONS to the Elastic IP get that answer from that node. */
async function callersGet(node: NodeName, status: 200 | 503, withinMs = 20_000): Promise<void> {
  const fromMs = monotonicMs();
  await waitUntil(`${node} to answer callers with ${status}`, () => pair.caller?.answers.some((answer) => answer.sentAtMs >= fromMs && answer.node === node && answer.status === status), withinMs);
}

/** The callers who still talk are gone, and Asterisk knows it. */
async function hangUp(talking: SippRun): Promise<void> {
  talking.process.kill("SIGKILL");
  await pair.node("node-a").asterisk.cli("channel request hangup all");
  await waitUntil("no call on node-a", async () => (await pair.status("node-a")).health?.calls === 0, 20_000);
}

/** What the caller saw of a move, for the log of this test. */
function tellGap(test: TestContext, from: NodeName, to: NodeName): void {
  const { refusedMs, silentMs } = callersGap(pair, from, to);
  const figure = `from the last call that ${from} would have taken to the first that ${to} did: ${Math.round(refusedMs)} ms (EC2 takes 300 ms, packets follow 1000 ms later); longest time without any answer: ${Math.round(silentMs)} ms`;
  test.diagnostic(figure);
  assert.ok(refusedMs > 0, figure);
}

describe("a drain", () => {
  it("refuses new calls with 503 and Retry-After while those in progress go on, moves nothing, and ends at the operator's word", async () => {
    const talking = await talkers(3, 6_000);
    const drained = await nodectl(pair, "node-a", "drain", "--for", "2m", "--reason", "new kernel");
    assert.equal(drained.code, 0, drained.stderr);
    await callersGet("node-a", 503);
    assert.equal(await oneCall(refusedCall(NEW.prefix)), true, "a new call is refused with 503 and Retry-After");
    assert.equal((await talking.finished).ok, true, "calls in progress went on to their end");
    const { health, draining } = await pair.status("node-a");
    assert.deepEqual([health?.serving, draining], ["serving", "new kernel"], "a drain is not a failure");
    assert.equal((await nodectl(pair, "node-a", "undrain")).code, 0);
    await callersGet("node-a", 200);
    assert.equal(await oneCall(heldCall(NEW.prefix, 500)), true, "a new call is answered");
    assert.deepEqual(await pair.claims(), [], "nothing has moved");
  });

  it("is over after a restart of the agent, and a switchover with it", async () => {
    const orders = [["drain", "--for", "2m"], ["switchover", "--drain", "2m", "--yes"]] as const;
    const talking = await talkers(2, 120_000);
    for (const order of orders) {
      const given = nodectl(pair, order[0] === "drain" ? "node-a" : "node-b", ...order);
      await callersGet("node-a", 503);
      pair.node("node-a").agent?.kill("SIGKILL");
      await pair.node("node-a").agent?.exited;
      await pair.startAgent("node-a");
      await callersGet("node-a", 200, 30_000);
      const { code, stderr } = await given;
      assert.equal(code, order[0] === "drain" ? 0 : 1, stderr);
      if (order[0] === "switchover") assert.match(stderr, /Nothing has moved, and node-a takes new calls again: its agent has started anew/);
      await ready("node-a");
    }
    assert.equal(talking.process.running(), true, "the calls in progress have noticed nothing");
    await hangUp(talking);
    assert.deepEqual(await pair.claims(), []);
  });
});

describe("a switchover", () => {
  it("that can't be done is refused, and one that fails leaves everything as it was", async () => {
    const talking = await talkers(2, 120_000);
    const given = nodectl(pair, "node-a", "switchover", "--drain", "2m", "--yes");
    await callersGet("node-a", 503);
    pair.node("node-b").asterisk.stop();
    const failed = await given;
    assert.equal(failed.code, 1, failed.stdout);
    assert.match(failed.stderr, /Nothing has moved, and node-a takes new calls again: node-b's Asterisk is down/);
    await callersGet("node-a", 200);
    const refused = await nodectl(pair, "node-a", "switchover", "--yes");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Refused: node-b's Asterisk is down/);
    pair.node("node-b").asterisk.cont();
    assert.equal((await nodectl(pair, "node-a", "switchover", "--drain", "soon")).code, 2);
    await ready("node-a");
    assert.deepEqual([await holderOf(pair), (await pair.status("node-a")).role], ["node-a", "active"]);
    assert.deepEqual(await pair.claims(), []);
    assert.equal(talking.process.running(), true, "the calls in progress have noticed nothing");
    await hangUp(talking);
  });

  it("moves nothing unless somebody says yes, and nothing in a dry run", async () => {
    const unasked = await nodectl(pair, "node-a", "switchover");
    assert.equal(unasked.code, 2, "nobody is there to be asked");
    assert.match(unasked.stderr, /there is nobody to ask here: give --yes/);
    const dry = await nodectl(pair, "node-b", "switchover", "--dry-run");
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /node-b could take the address from node-a now\. Nothing was changed\./);
    assert.deepEqual([await pair.claims(), (await pair.status("node-a")).draining], [[], null]);
  });

  it("that EC2 does not carry out is withdrawn, and says why", async () => {
    await pair.aws("addFault", { action: "AssociateAddress", outcome: "throttle" });
    const { code, stderr } = await nodectl(pair, "node-a", "switchover", "--drain", "0", "--yes");
    assert.equal(code, 1);
    assert.match(stderr, /Nothing has moved, and node-a takes new calls again: node-b has not taken the address within .*AGENT_CLOUD_THROTTLED/);
    await callersGet("node-a", 200);
    assert.equal(await holderOf(pair), "node-a");
    await pair.aws("clearFaults");
    await pair.aws("addFault", { action: "DescribeAddresses", delayBeforeMs: 50 });
    for (const action of ["AssociateAddress", "CreateTags"]) await pair.aws("addFault", { action, delayBeforeMs: 300 });
    await ready("node-a");
  });

  it("lets calls in progress end, answers every new one with a call or a 503, and then moves", async (test: TestContext) => {
    const claimsBefore = (await pair.claims()).length;
    const talking = await talkers(3, 8_000);
    const stream = await runSipp(pair.lab, { scenario: answeredOrRefused(NEW.prefix), calls: 90, rate: 5, timeoutMs: 60_000, args: ["-p", NEW.port] });
    const fromMs = monotonicMs();
    const { code, stdout, stderr } = await nodectl(pair, "node-b", "switchover", "--drain", "60s", "--yes", "--reason", "new kernel");
    const tookMs = monotonicMs() - fromMs;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^before: .* is on node-a\n[^]*^after: .* is on node-b\n/m);
    assert.match(stdout, /New calls are refused with 503; [1-9]\d* call\(s\)/);
    assert.match(stdout, /Two reads of EC2 show the address on node-b/);
    assert.ok(tookMs < 50_000, `it waits for the calls, not for the end of the drain; it took ${Math.round(tookMs)} ms`);
    assert.equal((await talking.finished).ok, true, "calls in progress went on to their end");
    await movedTo(pair, "node-b");
    const all = await stream.finished;
    assert.equal(all.ok, true, `every new call was answered or refused:\n${all.log.slice(-2_000)}`);
    tellGap(test, "node-a", "node-b");
    assert.equal((await pair.claims()).length, claimsBefore + 1);
    const status = await pair.status("node-b");
    assert.equal(status.policy.claimsLastHour, 0, "an operator's word is no automatic claim");
    assert.match(status.moves.at(-1)?.reason ?? "", /node-a hands the address over, as an operator asked: new kernel/);
    await ready("node-b");
  });

  it("without calls in progress is over before callers miss anybody, and answers in JSON", async (test: TestContext) => {
    const back = await nodectl(pair, "node-a", "switchover", "--to", "node-a", "--yes", "--json");
    assert.equal(back.code, 0, back.stderr);
    const outcome = JSON.parse(back.stdout) as { readonly ok: boolean; readonly before: { readonly holder: string }; readonly after: { readonly holder: string } };
    assert.deepEqual([outcome.ok, outcome.before.holder, outcome.after.holder], [true, "node-b", "node-a"]);
    await movedTo(pair, "node-a");
    tellGap(test, "node-b", "node-a");
  });
});

describe("a takeover", () => {
  it("takes the address from a stranger, but only with --force and with the danger said", async () => {
    await ready("node-a");
    await pair.aws("placeAddress", ALLOCATION, { instanceId: "i-0stranger" });
    await waitUntil("node-b to see the stranger", async () => (await pair.status("node-b")).address.holder.includes("i-0stranger"), 20_000);
    const refused = await nodectl(pair, "node-b", "takeover", "--yes");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /"not a stranger's".* would have to be overridden; --force does/);
    const { code, stdout, stderr } = await nodectl(pair, "node-b", "takeover", "--force", "--yes", "--reason", "it is ours");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /overrides "not a stranger's": The address is on .*i-0stranger.*\n {2}danger: Whatever that instance serves through the address is cut at once/);
    await movedTo(pair, "node-b");
  });

  it("takes the address of a dead peer, whatever speaks against it, and says what it overrides", async () => {
    await ready("node-b");
    assert.equal((await nodectl(pair, "node-a", "pause", "--reason", "works in zone 1")).code, 0);
    await pair.lab.nodeGone("node-b");
    pair.node("node-b").agent?.kill("SIGKILL");
    await pair.node("node-b").asterisk.kill();
    const refused = await nodectl(pair, "node-a", "takeover", "--yes");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /"not paused".* would have to be overridden; --force does/);
    const { code, stdout, stderr } = await nodectl(pair, "node-a", "takeover", "--force", "--yes", "--reason", "zone 1 is gone");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /overrides "not paused": Automatic claims are paused by an operator: works in zone 1\n {2}danger: Somebody may be working/);
    await movedTo(pair, "node-a");
    assert.match((await pair.status("node-a")).moves.at(-1)?.reason ?? "", /An operator takes the address over from node-b: zone 1 is gone\. Overridden: .*not paused/);
    assert.match(pair.node("node-a").agent?.log() ?? "", /An operator tells this node to take the address over: zone 1 is gone/);
  });
});
