// What is made of the secret's versions while the agent runs: each is handed on until it is taken, and failures are told once.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgentError } from "../../agent/errors.ts";
import { openLog } from "../../agent/log.ts";
import type { SecretSource } from "../../agent/ports.ts";
import { watchSecret } from "../../agent/secret-watch.ts";
import type { Secret } from "../../agent/secret.ts";
import { FIRST } from "../support/rotation-world.ts";
import { waitUntil } from "../support/wait-until.ts";

describe("watching for a new version", () => {
  it("hands it on until it is taken, tells a failure once, and survives a defect", async () => {
    let version = "v1";
    const source: SecretSource = { fetch: () => Promise.resolve({ text: JSON.stringify(FIRST), version }) };
    const lines: { readonly event: string; readonly level: string }[] = [];
    const log = openLog({ level: "debug", clusterId: "c", nodeId: "n", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { lines.push(JSON.parse(line) as { event: string; level: string }); } } });
    const handed: string[] = [];
    const tried: (string | null)[] = [];
    let outcome: () => Promise<void> = () => Promise.reject(new AgentError("AGENT_RENDER_INVALID", "no"));
    const onNew = (_secret: Secret, next: string): Promise<void> => {
      handed.push(next);
      return outcome();
    };
    const stop = watchSecret({ source, kind: "node", deadlineMs: 1_000, log }, { inUse: "v1", intervalMs: 5, onNew, onTried: (failure) => { tried.push(failure?.code ?? null); } });
    try {
      version = "v2";
      await waitUntil("three attempts", () => handed.length >= 3, 5_000);
      assert.deepEqual(lines.map(({ event, level }) => `${level} ${event}`), ["error config-not-rendered"]);
      assert.deepEqual([...new Set(tried)], ["AGENT_RENDER_INVALID"]);
      outcome = () => Promise.reject(new TypeError("a defect"));
      await waitUntil("the defect told", () => lines.some(({ event }) => event === "defect-found"), 5_000);
      outcome = () => Promise.resolve();
      await waitUntil("it taken", () => lines.at(-1)?.event === "secret-rotated", 5_000);
      assert.equal(tried.at(-1), null, "the newest is in use");
      const count = handed.length;
      version = "v3";
      await waitUntil("the next one", () => handed.at(-1) === "v3", 5_000);
      assert.equal(handed.length, count + 1);
    } finally {
      stop();
    }
  });

  it("tells of a version that makes no sense until it is corrected, not of one that can't be read, and hands on what a start has missed", async () => {
    let text = JSON.stringify(FIRST);
    let readable = true;
    const source: SecretSource = { fetch: () => (readable ? Promise.resolve({ text, version: "v1" }) : Promise.reject(new AgentError("AGENT_SECRET_UNREADABLE", "away"))) };
    const events: string[] = [];
    const log = openLog({ level: "debug", clusterId: "c", nodeId: "n", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { events.push((JSON.parse(line) as { event: string }).event); } } });
    const tried: (string | null)[] = [];
    const handed: string[] = [];
    const onNew = (_secret: Secret, version: string): Promise<void> => {
      handed.push(version);
      return Promise.resolve();
    };
    const stop = watchSecret({ source, kind: "node", deadlineMs: 1_000, log }, { inUse: null, intervalMs: 5, onNew, onTried: (failure) => { tried.push(failure?.code ?? null); } });
    try {
      await waitUntil("the start's version", () => handed.length === 1, 5_000);
      assert.deepEqual([[...handed], [...tried]], [["v1"], [null]]);
      readable = false;
      await waitUntil("the silence told", () => events.at(-1) === "secret-unreadable", 5_000);
      assert.deepEqual([...tried], [null]);
      readable = true;
      text = "{}";
      await waitUntil("the nonsense told", () => tried.includes("AGENT_SECRET_INVALID"), 5_000);
      text = JSON.stringify(FIRST);
      await waitUntil("its end told", () => [...tried].pop() === null, 5_000);
      assert.deepEqual(handed, ["v1"], "it is the one in use");
    } finally {
      stop();
    }
  });
});
