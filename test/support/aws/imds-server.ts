/** The instance metadata service, version 2, of one instance of the embedded AWS. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import type { AwsLab } from "./aws-lab.ts";

export interface ImdsServer {
  /** For AWS_EC2_METADATA_SERVICE_ENDPOINT. */
  readonly url: string;
  /** Tokens that were issued so far; a well-behaved client asks once. */
  tokensIssued(): number;
  /** Makes every token invalid, as a restart of the service does. */
  forgetTokens(): void;
  close(): Promise<void>;
}

const MAC = "02:00:00:00:00:01";
/** A VPC may have several networks; the service gives one a line. */
const VPC_NETWORKS = ["10.0.0.0/16", "100.64.0.0/16"];
const ROLE = "asterisk-node";
const LIFE_MS = 21_600_000;

/** @param accessKeyId what the instance's role signs with; the embedded AWS knows callers by it */
export async function startImds(lab: AwsLab, instanceId: string, accessKeyId: string, listen: { readonly host: string; readonly port: number }): Promise<ImdsServer> {
  const tokens = new Set<string>();
  let issued = 0;
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").replace(/\/$/, "");
    const answer = (status: number, body: string): void => {
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(body);
    };
    if (request.method === "PUT" && path === "/latest/api/token") {
      // "A token TTL header is required" (EC2 guide, instance metadata version 2); 400 without.
      if (request.headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined) return answer(400, "");
      const token = randomUUID();
      tokens.add(token);
      issued += 1;
      return answer(200, token);
    }
    // Version 2 required: no token or an unknown one is answered with 401 (same page).
    if (!tokens.has(String(request.headers["x-aws-ec2-metadata-token"] ?? ""))) return answer(401, "");
    const value = valuesOf(lab, instanceId, accessKeyId)[path];
    if (value == null) return answer(404, "");
    answer(200, value);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    url: `http://${listen.host}:${(server.address() as AddressInfo).port}`,
    tokensIssued: () => issued,
    forgetTokens: () => tokens.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function valuesOf(lab: AwsLab, instanceId: string, accessKeyId: string): Record<string, string | null> {
  const { availabilityZone, networkInterfaceId, privateIp } = lab.ec2.describeInstance(instanceId);
  const { region } = lab.spec;
  const metadata = "/latest/meta-data";
  return {
    [`${metadata}/instance-id`]: instanceId,
    [`${metadata}/placement/availability-zone`]: availabilityZone,
    [`${metadata}/placement/region`]: region,
    [`${metadata}/local-ipv4`]: privateIp,
    // 404 while there is none.
    [`${metadata}/public-ipv4`]: lab.ec2.publicIpOf(instanceId, performance.now()),
    [`${metadata}/mac`]: MAC,
    [`${metadata}/network/interfaces/macs/${MAC}/interface-id`]: networkInterfaceId,
    [`${metadata}/network/interfaces/macs/${MAC}/vpc-ipv4-cidr-blocks`]: VPC_NETWORKS.join("\n"),
    [`${metadata}/iam/security-credentials`]: ROLE,
    [`${metadata}/iam/security-credentials/${ROLE}`]: JSON.stringify({ Code: "Success", Type: "AWS-HMAC", AccessKeyId: accessKeyId, SecretAccessKey: "not-a-secret", Token: "not-a-token", Expiration: new Date(Date.now() + LIFE_MS).toISOString() }),
    "/latest/dynamic/instance-identity/document": JSON.stringify({ instanceId, availabilityZone, region, privateIp, accountId: "000000000000" }),
  };
}
