/** The production adapters, pointed at some endpoint, each node with its own access key. */
import { performance } from "node:perf_hooks";
import { AwsConnection } from "../../../agent/adapters/aws-connection.ts";
import { AwsCredentials } from "../../../agent/adapters/aws-credentials.ts";

/** What every AWS adapter takes. */
export interface AwsAccess {
  readonly region: string;
  readonly connection: AwsConnection;
  readonly credentials: AwsCredentials;
}

/** @param accessKeyId by this the embedded AWS knows who calls */
export function awsAccess(accessKeyId: string, options: { readonly monotonicMs?: () => number } = {}): AwsAccess {
  return {
    region: "eu-central-1",
    connection: new AwsConnection({ connectTimeoutMs: 10_000, requestTimeoutMs: 30_000, localAddress: null, monotonicMs: options.monotonicMs ?? (() => performance.now()) }),
    credentials: new AwsCredentials("eu-central-1", () => Date.now(), () => Promise.resolve({ accessKeyId, secretAccessKey: "not-a-secret" })),
  };
}

/** Points the SDK to `url` until the returned function is called. Clients read the variable at their first call, not when they are made. */
export function pointSdkTo(url: string): () => void {
  const before = process.env["AWS_ENDPOINT_URL"];
  process.env["AWS_ENDPOINT_URL"] = url;
  return () => {
    if (before === undefined) delete process.env["AWS_ENDPOINT_URL"];
    else process.env["AWS_ENDPOINT_URL"] = before;
  };
}
