/** ARI's events, through the real ari-client as we wrap it: unknown types, missing parts, and what is no event at all. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import fc from "fast-check";
import { z } from "zod";
import { CanaryCalls } from "../../../agent/adapters/ari-canary.ts";
import { AriClientSession, type AriEvent } from "../../../agent/adapters/ari-client-session.ts";
import { AriTransport } from "../../../agent/adapters/ari-transport.ts";
import { FuzzAri } from "../ari-server.ts";
import { mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const KNOWN = new Set(["Message", "StasisStart", "StasisEnd", "ContactStatusChange", "PeerStatusChange", "ApplicationReplaced"]);
const WAIT_MS = 20_000;

const common = { application: "node-agent-node-a", timestamp: "2026-11-20T10:00:00.000+0000", asterisk_id: "02:00:00:00:00:01" };
const SEEDS: readonly Json[] = [
  { type: "StasisStart", ...common, args: [], channel: { id: "canary-node-a-00000000-1", name: "Local/answer@canary-1;2", state: "Up" } },
  { type: "StasisEnd", ...common, channel: { id: "1700000000.1", name: "PJSIP/a-1", state: "Up" } },
  { type: "ContactStatusChange", ...common, endpoint: { technology: "PJSIP", resource: "a", state: "online", channel_ids: [] }, contact_info: { uri: "sip:a@192.0.2.1", contact_status: "Reachable", aor: "a", roundtrip_usec: "1000" } },
  { type: "PeerStatusChange", ...common, endpoint: { technology: "PJSIP", resource: "a", state: "online", channel_ids: [] }, peer: { peer_status: "Registered" } },
  { type: "ApplicationReplaced", ...common }, { type: "Message" }, { type: "BrandNewEvent", ...common, channel: {} }, { type: "*" }, { type: "error" }, { type: "__proto__" }, { type: "constructor" },
];

export const ariEvents = target({
  name: "ari-events",
  says: "messages on ARI's event socket, through ari-client to the canary's reader of events",
  inputs: fc.array(mutatedJsonText(SEEDS, 3), { minLength: 1, maxLength: 6 }),
  schema: z.array(z.string()),
  casesInSuite: 400,
  share: 40_000,
  open: async () => {
    const ari = new FuzzAri();
    await ari.listen();
    const access = { url: ari.url, username: "agent", password: "not-a-secret" };
    const transport = new AriTransport(access);
    const canary = new CanaryCalls("node-a", () => undefined);
    let taken: AriEvent[] = [];
    let count = 0;
    let arrived: (() => void) | null = null;
    const session = await AriClientSession.open(
      {
        access, app: "node-agent-node-a", pingIntervalMs: 3_600_000,
        onEvent: (event) => {
          if ((event as { readonly marker?: unknown }).marker === count) arrived?.();
          else taken.push(event);
        },
        onIgnored: () => undefined,
      },
      AbortSignal.timeout(WAIT_MS),
    );
    return {
      async feed(texts) {
        taken = [];
        count += 1;
        const after = new Promise<void>((resolve) => (arrived = resolve));
        for (const text of texts) ari.say(text);
        // What follows arrives in order, and tells that all before it was read.
        ari.say(JSON.stringify({ type: "ApplicationReplaced", ...common, marker: count }));
        await Promise.race([after, session.ended.then((why) => assert.fail(`the session ended: ${why.message}`))]);
        assert.ok(taken.length <= texts.length, "more events than messages");
        for (const event of taken) {
          assert.ok(typeof event === "object" && KNOWN.has(event.type), `an event of an unknown type was handed on: ${inspect(event)}`);
          canary.note(session, event);
        }
        return taken.length > 0;
      },
      close: async () => {
        session.close();
        await canary.quiet();
        transport.close();
        await ari.close();
      },
    };
  },
});
