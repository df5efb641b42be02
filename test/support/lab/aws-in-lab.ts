// The embedded AWS as a process inside the lab's aws place, with a metadata service for each node. It tells every move of
// the address on standard output once the packets have followed it, so that the lab's router can follow too.
import { readFileSync } from "node:fs";
import { startEmbeddedAws } from "../aws/aws-server.ts";
import type { AwsWorldSpec } from "../aws/aws-lab.ts";

/** What the file named by the first argument holds. */
export interface AwsInLabSpec {
  readonly world: AwsWorldSpec;
  readonly host: string;
  readonly port: number;
  readonly imds: readonly { readonly instanceId: string; readonly accessKeyId: string; readonly host: string }[];
}

const spec = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as AwsInLabSpec;
const aws = await startEmbeddedAws(spec.world, { host: spec.host, port: spec.port });
for (const { instanceId, accessKeyId, host } of spec.imds) await aws.imds(instanceId, accessKeyId, { host, port: 80 });
aws.lab.onAddressMoved((move) => {
  process.stdout.write(`${JSON.stringify({ move: move.to?.instanceId ?? null })}\n`);
});
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
