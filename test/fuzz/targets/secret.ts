/** The secret: mutated JSON, as Secrets Manager or a file may hold it. No refusal may tell any part of it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { parseSecret, type NodeSecret, type Secret } from "../../../agent/secret.ts";
import { assertSameJson, valueOrRefused } from "../judge.ts";
import { CANARY, mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const KEY_BYTES = 32;
const keyText = (byte: number): string => Buffer.alloc(KEY_BYTES, byte).toString("base64");
const trunk = (name: string): Json => ({ name, server: "sip.example.com:5061", username: `${CANARY}-user`, password: `${CANARY}-${name}` });

const SEEDS: readonly Json[] = [
  { ari_password: CANARY, heartbeat_keys: { "2026-11": keyText(1) }, username: "asterisk", password: `db-${CANARY}` },
  { ari_password: CANARY, stasis_password: `s${CANARY}`, heartbeat_keys: { a: keyText(1), b: keyText(2) }, heartbeat_key_current: "b", username: CANARY, password: CANARY, trunks: [trunk("one"), trunk("two")], of_others: { keep: 1 } },
  { heartbeat_keys: { k: keyText(9) } },
];

/** The id of a key is told, so that it is found. It is too short for a key that was put into its place. */
const KEY_ID = /heartbeat_keys\.[A-Za-z0-9._-]{1,32}/g;

/** Every problem is a line of its own; a secret with 32 broken trunks has many. */
const MESSAGE_MAX = 32_768;

function written(secret: Secret): string {
  const keys = Object.fromEntries([...secret.heartbeatKeys].map(([id, key]) => [id, Buffer.from(key).toString("base64")]));
  const { node } = secret;
  return JSON.stringify({ heartbeat_keys: keys, heartbeat_key_current: secret.dialWith, ...(node === null ? {} : { ari_password: node.ariPassword, stasis_password: node.stasisPassword, username: node.database.username, password: node.database.password, trunks: node.trunks }) });
}

function assertSoundNode({ ariPassword, stasisPassword, database, trunks }: NodeSecret): void {
  for (const text of [ariPassword, stasisPassword, database.username, database.password, ...trunks.flatMap((each) => [each.username, each.password])]) {
    assert.ok(text !== "" && text.length <= 512, "an empty or endless text");
    // A line break or a NUL would end the line of Asterisk's configuration that it is rendered into.
    assert.doesNotMatch(text, /[\p{Cc}\p{Zl}\p{Zp}]/u);
  }
  assert.equal(new Set(trunks.map((each) => each.name)).size, trunks.length);
}

export const secret = target({
  name: "secret",
  says: "the text of the secret, to its reader",
  inputs: fc.record({ text: mutatedJsonText(SEEDS), kind: fc.constantFrom("node" as const, "witness" as const) }),
  schema: z.object({ text: z.string(), kind: z.enum(["node", "witness"]) }),
  casesInSuite: 3_000,
  share: 200_000,
  open: () => ({
    feed({ text, kind }) {
      const read = valueOrRefused(() => parseSecret(text, kind), { codes: ["AGENT_SECRET_INVALID"], secret: true, but: KEY_ID, messageMax: MESSAGE_MAX });
      if (read === null) return false;
      const { heartbeatKeys, dialWith, node } = read.value;
      assert.ok(heartbeatKeys.size >= 1 && heartbeatKeys.size <= 4 && heartbeatKeys.has(dialWith), "keys that can't be dialled with");
      for (const key of heartbeatKeys.values()) assert.equal(key.length, KEY_BYTES);
      assert.equal(node === null, kind === "witness");
      if (node !== null) assertSoundNode(node);
      assertSameJson(written(parseSecret(written(read.value), kind)), written(read.value), "a secret that was accepted changes when it is written again");
      return true;
    },
  }),
});
