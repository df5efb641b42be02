/**
 * The embedded AWS as a process of its own, for the demo and the network namespaces.
 *
 *   node --import tsx test/support/aws/aws-main.ts --world world.json [--host 127.0.0.1] [--port 0]
 *        [--imds i-…=ACCESSKEYID@host:port]...
 *
 * The world is an AwsWorldSpec in JSON ("-" reads it from standard input). When ready it prints one line of JSON:
 * {"url": …, "imds": {"i-…": url}}. Drive it with remoteAwsLab(url). It ends on SIGTERM, SIGINT, or when its standard
 * input closes if --until-stdin-closes is given.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { AwsWorldSpec } from "./aws-lab.ts";
import { startEmbeddedAws } from "./aws-server.ts";

const { values } = parseArgs({
  options: {
    world: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    imds: { type: "string", multiple: true, default: [] },
    "until-stdin-closes": { type: "boolean", default: false },
  },
});
if (values.world === undefined) throw new Error("--world is missing");
const spec = JSON.parse(readFileSync(values.world === "-" ? 0 : values.world, "utf8")) as AwsWorldSpec;
const aws = await startEmbeddedAws(spec, { host: values.host, port: Number(values.port) });
const imds: Record<string, string> = {};
for (const text of values.imds) {
  const parts = /^(i-[^=]+)=([^@]+)@(.+):(\d+)$/.exec(text);
  if (parts === null) throw new Error(`--imds ${text}: expected INSTANCE=ACCESSKEYID@HOST:PORT`);
  const [, instanceId = "", accessKeyId = "", host = "", port = ""] = parts;
  imds[instanceId] = (await aws.imds(instanceId, accessKeyId, { host, port: Number(port) })).url;
}
process.stdout.write(`${JSON.stringify({ url: aws.url, imds })}\n`);

let closing = false;
const end = (): void => {
  if (closing) return;
  closing = true;
  void aws.close().then(() => process.exit(0));
};
process.once("SIGTERM", end);
process.once("SIGINT", end);
if (values["until-stdin-closes"]) process.stdin.once("close", end).resume();
