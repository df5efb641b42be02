// The Stasis app end to end: two real Asterisks with real agents, a shared MariaDB, callees played by SIPp that press keys by RFC 4733.
// With two hundred calls in flight the active dies. Then the ledgers are compared call by call: what was accepted, what the database says,
// what the callees have seen, what events were delivered.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { movedTo, withPair } from "../support/lab/pair-checks.ts";
import type { Pair } from "../support/lab/pair.ts";
import { callIn } from "../support/stasis-app/menu-caller.ts";
import { startCallees, type Callees } from "../support/stasis-app/callee.ts";
import { CARRIER_FILES, LabApp, prepareApps, SHORT } from "../support/stasis-app/lab-app.ts";
import { waitUntil } from "../support/wait-until.ts";

const IN_FLIGHT = 200;
const CALLS = 240;
const PER_SECOND = 40;
/** Nobody has pressed a key when the node dies. */
const HOLD_MS = 20_000;

const CAMPAIGN = {
  campaign: "lab", trunk: "carrier", ringSeconds: 20, maxCallSeconds: 120,
  pacing: { callsPerSecond: PER_SECOND, concurrent: IN_FLIGHT },
  retry: { busy: { tries: 2, waitSeconds: 1 }, noAnswer: { tries: 1 }, failed: { tries: 3, waitSeconds: 2 } },
  cut: { outbound: "retry", inbound: "ring-back", tries: 3, waitSeconds: 1 },
  inbound: ["*"],
  menu: {
    start: "ask",
    nodes: {
      ask: { type: "gather", media: [SHORT], firstDigitMs: 60_000, choices: { 1: "donate", 2: "about", 9: "never" }, exhausted: "bye" },
      donate: { type: "event", event: "donation", next: "bye" },
      about: { type: "play", media: [SHORT], next: "bye" },
      never: { type: "opt-out", next: "bye" },
      bye: { type: "goodbye", media: [SHORT] },
    },
  },
};

/** Which key the owner of a number presses is its last digit. */
const KEYS = ["1", "1", "2", "9"] as const;
const numberOf = (index: number): string => `+4930${String(100_000 + index)}${KEYS[index % KEYS.length] ?? ""}`;
const requestOf = (index: number): { readonly callId: string; readonly phoneNumber: string; readonly campaignId: string; readonly contactId: string } => ({ callId: `call-${index}`, phoneNumber: numberOf(index), campaignId: "lab", contactId: `contact-${index}` });

/** Who calls by himself; his key is 1. */
const callerOf = (index: number): string => `+49309000${index}1`;

interface Ledgers {
  /** By number: how often it was rung, as the callees saw it. */
  readonly rung: ReadonlyMap<string, number>;
  /** By callId: the attempts that the database knows, `RESULT` or `RESULT/answered`. */
  readonly attempts: ReadonlyMap<string, readonly string[]>;
  /** By callId, without repetitions, in the order of delivery. */
  readonly events: ReadonlyMap<string, readonly CallEvent[]>;
}

async function readLedgers(pair: Pair, callees: Callees, apps: readonly LabApp[]): Promise<Ledgers> {
  const rung = new Map<string, number>();
  for (const { what, number } of await callees.ledger()) if (what === "INVITE") rung.set(number, (rung.get(number) ?? 0) + 1);
  const rows = (await pair.database?.sql("SELECT call_id, COALESCE(result, 'open'), answered_at IS NOT NULL FROM app_attempts ORDER BY call_id, attempt")) ?? [];
  const attempts = new Map<string, string[]>();
  for (const row of rows) {
    const [callId = "", result = "", answered] = row.split("\t");
    attempts.set(callId, [...(attempts.get(callId) ?? []), answered === "1" ? `${result}/answered` : result]);
  }
  const events = new Map<string, CallEvent[]>();
  const seen = new Set<string>();
  for (const event of (await Promise.all(apps.map((app) => app.events()))).flat()) {
    if (!seen.has(event.id)) events.set(event.callId, [...(events.get(event.callId) ?? []), event]);
    seen.add(event.id);
  }
  return { rung, attempts, events };
}

/** Every number was rung once for each attempt that the database knows; only of one that was cut before an answer nobody knows. */
function compareRings(index: number, { rung, attempts }: Ledgers): void {
  const { callId, phoneNumber } = requestOf(index);
  const tried = attempts.get(callId) ?? [];
  const rings = rung.get(phoneNumber) ?? 0;
  const unsure = tried.filter((result) => result === "cut").length;
  const about = `${callId}: rung ${rings} times, attempts ${tried.join(", ")}`;
  assert.ok(rings <= tried.length && rings >= tried.length - unsure, about);
  assert.deepEqual(tried.slice(0, -1).filter((result) => !result.startsWith("cut")), [], `${about}: nobody is called again but for a cut`);
  assert.equal(tried.at(-1), "answered/answered", about);
}

/** The call's events are complete and in order, and tell the same as the other ledgers. */
function compareEvents(index: number, { attempts, events }: Ledgers): void {
  const { callId, contactId } = requestOf(index);
  const told = events.get(callId) ?? [];
  assert.deepEqual(told.map(({ number }) => number), told.map((_event, at) => at + 1), `${callId}: without a gap, in order`);
  const key = numberOf(index).at(-1);
  const story = (attempts.get(callId) ?? []).flatMap((result, at, all) => {
    const answered = result.endsWith("/answered") ? ["answered"] : [];
    const inMenu = at < all.length - 1 ? [] : ["digit", ...(key === "1" ? ["donation"] : key === "9" ? ["opt-out"] : [])];
    return ["started", ...answered, ...inMenu, "ended"];
  });
  assert.deepEqual(told.map(({ type }) => type), ["accepted", ...story], callId);
  assert.ok(told.every((event) => event.contactId === contactId));
  assert.deepEqual(told.filter(({ type }) => type === "digit").map(({ data }) => data["digit"]), [key], callId);
}

async function die(pair: Pair, app: LabApp): Promise<void> {
  await pair.lab.nodeGone(app.node);
  pair.node(app.node).agent?.kill("SIGKILL");
  app.process?.kill("SIGKILL");
  await pair.node(app.node).asterisk.kill();
}

describe("the Stasis app", () => {
  it("loses no call, dials none twice and tells all of it when the active dies with two hundred calls in flight", async () => {
    await withPair({ database: true, asteriskFiles: CARRIER_FILES, knobs: { STASIS_APPS: "callcenter", ROSTER_INTERVAL_MS: "1000" } }, async (pair) => {
      const campaigns = await prepareApps(pair, CAMPAIGN);
      const [a, b] = [new LabApp(pair, "node-a"), new LabApp(pair, "node-b")];
      try {
        for (const app of [a, b]) await app.start(campaigns, { APP_TRUNK_LIMITS: "carrier=50/300" });
        await pair.steady("node-a");
        const callees = await startCallees(pair.lab, HOLD_MS);
        const requests = Array.from({ length: CALLS }, (_, index) => requestOf(index));
        assert.deepEqual(await b.dial(requests.slice(0, 40)), Array(40).fill(202), "the standby accepts, too");
        assert.deepEqual(await a.dial(requests), Array(CALLS).fill(202), "and the same callId twice is one call");
        await waitUntil("two hundred calls in flight", async () => (await a.status()).here >= IN_FLIGHT, 40_000);
        assert.equal((await b.status()).here, 0, "the standby is quiet");
        // Two who have called themselves, and are in the menu.
        const callers = [0, 1].map((index) => callIn(pair.lab, "4955500", { keys: [], hangUpAfterMs: null }, callerOf(index)));
        await waitUntil("both callers in the menu", async () => (await a.status()).here >= IN_FLIGHT + callers.length, 20_000);
        const before = await a.status();

        await die(pair, a);
        await movedTo(pair, "node-b");
        await waitUntil("every call to have ended", async () => {
          const { figures, waiting } = await b.status();
          return figures !== null && figures.queued + figures.dialling + figures.up === 0 && waiting?.count === 0;
        }, 90_000);

        const ledgers = await readLedgers(pair, callees, [a, b]);
        for (let index = 0; index < CALLS; index += 1) {
          compareRings(index, ledgers);
          compareEvents(index, ledgers);
        }
        await Promise.all(callers);
        assert.deepEqual([0, 1].map((index) => ledgers.rung.get(callerOf(index))), [1, 1], "callers who were cut off are rung back, once");
        const back = [...ledgers.events].filter(([callId]) => callId.startsWith("back-in-")).map(([, told]) => told.map(({ type }) => type));
        assert.deepEqual(back, Array(callers.length).fill(["accepted", "started", "answered", "digit", "donation", "ended"]));
        assert.equal(ledgers.rung.size, CALLS + callers.length, "nobody else was called");
        const again = [...ledgers.attempts.values()].filter((tried) => tried.length > 1).length;
        process.stderr.write(`in flight at the death: ${before.here} (up ${before.figures?.up ?? 0}); called again: ${again}; app at ${before.here} calls: ${Math.round(before.rssBytes / 1e6)} MB\n`);
        assert.ok(again >= IN_FLIGHT / 2, "the death came in the middle");
        assert.equal((await pair.database?.sql("SELECT COUNT(*) FROM app_do_not_call"))?.[0], String(CALLS / 4));
        assert.deepEqual(await b.dial([{ ...requestOf(3), callId: "after-opt-out" }]), [403], "who has opted out is not called again");
        for (const app of [a, b]) assert.ok(!/\+?4930\d/.test(app.process?.log() ?? ""), "a number is in the log");
      } catch (error) {
        for (const app of [a, b]) process.stderr.write(`--- app of ${app.node}\n${(app.process?.log() ?? "").split("\n").slice(-25).join("\n")}\n`);
        throw error;
      }
    });
  });
});
