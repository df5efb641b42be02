/** What of the app talks to AWS: the secret, the SNS sink and the metrics, over one connection of the agent's kind. */
import { join } from "node:path";
import { AwsConnection } from "../adapters/aws-connection.ts";
import { AwsCredentials } from "../adapters/aws-credentials.ts";
import { CloudWatchMetrics } from "../adapters/cloudwatch-metrics.ts";
import { FileSpool } from "../adapters/file-spool.ts";
import { FileSecrets } from "../adapters/file-secrets.ts";
import { SecretsManagerSecrets } from "../adapters/secrets-manager-secrets.ts";
import { APP_METRIC_NAMES, APP_METRICS, type AppMetricName } from "./core/app-metrics.ts";
import { AppError } from "./errors.ts";
import type { AppSecret } from "./secret.ts";
import type { Settings } from "./settings.ts";
import { FileSink } from "./sinks/file-sink.ts";
import type { EventSink } from "./sinks/sink.ts";
import { SnsSink } from "./sinks/sns-sink.ts";
import { WebhookSink } from "./sinks/webhook-sink.ts";

const CONNECT_MS = 1_500;
const REQUEST_MS = 5_000;
const MIB = 1_048_576;

export interface Aws {
  readonly region: string;
  readonly connection: AwsConnection;
  readonly credentials: AwsCredentials;
}

/** null where there is no Region: then nothing of the app talks to AWS. */
export function openAws(settings: Settings, monotonicMs: () => number): Aws | null {
  const { AWS_REGION: region, AWS_LOCAL_ADDRESS: localAddress = null } = settings;
  if (region === undefined) return null;
  return { region, connection: new AwsConnection({ connectTimeoutMs: CONNECT_MS, requestTimeoutMs: REQUEST_MS, localAddress, monotonicMs }), credentials: new AwsCredentials(region, () => Date.now()) };
}

export async function fetchSecret(settings: Settings, aws: Aws | null, signal: AbortSignal): Promise<string> {
  if (settings.SECRETS_FILE !== undefined) return (await new FileSecrets(settings.SECRETS_FILE).fetch(signal)).text;
  if (aws === null || settings.SECRET_ID === undefined) throw new AppError("APP_CONFIG_INVALID", "SECRET_ID needs AWS_REGION");
  const secrets = new SecretsManagerSecrets({ ...aws, secretId: settings.SECRET_ID });
  try {
    return (await secrets.fetch(signal)).text;
  } finally {
    secrets.close();
  }
}

/** @throws APP_SECRET_INVALID when the sink needs something of the secret that is not there */
export function checkForSink(settings: Settings, secret: AppSecret): void {
  if (settings.APP_SINK === "webhook" && secret.webhookKey === null) throw new AppError("APP_SECRET_INVALID", "app_webhook_key: is missing, and APP_SINK=webhook needs it: a text of at least 20 characters (openssl rand -hex 32)");
}

/** @param secret the one in use, asked for each time */
export function openSink(settings: Settings, secret: () => AppSecret, aws: Aws | null): EventSink {
  switch (settings.APP_SINK) {
    case "file":
      return new FileSink(settings.APP_EVENTS_FILE);
    case "webhook":
      return new WebhookSink(settings.APP_WEBHOOK_URL ?? "", () => secret().webhookKey ?? "", () => Date.now());
    case "sns":
      if (aws === null) throw new AppError("APP_CONFIG_INVALID", "APP_SINK=sns needs AWS_REGION");
      return new SnsSink({ ...aws, topics: settings.APP_SNS_TOPICS });
  }
}

/** Where measurements go, and where they wait while CloudWatch is away: beside the agent's, in a folder of their own. null without a Region. */
export function openMetrics(settings: Settings, aws: Aws | null): { readonly sink: CloudWatchMetrics<AppMetricName>; readonly spool: FileSpool<AppMetricName> } | null {
  if (aws === null) return null;
  return {
    sink: new CloudWatchMetrics<AppMetricName>({ ...aws, namespace: settings.METRICS_NAMESPACE, cluster: settings.CLUSTER_ID, node: settings.NODE_ID, units: APP_METRICS }),
    spool: new FileSpool<AppMetricName>({ folder: join(settings.STATE_DIR, "app-metrics"), maxBytes: settings.METRIC_SPOOL_MIB * MIB, wallMs: () => Date.now(), names: APP_METRIC_NAMES }),
  };
}
