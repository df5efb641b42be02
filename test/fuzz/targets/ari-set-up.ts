/**
 * The whole telephony adapter while ARI is not itself: pages of its description damaged, calls answered with anything. It
 * must live through that, and be well as soon as ARI is.
 */
import fc from "fast-check";
import { z } from "zod";
import { AriTelephony } from "../../../agent/adapters/ari-telephony.ts";
import { describeResource, describeResources } from "../../support/asterisk-stand-in/ari-description.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { ARI_PLACES, FuzzAri, type AriPlace } from "../ari-server.ts";
import { settledOrRefused } from "../judge.ts";
import { mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const WAIT_MS = 20_000;
const TIMING = { pingIntervalMs: 5_000, connectWithinMs: 2_000, setUpWithinMs: 500, setUpAgainMs: 20, retryMinMs: 5, retryMaxMs: 40, settledAfterMs: 60_000 };
/** Only the paths matter; the port of the server is another one each time. */
const BASE = "http://127.0.0.1:8088";

const application: Json = { name: "node-agent-node-a", channel_ids: ["canary-node-a-00000000-1"], bridge_ids: [] };
const GOOD: Readonly<Record<AriPlace, Json>> = {
  resources: describeResources(BASE) as Json,
  asterisk: describeResource("asterisk", BASE) as Json,
  applications: describeResource("applications", BASE) as Json,
  channels: describeResource("channels", BASE) as Json,
  events: describeResource("events", BASE) as Json,
  filter: application,
  subscribe: application,
  originate: { id: "canary-node-a-00000000-1", name: "Local/answer@canary", state: "Up" },
  hangup: { message: "Channel not found" },
};

const overridden = fc.constantFrom(...ARI_PLACES).chain((place) => fc.record({ place: fc.constant(place), status: fc.constantFrom(200, 200, 200, 201, 204, 404, 500, 503), body: fc.oneof(mutatedJsonText([GOOD[place]], 3), fc.constantFrom("null", "", "[]", "7", '"text"', "{}")) }));

export const ariSetUp = target({
  name: "ari-set-up",
  says: "damaged pages of ARI's description and answers to our calls, to the telephony adapter as a whole",
  inputs: fc.array(overridden, { minLength: 1, maxLength: 3 }),
  schema: z.array(z.object({ place: z.enum(ARI_PLACES), status: z.int(), body: z.string() })),
  casesInSuite: 25,
  share: 1_500,
  open: async () => {
    const ari = new FuzzAri();
    await ari.listen();
    return {
      async feed(all) {
        const seen = { open: false, told: 0 };
        const telephony = new AriTelephony({ ariUrl: ari.url, username: "agent", password: "not-a-secret", nodeId: "node-a", controlSocketPath: "/nowhere/asterisk.ctl", clock: { monotonicMs: () => performance.now() }, random: () => 0.5, timing: TIMING, onDebug: () => (seen.told += 1) });
        try {
          ari.overrides = Object.fromEntries(all.map(({ place, status, body }) => [place, { status, body }]));
          telephony.start((now) => (seen.open = now));
          await waitUntil("an attempt to connect", () => seen.open || seen.told > 0, WAIT_MS);
          if (seen.open) await settledOrRefused(() => telephony.canaryCall(AbortSignal.timeout(50)), { codes: ["AGENT_ARI_FAILED", "AGENT_PROBE_TIMEOUT", "AGENT_ARI_DENIED", "AGENT_PROBE_REFUSED"] });
          ari.overrides = {};
          ari.dropSockets();
          const opened = seen.open;
          await waitUntil("the adapter to be well again", () => telephony.canaryCall(AbortSignal.timeout(2_000)).then(() => true, () => false), WAIT_MS);
          return opened;
        } finally {
          ari.overrides = {};
          await telephony.close();
        }
      },
      close: () => ari.close(),
    };
  },
});
