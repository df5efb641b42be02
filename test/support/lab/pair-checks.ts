// What end-to-end tests say about a pair: who holds the address, how often it moved, what the caller saw. Each check fails
// with the figures, and with both agents' last words.
import assert from "node:assert/strict";
import { waitUntil } from "../wait-until.ts";
import type { NodeName } from "./addresses.ts";
import type { CallerReport } from "./caller.ts";
import { monotonicMs } from "./clock.ts";
import { ALLOCATION, instanceOf, openPair, type Pair, type PairOptions } from "./pair.ts";

/** Opens a steady pair with running agents, hands it to the story, and takes everything away afterwards. */
export async function withPair(options: PairOptions, story: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await openPair(options);
  try {
    if (options.witness === true) await pair.startWitness();
    for (const name of pair.nodes.keys()) await pair.startAgent(name);
    await story(pair);
  } catch (error) {
    for (const [name, node] of pair.nodes) process.stderr.write(`--- agent of ${name}\n${(node.agent?.log() ?? "").split("\n").slice(-25).join("\n")}\n`);
    throw error;
  } finally {
    await pair.close();
  }
}

/** Who holds the address, as EC2 says. */
export async function holderOf(pair: Pair): Promise<NodeName | "stranger" | null> {
  const location = (await pair.aws("locate", ALLOCATION)) as { readonly instanceId: string | null } | null;
  if (location === null) return null;
  return [...pair.nodes.keys()].find((name) => instanceOf(name) === location.instanceId) ?? "stranger";
}

/** Waits until the address is on that node, its agent says that it is active, and the caller is answered by it. */
export async function movedTo(pair: Pair, name: NodeName, withinMs = 40_000): Promise<void> {
  await waitUntil(`the address on ${name}`, async () => (await holderOf(pair)) === name, withinMs);
  await waitUntil(`${name} active`, async () => (await pair.status(name)).role === "active", withinMs);
  await pair.caller?.answeredBy(name, withinMs);
}

/** Waits for the time in which a wrong move would have come, and asserts that none did. Waiting is what this checks. */
export async function staysOn(pair: Pair, name: NodeName | "stranger" | null, forMs: number): Promise<void> {
  const untilMs = monotonicMs() + forMs;
  await waitUntil(`${forMs} ms without a move`, async () => {
    assert.equal(await holderOf(pair), name, "the address moved although it must not");
    assert.deepEqual(await pair.claims(), [], "a claim was sent although none must be");
    return monotonicMs() >= untilMs;
  }, forMs + 60_000);
  assert.deepEqual(pair.moves, [], "packets were sent elsewhere");
}

/** What the caller saw since then; fails if there was an outage longer than `atMostMs`. */
export function callerSaw(pair: Pair, sinceMs: number, atMostMs: number): CallerReport {
  assert.ok(pair.caller !== null, "no caller runs");
  const report = pair.caller.report({ sinceMs: sinceMs - 500 });
  assert.ok(report.answered > 0, "the caller was never answered");
  assert.ok(report.longestGapMs <= atMostMs, `the caller waited ${Math.round(report.longestGapMs)} ms; at most ${atMostMs} ms are allowed`);
  return report;
}

/** Milliseconds from then until the first claim reached EC2 (wall clock of one machine). */
export async function claimAfterMs(pair: Pair, faultAtWallMs: number): Promise<number> {
  const [first] = await pair.claims();
  assert.ok(first !== undefined, "no claim reached EC2");
  return first.receivedAtWallMs - faultAtWallMs;
}
