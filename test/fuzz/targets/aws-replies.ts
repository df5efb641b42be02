/**
 * The real SDK through our adapters, fed with answers that AWS should not give: XML and JSON, damaged and swapped. What
 * matters most is that a claim whose outcome is unknown is never taken for one that surely failed, nor the other way round
 * (promise S4).
 */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { z } from "zod";
import type { AwsConnection } from "../../../agent/adapters/aws-connection.ts";
import { AwsCredentials } from "../../../agent/adapters/aws-credentials.ts";
import { CloudWatchMetrics } from "../../../agent/adapters/cloudwatch-metrics.ts";
import { Ec2Cloud } from "../../../agent/adapters/ec2-cloud.ts";
import { SecretsManagerSecrets } from "../../../agent/adapters/secrets-manager-secrets.ts";
import { AgentError, type ErrorCode } from "../../../agent/errors.ts";
import { assertRefusal } from "../judge.ts";
import { target } from "../target.ts";
import { awsBody, type AwsQuestion, AWS_QUESTIONS } from "../aws-bodies.ts";

const schema = z.object({ question: z.enum(AWS_QUESTIONS), status: z.int(), contentType: z.string(), body: z.string() });
type Input = z.infer<typeof schema>;

const REFUSALS: readonly ErrorCode[] = ["AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_THROTTLED", "AGENT_CLOUD_DENIED", "AGENT_CLOUD_FAILED", "AGENT_CLAIM_REFUSED"];
const status = fc.oneof({ weight: 5, arbitrary: fc.constant(200) }, { weight: 3, arbitrary: fc.constantFrom(400, 403, 409, 412, 429) }, { weight: 2, arbitrary: fc.constantFrom(500, 502, 503, 504) }, { weight: 1, arbitrary: fc.constantFrom(201, 204, 301, 302, 600) });

interface World {
  readonly ask: Readonly<Record<AwsQuestion, () => Promise<unknown>>>;
  close(): void;
}

/** The adapters on a connection that is none. */
function makeWorld(reply: () => Input): World {
  const connection = {
    metadata: { handlerProtocol: "http/1.1" },
    handle: () => {
      const { status: statusCode, contentType, body } = reply();
      return Promise.resolve({ response: { statusCode, reason: "", headers: { "content-type": contentType }, body: Buffer.from(body, "utf8") } });
    },
    destroy: () => undefined, updateHttpClientConfig: () => undefined, httpHandlerConfigs: () => ({}), reset: () => undefined, close: () => undefined,
  } as unknown as AwsConnection;
  const credentials = new AwsCredentials("eu-central-1", () => Date.now(), () => Promise.resolve({ accessKeyId: "AKIAFUZZ", secretAccessKey: "not-a-secret" }));
  const access = { region: "eu-central-1", connection, credentials };
  const cloud = new Ec2Cloud({ ...access, allocationId: "eipalloc-0a", instances: new Map([["node-a", "i-0a"], ["node-b", "i-0b"]]), self: "node-a", target: { kind: "interface", networkInterfaceId: "eni-0a", privateIp: null } });
  const metrics = new CloudWatchMetrics({ ...access, namespace: "Fuzz", cluster: "lab", node: "node-a" });
  const secrets = new SecretsManagerSecrets({ ...access, secretId: "lab/secret" });
  const never = new AbortController().signal;
  return {
    ask: {
      readAddress: () => cloud.readAddress(never),
      readInstance: () => cloud.readInstance("node-b", never),
      claim: () => cloud.claim({ allowReassociation: true, notAfterMs: Infinity }, never),
      dryRunClaim: () => cloud.dryRunClaim(never),
      writeMark: () => cloud.writeMark({ node: "node-a", counter: 7 }, never),
      publish: () => metrics.publish([{ atWallMs: 1_795_000_000_000, sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }], never),
      fetchSecret: () => secrets.fetch(never),
    },
    close: () => [cloud, metrics, secrets].forEach((each) => each.close()),
  };
}

/** The text as the SDK's parser of XML reads it, as far as a code of letters goes: it leaves out entities that it does not know. */
function withoutEntities(xml: string): string {
  return xml.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|\w+);/gi, (_, decimal: string | undefined, hex: string | undefined) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : "";
  });
}

function assertSoundValue({ question, status: code, body }: Input, value: unknown): void {
  if (question === "dryRunClaim") assert.match(withoutEntities(body), /DryRunOperation/, "a dry run succeeded without EC2's saying so");
  else assert.ok(code >= 200 && code < 300, `${question} took HTTP ${code} for a success`);
  if (question === "readAddress") {
    const { publicIp, mark, holder } = value as { readonly publicIp: string; readonly mark: { readonly counter: number } | null; readonly holder: { readonly kind: string } };
    assert.ok(isIP(publicIp) !== 0, `the address is ${JSON.stringify(publicIp)}`);
    assert.ok(mark === null || Number.isSafeInteger(mark.counter), "a mark that can't be compared");
    assert.ok(["node", "stranger", "nobody"].includes(holder.kind), "a holder of no known kind");
  }
  if (question === "readInstance") assert.ok(["pending", "running", "impaired", "stopping", "stopped", "shutting-down", "terminated"].includes(String(value)), "a state of no known name");
  if (question === "fetchSecret") {
    const { text, version } = value as { readonly text: unknown; readonly version: unknown };
    assert.ok(typeof text === "string" && typeof version === "string", "a secret that is no text");
  }
}

function assertSoundRefusal({ question, status: code }: Input, error: unknown): void {
  if (question === "fetchSecret") return assertRefusal(error, { codes: ["AGENT_SECRET_UNREADABLE"], secret: true });
  assertRefusal(error, { codes: REFUSALS });
  assert.ok(error instanceof AgentError, "not an AgentError");
  const changes = question === "claim" || question === "writeMark";
  if (!changes) {
    assert.notEqual(error.code, "AGENT_CLOUD_TIMEOUT", "a read that was answered has no unknown outcome");
    return;
  }
  const settled = code >= 400 && code < 500;
  if (settled) assert.notEqual(error.code, "AGENT_CLOUD_TIMEOUT", "EC2 refused it before doing anything");
  else assert.notEqual(error.code, "AGENT_CLOUD_FAILED", `HTTP ${code} does not say that nothing was done`);
}

export const awsReplies = target({
  name: "aws-replies",
  says: "answers of EC2, CloudWatch and Secrets Manager, to the real SDK within our adapters",
  inputs: fc.constantFrom(...AWS_QUESTIONS).chain((question) => fc.record({ question: fc.constant(question), status, contentType: fc.constantFrom("text/xml;charset=UTF-8", "application/x-amz-json-1.1", "application/x-amz-json-1.0", "text/html", ""), body: awsBody(question) })),
  schema,
  casesInSuite: 500,
  share: 60_000,
  open: () => {
    let now: Input = { question: "readAddress", status: 200, contentType: "", body: "" };
    const world = makeWorld(() => now);
    return {
      async feed(input) {
        now = input;
        let value: unknown;
        try {
          value = await world.ask[input.question]();
        } catch (error) {
          assertSoundRefusal(input, error);
          return false;
        }
        assertSoundValue(input, value);
        return true;
      },
      close: () => Promise.resolve(world.close()),
    };
  },
});
