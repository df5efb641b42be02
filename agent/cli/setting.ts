/**
 * One setting of the agent of this machine, for the defaults of options: the environment wins, then the agent's own file. An
 * operator who may not read that file, or has broken it, can still use every verb: then the knob's default counts.
 */
import process from "node:process";
import { readEnvFile } from "../env-file.ts";
import { AgentError } from "../errors.ts";
import type { KnobName } from "../knobs.ts";

export function setting(env: Readonly<Record<string, string | undefined>>, name: KnobName, fallback: string): string {
  const set = env[name] ?? fromFile(env)[name];
  return set === undefined || set === "" ? fallback : set;
}

function fromFile(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  try {
    return readEnvFile(env, process.cwd()).values;
  } catch (error) {
    if (error instanceof AgentError) return {};
    throw error;
  }
}
