/** One line to the agent over its socket in STATE_DIR, and its one line of answer; every way to fail is a sentence that says what to do. */
import { connect } from "node:net";
import { join } from "node:path";
import type { z } from "zod";
import type { OperatorCommand } from "../core/operator-command.ts";
import { KNOBS } from "../knobs.ts";
import { OPERATOR_SOCKET, operatorAnswerSchema, type OperatorQuery } from "../operator-socket.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT, type Terminal } from "./verb.ts";

const ANSWER_WITHIN_MS = 5_000;

export type OperatorAnswer = z.infer<typeof operatorAnswerSchema>;

/** Where the agent of this machine listens, unless --socket says otherwise. */
export function defaultSocket(terminal: Terminal): string {
  return join(setting(terminal.env, "STATE_DIR", KNOBS.STATE_DIR.default), OPERATOR_SOCKET);
}

/** @throws CliError when nobody answers */
export function exchange(path: string, line: OperatorCommand | OperatorQuery): Promise<OperatorAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => { reject(new CliError(`No agent answers at ${path} (${error.message}). Is it running, may you use its socket (group of STATE_DIR), and is --socket or STATE_DIR right?`, EXIT.failed, error)); };
    let text = "";
    const asking = connect(path, () => { asking.write(`${JSON.stringify(line)}\n`); });
    asking.setEncoding("utf8").setTimeout(ANSWER_WITHIN_MS, () => { asking.destroy(new Error("no answer")); });
    asking.on("data", (part: string) => { text += part; });
    asking.on("error", fail);
    asking.on("end", () => {
      const parsed = operatorAnswerSchema.safeParse(parse(text));
      if (parsed.success) resolve(parsed.data);
      else fail(new Error("it answers something else"));
    });
  });
}

/** Gives a command. @throws CliError when it is refused */
export async function command(path: string, order: OperatorCommand): Promise<void> {
  const answer = await exchange(path, order);
  if (!answer.ok) throw new CliError(`The agent refused: ${answer.message}`);
}

/** Asks a question. @throws CliError when the agent is too old to know it */
export async function ask<T>(path: string, query: OperatorQuery, schema: z.ZodType<T>): Promise<T> {
  const { answer } = await exchange(path, query);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CliError("The agent answers something that this nodectl can't read. Are both of the same version?");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Told as "it answers something else".
  }
}
