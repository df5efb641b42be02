/**
 * CloudWatch's PutMetricData and Secrets Manager's GetSecretValue and PutSecretValue, in memory. Both speak JSON; the
 * rules are those of their API references, each beside its check.
 */
import { z } from "zod";

/** A refusal: the error's type and HTTP status. */
export class JsonServiceError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "JsonServiceError";
    this.code = code;
    this.status = status;
  }
}

const datum = z.object({
  MetricName: z.string().min(1).max(255),
  Dimensions: z.array(z.object({ Name: z.string().min(1), Value: z.string().min(1) })).max(30).default([]),
  Timestamp: z.number(),
  StatisticValues: z.object({ SampleCount: z.number(), Sum: z.number(), Minimum: z.number(), Maximum: z.number() }),
  Unit: z.string().default("None"),
  StorageResolution: z.number().default(60),
});

/** PutMetricData: at most 1,000 metrics, 30 dimensions, timestamps from two weeks ago to two hours ahead. */
const putMetricData = z.object({ Namespace: z.string().regex(/^[^:].*/).max(255), MetricData: z.array(datum).min(1).max(1000) });

/** A metric that was put, with who put it. */
export interface StoredDatum {
  readonly caller: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly atWallMs: number;
  readonly set: { readonly min: number; readonly max: number; readonly sum: number; readonly count: number };
  readonly unit: string;
  readonly resolutionS: number;
}

export class CloudWatchModel {
  readonly stored: StoredDatum[] = [];

  /** All or nothing, as the real one. */
  putMetricData(caller: string, input: unknown, nowWallMs: number): void {
    const parsed = putMetricData.safeParse(input);
    if (!parsed.success) throw new JsonServiceError("InvalidParameterValue", z.prettifyError(parsed.error));
    for (const { Timestamp, StatisticValues: set } of parsed.data.MetricData) {
      const ageMs = nowWallMs - Timestamp * 1000;
      if (ageMs > 14 * 86_400_000 || ageMs < -2 * 3_600_000) throw new JsonServiceError("InvalidParameterValue", "The parameter Timestamp must specify a time within the past two weeks and at most two hours ahead");
      if (set.Minimum > set.Maximum || set.SampleCount <= 0) throw new JsonServiceError("InvalidParameterValue", "The statistic values contradict each other");
    }
    for (const one of parsed.data.MetricData) {
      const { Minimum: min, Maximum: max, Sum: sum, SampleCount: count } = one.StatisticValues;
      this.stored.push({ caller, namespace: parsed.data.Namespace, name: one.MetricName, dimensions: Object.fromEntries(one.Dimensions.map((dimension) => [dimension.Name, dimension.Value])), atWallMs: Math.round(one.Timestamp * 1000), set: { min, max, sum, count }, unit: one.Unit, resolutionS: one.StorageResolution });
    }
  }
}

interface SecretVersion {
  readonly id: string;
  readonly text: string | null;
}

export class SecretsModel {
  readonly #secrets = new Map<string, { current: SecretVersion; previous: SecretVersion | null }>();
  #nextVersion = 1;

  /** Makes the text the current version (label AWSCURRENT); the one before gets AWSPREVIOUS. null stands for a binary secret. */
  put(id: string, text: string | null): string {
    const version = { id: `00000000-0000-4000-8000-${String(this.#nextVersion++).padStart(12, "0")}`, text };
    this.#secrets.set(id, { current: version, previous: this.#secrets.get(id)?.current ?? null });
    return version.id;
  }

  putSecretValue(input: unknown): object {
    const { SecretId, SecretString } = z.object({ SecretId: z.string(), SecretString: z.string() }).parse(input);
    if (!this.#secrets.has(SecretId)) throw notFound();
    return { ARN: arn(SecretId), Name: SecretId, VersionId: this.put(SecretId, SecretString), VersionStages: ["AWSCURRENT"] };
  }

  getSecretValue(input: unknown): object {
    const { SecretId, VersionStage, VersionId } = z.object({ SecretId: z.string(), VersionStage: z.string().default("AWSCURRENT"), VersionId: z.string().optional() }).parse(input);
    const secret = this.#secrets.get(SecretId);
    const version = VersionId === undefined ? (VersionStage === "AWSPREVIOUS" ? secret?.previous : VersionStage === "AWSCURRENT" ? secret?.current : null) : [secret?.current, secret?.previous].find((one) => one?.id === VersionId);
    if (version == null) throw notFound();
    return { ARN: arn(SecretId), Name: SecretId, VersionId: version.id, VersionStages: [version === secret?.previous ? "AWSPREVIOUS" : "AWSCURRENT"], ...(version.text === null ? { SecretBinary: "AA==" } : { SecretString: version.text }) };
  }
}

function arn(id: string): string {
  return `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${id}-AbCdEf`;
}

function notFound(): JsonServiceError {
  return new JsonServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
}
