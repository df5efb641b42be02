/**
 * The app's settings. What it shares with the agent (who and where this node is, the secret, the database) it reads from agent.env; its own
 * are in stasis-app.env beside it, because the agent refuses names that it doesn't know. The environment wins over both.
 */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "dotenv";
import { z } from "zod";
import { AppError } from "./errors.ts";

/** Where a node keeps the two files. */
export const AGENT_ENV_FILE = "/etc/asterisk-node-agent/agent.env";
export const APP_ENV_FILE = "/etc/asterisk-node-agent/stasis-app.env";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be 1 to 64 letters, digits, dots, dashes and underscores");
const number = (min: number, max: number, fallback: number) => z.coerce.number("must be a number").int("must be a whole number").min(min).max(max).default(fallback);
const hostPort = z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "must be host:port").transform((text) => {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
});
const loopback = hostPort.refine(({ host }) => ["127.0.0.1", "localhost", "::1"].includes(host), "must be on the loopback: it has no password");
const trunkLimits = z.string().transform((text, context) => {
  const limits = new Map<string, { readonly callsPerSecond: number; readonly concurrent: number }>();
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [, trunk, perSecond, concurrent] = /^([a-z0-9-]{1,63}|\*)=(\d+(?:\.\d+)?)\/(\d+)$/.exec(part) ?? [];
    if (trunk === undefined) context.addIssue({ code: "custom", message: `"${part}" must be TRUNK=CALLS_PER_SECOND/CONCURRENT, such as carrier=10/100, or *= for the others` });
    else limits.set(trunk, { callsPerSecond: Number(perSecond), concurrent: Number(concurrent) });
  }
  return limits;
});
const topics = z.string().transform((text, context) => {
  const arns = new Map<string, string>();
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [, type, arn] = /^([A-Za-z*][A-Za-z0-9_.-]*)=(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(?:\.fifo)?)$/.exec(part) ?? [];
    if (type === undefined || arn === undefined) context.addIssue({ code: "custom", message: `"${part}" must be EVENT_TYPE=TOPIC_ARN, or *=TOPIC_ARN for the others` });
    else arns.set(type, arn);
  }
  return arns;
});

/** Every name, its rule and its default. docs: README.md, "The Stasis app". */
const schema = z.object({
  CLUSTER_ID: name,
  NODE_ID: name,
  ARI_URL: z.url({ protocol: /^http$/, error: "must be http://host:port" }).default("http://127.0.0.1:8088"),
  STATUS_LISTEN: hostPort.prefault("127.0.0.1:8091"),
  SECRET_ID: z.string().optional(),
  SECRETS_FILE: z.string().optional(),
  SECRET_INTERVAL_MS: number(1_000, 3_600_000, 60_000),
  AWS_REGION: z.string().optional(),
  AWS_LOCAL_ADDRESS: z.string().optional(),
  METRICS_NAMESPACE: z.string().default("Asterisk/Node"),
  STATE_DIR: z.string().startsWith("/", "must be an absolute path").default("/var/lib/asterisk-node-agent"),
  METRIC_SPOOL_MIB: number(1, 4_096, 64),
  DATABASE_HOST: z.string("must be set: the app keeps its calls there"),
  DATABASE_PORT: number(1, 65_535, 3306),
  DATABASE_NAME: name.default("asterisk"),
  INCOMING_APP: name.default("callcenter"),
  APP_ARI_USERNAME: name.default("stasis"),
  APP_LISTEN: hostPort.prefault("127.0.0.1:8092"),
  APP_STATUS_LISTEN: loopback.prefault("127.0.0.1:8093"),
  APP_CAMPAIGNS: z.string().default("/etc/asterisk-node-agent/campaigns"),
  APP_TRUNK_LIMITS: trunkLimits.prefault("*=10/100"),
  APP_LEASE_MS: number(5_000, 300_000, 15_000),
  APP_ROLE_INTERVAL_MS: number(100, 10_000, 500),
  APP_ROLE_GRACE_MS: number(1_000, 600_000, 30_000),
  APP_SINK: z.enum(["sns", "webhook", "file"]).default("file"),
  APP_SNS_TOPICS: topics.prefault(""),
  APP_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: "must be http:// or https://" }).optional(),
  APP_EVENTS_FILE: z.string().startsWith("/", "must be an absolute path").default("/var/log/asterisk-node-agent/call-events.jsonl"),
  APP_METRICS_INTERVAL_MS: number(1_000, 3_600_000, 60_000),
  APP_KEEP_DAYS: number(0, 36_500, 90),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug"]).default("info"),
});

export type Settings = z.infer<typeof schema>;

/** Every setting of the app, in the order of the table in README.md. */
export const SETTING_NAMES = Object.keys(schema.shape) as readonly (keyof Settings)[];

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Checks settings.
 * @throws APP_CONFIG_INVALID with all problems, one a line
 */
export function parseSettings(variables: Variables): Settings {
  const given = Object.fromEntries(SETTING_NAMES.flatMap((each) => (variables[each]?.trim() ? [[each, variables[each].trim()]] : [])));
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? rules(parsed.data) : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.code === "invalid_type" && given[String(issue.path[0])] === undefined ? "is missing. Add it" : issue.message}`);
  problems.push(...Object.keys(variables).filter((each) => each.startsWith("APP_") && !(SETTING_NAMES as readonly string[]).includes(each)).map((each) => `${each}: there is no such setting. Is it spelled right?`));
  if (!parsed.success || problems.length > 0) throw new AppError("APP_CONFIG_INVALID", ["The Stasis app's configuration can't be used:", ...problems.map((problem) => `  ${problem}`)].join("\n"));
  return parsed.data;
}

function rules(settings: Settings): string[] {
  const problems: string[] = [];
  const need = (broken: boolean, problem: string): void => {
    if (broken) problems.push(problem);
  };
  need((settings.SECRET_ID === undefined) === (settings.SECRETS_FILE === undefined), "SECRET_ID, SECRETS_FILE: set exactly one of them");
  need(settings.SECRET_ID !== undefined && settings.AWS_REGION === undefined, "AWS_REGION: is missing, and SECRET_ID needs it");
  need(settings.APP_SINK === "sns" && settings.APP_SNS_TOPICS.size === 0, "APP_SNS_TOPICS: is missing, and APP_SINK=sns needs it: *=arn:aws:sns:REGION:ACCOUNT:TOPIC");
  need(settings.APP_SINK === "sns" && settings.AWS_REGION === undefined, "AWS_REGION: is missing, and APP_SINK=sns needs it");
  need(settings.APP_SINK === "webhook" && settings.APP_WEBHOOK_URL === undefined, "APP_WEBHOOK_URL: is missing, and APP_SINK=webhook needs it");
  need(settings.APP_LEASE_MS < 4 * settings.APP_ROLE_INTERVAL_MS, `APP_LEASE_MS: is ${settings.APP_LEASE_MS} and must be at least four times APP_ROLE_INTERVAL_MS, ${settings.APP_ROLE_INTERVAL_MS}`);
  return problems;
}

/** Reads the two files where they are, and the environment. */
export function readVariables(environment: Variables): Variables {
  const files = [environment["AGENT_ENV_FILE"] ?? AGENT_ENV_FILE, environment["APP_ENV_FILE"] ?? APP_ENV_FILE];
  const read = files.filter((file) => existsSync(file)).map((file) => parse(readFileSync(file)));
  const own = Object.fromEntries(Object.entries(environment).filter(([each]) => each !== "APP_ENV_FILE"));
  return Object.assign({}, ...read, own) as Variables;
}
