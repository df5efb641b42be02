/** What the app needs of the secret. Fields of others are left alone; no message holds any part of a value. */
import { z } from "zod";
import { AppError } from "./errors.ts";

const text = z.string().min(1).max(512);
const token = z.string().min(20).max(512);

const schema = z.object({
  stasis_password: text.optional(),
  ari_password: text,
  app_database: z.object({ username: text, password: text }),
  /** What a caller of the API shows: one, or while they are being changed, all that are taken. */
  app_token: z.union([token, z.array(token).min(1).max(4)]),
  /** What the webhook's receiver checks signatures with. */
  app_webhook_key: token.optional(),
});

export interface AppSecret {
  readonly ariPassword: string;
  readonly database: { readonly username: string; readonly password: string };
  readonly tokens: readonly string[];
  readonly webhookKey: string | null;
}

/** What a field must be, said without its value. */
const REMEDIES: Readonly<Record<string, string>> = {
  ari_password: "a text",
  stasis_password: "a text",
  "app_database.username": "a text: the database user of the app",
  "app_database.password": "a text: its password",
  app_database: "an object with username and password",
  app_token: "a text of at least 20 characters (openssl rand -hex 32), or a list of up to four such texts while clients change from one to the other",
  app_webhook_key: "a text of at least 20 characters (openssl rand -hex 32)",
};

/** @throws APP_SECRET_INVALID naming every field that is wrong, never a value */
export function parseAppSecret(json: string): AppSecret {
  const parsed = schema.safeParse(objectOf(json));
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => (path[0] === "app_token" ? "app_token" : path.join("."))))];
    throw new AppError("APP_SECRET_INVALID", ["The secret can't be used by the Stasis app (values are never shown):", ...fields.map((field) => `  ${field === "" ? "the whole: must be one JSON object" : `${field}: must be ${REMEDIES[field] ?? "a text"}`}`)].join("\n"));
  }
  const { data } = parsed;
  return { ariPassword: data.stasis_password ?? data.ari_password, database: data.app_database, tokens: [data.app_token].flat(), webhookKey: data.app_webhook_key ?? null };
}

/** The parser's error quotes the text, so it is not passed on. */
function objectOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
