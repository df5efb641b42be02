/**
 * The file with the settings: agent.env on a node, .env in development. It is read without touching process.env, so that
 * what was set there stays tellable from what the file says; only the AWS SDK's own variables are handed on, because the
 * SDK looks for them nowhere else.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";
import { isAwsVariable } from "./config-names.ts";
import { AgentError } from "./errors.ts";

/** Where a node keeps it. */
const INSTALLED_ENV_FILE = "/etc/asterisk-node-agent/agent.env";

export interface EnvFile {
  /** null when there is none: then everything comes from the environment. */
  readonly path: string | null;
  readonly values: Readonly<Record<string, string>>;
  /** What is wrong with its lines, for loadConfig's `fileProblems`. */
  readonly problems: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the file that AGENT_ENV_FILE names, else the installed one, else `.env` in `folder`.
 * @throws AGENT_CONFIG_INVALID when the named file is not there, or one that is there can't be read
 */
export function readEnvFile(environment: Variables, folder: string, installed = INSTALLED_ENV_FILE): EnvFile {
  const named = environment["AGENT_ENV_FILE"];
  if (named === "") throw new AgentError("AGENT_CONFIG_INVALID", "AGENT_ENV_FILE is set but empty; give it the path of a file, or take it out");
  const candidates = named === undefined ? [installed, join(folder, ".env")] : [named];
  for (const path of candidates) {
    const text = readIfThere(path);
    if (text === null) continue;
    const values = parse(text);
    return { path, values, problems: lineProblems(text, values).map((problem) => `${path}: ${problem}`) };
  }
  if (named !== undefined) throw new AgentError("AGENT_CONFIG_INVALID", `AGENT_ENV_FILE names ${named}, which does not exist; correct the path, or take the variable out`);
  return { path: null, values: {}, problems: [] };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") return null;
    throw new AgentError("AGENT_CONFIG_INVALID", `${path} can't be read (${code}); the agent's user must be able to read it`, error);
  }
}

/** dotenv passes over what it can't read, takes a quote that is never closed on into the next lines, and lets the last of two equal names win, all in silence. */
function lineProblems(text: string, values: Variables): readonly string[] {
  const problems: string[] = [];
  const seen = new Map<string, number>();
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const name = /^\s*(?:export\s+)?([\w.-]+)\s*=/.exec(line)?.[1];
    if (name === undefined) {
      problems.push(`line ${index + 1} is neither NAME=value nor a comment. Correct it, or put a # before it.`);
      continue;
    }
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || /[\r\n]/.test(value)) problems.push(`line ${index + 1}: the value of ${name} goes on in the next line, or holds a line break. Close its quote, or take the break out.`);
    const first = seen.get(name);
    if (first !== undefined) problems.push(`${name} is set twice (lines ${first} and ${index + 1}). Take one of them out.`);
    else seen.set(name, index + 1);
  }
  return problems;
}

/** Gives the SDK its variables from the file, where the environment has none. Call it before the first AWS client is made. */
export function handOverAwsVariables(values: Variables, environment: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) if (isAwsVariable(name) && name !== "AWS_LOCAL_ADDRESS") environment[name] ??= value;
}
