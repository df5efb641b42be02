/** What Asterisk's command line prints, damaged: a text that isn't understood must be an error, never a number. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { parseAlertedSubsystems, parseChannelCounts, parseContacts, parseSessionApps } from "../../../agent/adapters/asterisk-replies.ts";
import { valueOrRefused } from "../judge.ts";
import { mutatedText, noise } from "../mutate.ts";
import { target } from "../target.ts";

/** Texts of Asterisk 22, as the control socket gives them. */
export const CONTROL_SEEDS = [
  "12 active channels\n6 active calls\n100 calls processed\n",
  "1 of 100 max active channel ( 1.00% of capacity)\n0 of 50 max active calls ( 0.00% of capacity)\n7 calls processed\n",
  "\nSubsystem                         Alert Count\npjsip                                        1\n\n1 subsystems\n\n",
  "\n  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>\n==========\n\n  Contact:  a/sip:a@192.0.2.1:5060 abcdef0123 Avail        12.345\n  Contact:  b/sip:b@192.0.2.2:5060 abcdef0124 Unavail        -nan\n\nObjects found: 2\n\n",
  "No objects found.\n\n",
  "Connection ID                         Type            RemoteAddr                       State Apps            \n------------------------------------- --------------- -------------------------------- ----- ----------------\n00000000-0000-4000-8000-000000000000  inbound         127.0.0.1:40000                  Up    callcenter,ivr\n",
  "No such command 'ari show websocket sessions' (type 'core show help' for other possible commands)\n",
];
const TOKENS = ["\n", "\n\n\n", " ", "      ", "\t", "0", "-1", "1e9", "99999999999999999999", "9".repeat(400), " active channels\n", "1 active call\n", " of 5 max", "3 subsystems\n", "Objects found: ", "  Contact: ", " abcdef0123 Unavail \n", " Up  app\n", "Connection ID ", "\u001b[1;32m", "\u0000"];

const controlText = fc.oneof(
  { weight: 8, arbitrary: mutatedText(fc.constantFrom(...CONTROL_SEEDS), TOKENS) },
  { weight: 1, arbitrary: noise(TOKENS) },
  // Long stretches of the same: where a careless pattern takes for ever.
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("\n", " ", "  Contact: ", "1", "1 ", "\t\n", " Up ", " abcdef0123", "\n1 active "), fc.constantFrom(1_000, 20_000, 100_000), fc.constantFrom(...CONTROL_SEEDS)).map(([token, times, seed]) => token.repeat(times) + seed) },
);

/** No Asterisk has more of anything; the core counts with these, and heartbeats carry the calls. */
function assertCount(value: number): void {
  assert.ok(Number.isSafeInteger(value) && value >= 0, `a count of ${value}`);
}

export const controlReplies = target({
  name: "control-replies",
  says: "what Asterisk's command line prints, to the four readers of it",
  inputs: controlText,
  schema: z.string(),
  casesInSuite: 2_000,
  share: 150_000,
  open: () => ({
    feed(text) {
      const failed = { codes: ["AGENT_ARI_FAILED" as const] };
      const counts = valueOrRefused(() => parseChannelCounts(text), failed);
      if (counts !== null) for (const value of [counts.value.calls, counts.value.channels]) assertCount(value);
      const alerted = valueOrRefused(() => parseAlertedSubsystems(text), failed);
      if (alerted !== null) assertCount(alerted.value);
      const contacts = valueOrRefused(() => parseContacts(text), failed);
      if (contacts !== null) for (const value of [contacts.value.reachable, contacts.value.unreachable]) assertCount(value);
      const apps = parseSessionApps(text);
      for (const app of apps ?? []) assert.ok(app === "" || text.includes(app), "an application that was not listed");
      return counts !== null || alerted !== null || contacts !== null || apps !== null;
    },
  }),
});
