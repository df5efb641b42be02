/** Instance metadata, over real HTTP: odd tokens, odd facts, damaged answers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { Imds } from "../../../agent/adapters/imds.ts";
import { settledOrRefused } from "../judge.ts";
import { mutatedText } from "../mutate.ts";
import { httpText, rawReplies, rawReplySchema, startRawServer, type RawReply } from "../raw-server.ts";
import { target } from "../target.ts";

const FACTS = ["AQAEAKtoken==", "02:00:00:00:00:01", "i-0123456789abcdef0", "eu-central-1a", "eu-central-1", "10.0.1.10", "eni-0123456789abcdef0"] as const;
const DEADLINE_MS = 20_000;

const fact = mutatedText(fc.constantFrom(...FACTS), ["\n", "\r\n", " ", "/", "..", "?", "#", "%", "%zz", "\u0000", "<html>", "i-", "é", "\ud83d\ude00", "", ...FACTS], { editsMax: 2 });

const HEADERS = ["content-type: text/plain", "connection: close"];
const good = (text: string): RawReply => ({ bytes: httpText(200, text, HEADERS), stay: false });
const odd = rawReplies(fc.oneof(fc.constantFrom(...FACTS), fact), HEADERS);

export const imds = target({
  name: "imds",
  says: "answers of the instance metadata service, to its reader over HTTP",
  // Token, MAC, then the five facts, in the order in which they are asked for: an odd one among good ones, or all odd.
  inputs: fc.oneof(
    { weight: 4, arbitrary: fc.tuple(...FACTS.map((text) => fc.oneof({ weight: 9, arbitrary: fc.constant(good(text)) }, { weight: 1, arbitrary: odd }))) },
    { weight: 1, arbitrary: fc.array(odd, { minLength: 1, maxLength: 8 }) },
  ),
  schema: z.array(rawReplySchema).min(1),
  casesInSuite: 200,
  share: 10_000,
  open: async () => {
    const server = await startRawServer();
    const make = (): Imds => new Imds({ monotonicMs: () => performance.now(), environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.port}` } });
    return {
      async feed(replies) {
        server.answer(replies);
        const done = await settledOrRefused(() => make().readNodeFacts(AbortSignal.timeout(DEADLINE_MS)), { codes: ["AGENT_CLOUD_FAILED", "AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_UNREACHABLE"] });
        if (done === null) return false;
        const { instanceId, availabilityZone, region, privateIp, networkInterfaceId } = done.value;
        for (const text of [instanceId, availabilityZone, region, privateIp, networkInterfaceId]) {
          // They become parts of requests to AWS, of names and of log lines.
          assert.match(text, /^[\x21-\x7e]{1,256}$/, `metadata gave ${JSON.stringify(text)}`);
        }
        assert.match(instanceId, /^i-[0-9a-z]{1,32}$/);
        return true;
      },
      close: () => server.close(),
    };
  },
});
