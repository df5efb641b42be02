/** ARI's answers to plain questions, over real HTTP: damaged, foreign, and followed by what was never asked. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { AriTelephony } from "../../../agent/adapters/ari-telephony.ts";
import { settledOrRefused } from "../judge.ts";
import { mutatedJsonText } from "../mutate.ts";
import { httpText, rawReplies, rawReplySchema, startRawServer } from "../raw-server.ts";
import { target } from "../target.ts";

const QUESTIONS = ["ping", "describe", "app"] as const;
const DEADLINE_MS = 20_000;
/** What a heartbeat can carry (core/heartbeat.ts, field `asterisk`): a longer one would have every heartbeat refused. */
const VERSION_MAX = 32;

const bodies = mutatedJsonText([
  { system: { version: "22.10.1", entity_id: "x" }, config: { name: "node-a", default_language: "en" } },
  { system: { version: "22.10.1~dfsg+~cs6.17.60671435-1+deb14u1" }, config: {} },
  { ping: "pong", timestamp: "2026-11-20T10:00:00.000+0000", asterisk_id: "x" },
  { name: "callcenter", channel_ids: [], bridge_ids: [], endpoint_ids: [], device_names: [], events_allowed: [] },
  { message: "Resource not found" },
]);

export const ariHttp = target({
  name: "ari-http",
  says: "damaged answers of ARI, to the questions that go over plain HTTP",
  inputs: fc.record({ question: fc.constantFrom(...QUESTIONS), reply: rawReplies(bodies) }),
  schema: z.object({ question: z.enum(QUESTIONS), reply: rawReplySchema }),
  casesInSuite: 300,
  share: 20_000,
  open: async () => {
    const server = await startRawServer();
    const telephony = new AriTelephony({ ariUrl: `http://127.0.0.1:${server.port}`, username: "agent", password: "not-a-secret", nodeId: "node-a", controlSocketPath: "/nowhere/asterisk.ctl", clock: { monotonicMs: () => performance.now() }, random: () => 0.5 });
    let count = 0;
    return {
      async feed({ question, reply }) {
        await server.quiet();
        server.answer([reply]);
        const signal = AbortSignal.timeout(DEADLINE_MS);
        const ask = { ping: () => telephony.ping(signal), describe: () => telephony.describe(signal), app: () => telephony.stasisAppRegistered("callcenter", signal) };
        const done = await settledOrRefused<unknown>(ask[question], { codes: ["AGENT_ARI_FAILED", "AGENT_ARI_DENIED"] });
        if (done !== null && question === "describe") assertDescription(done.value);
        if (done !== null && question === "app") assert.equal(typeof done.value, "boolean");
        // Whatever was left of that answer must not pass for the answer to the next question.
        count += 1;
        const version = `9.${count}`;
        await server.quiet();
        server.answer([{ bytes: httpText(200, JSON.stringify({ system: { version } })), stay: false }]);
        const next = await settledOrRefused(() => telephony.describe(AbortSignal.timeout(DEADLINE_MS)), { codes: ["AGENT_ARI_FAILED"] });
        if (next !== null) assert.equal(next.value.version, version, "an old answer was taken for the new one");
        return done !== null;
      },
      close: async () => {
        await telephony.close();
        await server.close();
      },
    };
  },
});

function assertDescription(value: unknown): void {
  const { version, systemName } = value as { readonly version: string; readonly systemName: string };
  assert.ok(version !== "" && version.length <= VERSION_MAX, `a version of ${version.length} characters`);
  for (const text of [version, systemName]) assert.doesNotMatch(text, /[\p{Cc}]/u);
}
