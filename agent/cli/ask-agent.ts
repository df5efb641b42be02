/** One GET to the agent's loopback page, with every way to fail turned into a sentence that says what to do. */
import { request } from "node:http";
import type { z } from "zod";
import { type StatusView, statusSchema } from "../status/schema.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT } from "./verb.ts";

const DEFAULT_LISTEN = "127.0.0.1:8091";
const ANSWER_WITHIN_MS = 5_000;
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;

/** Whom nobody has found, and what to do then. */
export interface Absence {
  readonly who: string;
  readonly remedy: string;
}

const NO_AGENT: Absence = { who: "agent", remedy: "Start it with `pm2 start ecosystem.config.js` (or `npm start`); if it listens elsewhere, give --url or set STATUS_LISTEN." };

/** Where the agent's page is, unless --url says otherwise: STATUS_LISTEN of the environment or of agent.env, or the knob's default. */
export function defaultUrl(env: Readonly<Record<string, string | undefined>>): string {
  return `http://${setting(env, "STATUS_LISTEN", DEFAULT_LISTEN)}`;
}

/** The status of the agent at `base`. */
export function askStatus(base: string): Promise<StatusView> {
  return askJson(base, "/status", statusSchema);
}

/** One page of JSON, checked. @throws CliError when it is another status or another shape */
export async function askJson<T>(base: string, path: string, schema: z.ZodType<T>, nobody: Absence = NO_AGENT): Promise<T> {
  const { status, body } = await get(base, path, nobody);
  if (status !== 200) throw new CliError(`${base}${path} answered ${status}: ${body.trim().slice(0, 200)}`);
  const parsed = schema.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new CliError(`${base}${path} answers something that this nodectl can't read${field === "" ? "" : ` (field ${field})`}. Is it the ${nobody.who}, and are both of the same version?`);
}

/** @throws CliError when nobody answers, with how to start the agent or to name another address */
export async function get(base: string, path: string, nobody: Absence = NO_AGENT): Promise<{ readonly status: number; readonly body: string }> {
  const url = urlOf(base, path);
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      reject(new CliError(`No ${nobody.who} answers at ${url.origin} (${why}). Is it running? ${nobody.remedy}`, EXIT.failed, cause));
    };
    const asking = request(url, { method: "GET", signal: AbortSignal.timeout(ANSWER_WITHIN_MS), agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
        if (body.length > ANSWER_MAX_BYTES) response.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on("error", (error) => {
        fail(error.message, error);
      });
    });
    asking.on("error", (error) => {
      fail(error.name === "AbortError" || error.name === "TimeoutError" ? `no answer within ${ANSWER_WITHIN_MS / 1000} s` : why(error), error);
    });
    asking.end();
  });
}

function urlOf(base: string, path: string): URL {
  const url = URL.canParse(base) ? new URL(path, base) : null;
  if (url?.protocol !== "http:") throw new CliError(`${base} is not an http:// URL, as for example http://${DEFAULT_LISTEN}.`, EXIT.usage);
  return url;
}

/** `localhost` may be tried at two addresses; then the error's own message is empty. */
function why(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return "connection refused";
  return error.message === "" ? code : error.message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
