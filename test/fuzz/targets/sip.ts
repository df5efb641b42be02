/** The reader of SIP responses: datagrams, and streams cut in every way. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { answersProbe, optionsProbe, parseSipResponse, SIP_RESPONSE_MAX_BYTES, SipStreamReader, writeOptions, type SipResponse } from "../../../agent/adapters/sip-message.ts";
import { assertSameJson } from "../judge.ts";
import { latin1, mutatedText, noise, pieces } from "../mutate.ts";
import { target } from "../target.ts";

const SIP_PROBE = optionsProbe({ transport: "tcp", host: "10.0.1.10", port: 5060, localHost: "10.0.2.10", localPort: 40_000, userAgent: "node-agent" }, "0123456789abcdef01234567");

/** What a server makes of our request. */
function sipAnswer(status: string, more: readonly string[] = [], body = ""): string {
  const copied = writeOptions(SIP_PROBE).split("\r\n").filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${status}`, ...copied, ...more, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

const padded = (length: number): string => sipAnswer("200 OK", [`X: ${"x".repeat(length)}`]);
/** Just at the limit of what is read: where reading at once and in pieces may differ. */
const atTheLimit = fc.integer({ min: -8, max: 8 }).map((offset) => padded(SIP_RESPONSE_MAX_BYTES - padded(0).length + offset));

const seeds = fc.oneof(
  fc.constantFrom(sipAnswer("200 OK"), sipAnswer("100 Trying"), sipAnswer("404 Not Found", [], "SIP/2.0 200 OK\r\n\r\n"), sipAnswer("503 Busy", ["Retry-After: 300", "v: SIP/2.0/UDP x;branch=z9hG4bK1", " ;y=1"]), `\r\n\r\n${sipAnswer("200 OK")}${sipAnswer("486 Busy Here")}`),
  atTheLimit,
);

const SIP_TOKENS = ["\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", ":", ";", ",", '"', "\\", "SIP/2.0", "SIP/2.0 200 OK\r\n", "Via: ", "v:", ";branch=", SIP_PROBE.branch, SIP_PROBE.callId, "Call-ID: ", "i:", "CSeq: 1 OPTIONS\r\n", "Content-Length: ", "l: 5\r\n", "Content-Length: 9999999\r\n", "\r\n ", "OPTIONS sip:x SIP/2.0\r\n"];

export const sipText = fc.oneof({ weight: 6, arbitrary: mutatedText(seeds, SIP_TOKENS) }, { weight: 1, arbitrary: noise(SIP_TOKENS) }).map(latin1);

function assertSound(response: SipResponse, text: string): void {
  assert.ok(Number.isInteger(response.status) && response.status >= 100 && response.status <= 699, "a status that is none");
  assert.ok(Number.isSafeInteger(response.cseq) && (response.contentLength === null || Number.isSafeInteger(response.contentLength)), "a number of a transaction or of a body that is none");
  if (!answersProbe(response, SIP_PROBE)) return;
  for (const part of [SIP_PROBE.branch, SIP_PROBE.callId, "OPTIONS"]) assert.ok(text.includes(part), "what does not carry our identity was taken for our answer");
  assert.ok(response.status >= 200 && response.branches.length === 1, "a provisional response, or somebody else's, was taken for our answer");
}

function readAll(chunks: readonly string[]): readonly SipResponse[] {
  const reader = new SipStreamReader();
  return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk, "latin1")));
}

export const sip = target({
  name: "sip",
  says: "SIP responses, to the reader of datagrams and, cut into pieces, to the reader of streams",
  inputs: fc.record({ text: sipText, cuts: fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: SIP_RESPONSE_MAX_BYTES - 8, max: SIP_RESPONSE_MAX_BYTES + 8 })), { maxLength: 20 }) }),
  schema: z.object({ text: z.string(), cuts: z.array(z.int().min(1)) }),
  casesInSuite: 3_000,
  share: 300_000,
  open: () => ({
    feed({ text, cuts }) {
      const datagram = parseSipResponse(text);
      if (datagram !== null) assertSound(datagram, text);
      const whole = readAll([text]);
      for (const response of whole) assertSound(response, text);
      assertSameJson(readAll(pieces(text, cuts)), whole, "what a stream says depends on how it is cut");
      return whole.length > 0 || datagram !== null;
    },
  }),
});
