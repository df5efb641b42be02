/** The verbs that change how this agent behaves: pause, resume, ack, drain, undrain. They go over the socket in STATE_DIR. */
import { connect } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import type { OperatorCommand } from "../core/types.ts";
import { KNOBS } from "../knobs.ts";
import { OPERATOR_SOCKET, operatorAnswerSchema } from "../operator-socket.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

const ANSWER_WITHIN_MS = 5_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface Options {
  readonly socket: string;
  readonly json?: boolean;
  readonly reason?: string;
  readonly for?: string;
}

/** `90s`, `10m`, `2h`, `1d` in milliseconds. @throws CliError (usage) on anything else, naming the option */
export function durationMs(text: string, option = "--for"): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (match === null) throw new CliError(`${option} ${text} is not a duration. Give a number and a unit: 90s, 10m, 2h or 1d.`, EXIT.usage);
  return Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0);
}

export const operateVerbs: Verb = (program, terminal) => {
  const socket = join(setting(terminal.env, "STATE_DIR", KNOBS.STATE_DIR.default), OPERATOR_SOCKET);
  const verb = (name: string, description: string, command: (options: Options) => OperatorCommand, done: string, withReason = false): void => {
    const added = program.command(name).description(description).option("--socket <path>", "the agent's socket", socket).option("--json", "the answer as JSON");
    if (withReason) added.option("--reason <text>", "why; shown everywhere", "no reason given").option("--for <duration>", "how long: 90s, 10m, 2h, 1d");
    added.action(async (options: Options) => { await ask(options, command(options), done, terminal); });
  };
  verb("pause", "stop automatic claims in the whole cluster", ({ reason = "", for: length }) => ({ kind: "pause", reason, forMs: length === undefined ? null : durationMs(length) }), "Automatic claims are paused in the whole cluster. `nodectl resume` ends it.", true);
  verb("resume", "allow automatic claims again", () => ({ kind: "resume" }), "Automatic claims are allowed again in the whole cluster.");
  verb("ack", "acknowledge the claims of the last hour, so that a blocked node may claim again", () => ({ kind: "acknowledge" }), "Acknowledged: this node may claim again.");
  verb("drain", "refuse new calls with 503 while calls in progress go on (an hour, unless --for says otherwise)", ({ reason = "", for: length = "1h" }) => ({ kind: "drain", reason, forMs: durationMs(length) }), "This node refuses new calls; those in progress go on. `nodectl undrain` ends it.", true);
  verb("undrain", "take new calls again", () => ({ kind: "undrain" }), "This node takes new calls again.");
};

async function ask({ socket, json }: Options, command: OperatorCommand, done: string, terminal: Terminal): Promise<void> {
  const answer = operatorAnswerSchema.parse(await exchange(socket, command));
  if (json === true) terminal.out(JSON.stringify(answer));
  else if (answer.ok) terminal.out(done);
  if (!answer.ok) throw new CliError(`The agent refused: ${answer.message}`);
}

function exchange(path: string, command: OperatorCommand): Promise<z.infer<typeof operatorAnswerSchema>> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => { reject(new CliError(`No agent answers at ${path} (${error.message}). Is it running, may you use its socket (group of STATE_DIR), and is --socket or STATE_DIR right?`, EXIT.failed, error)); };
    let text = "";
    const asking = connect(path, () => { asking.write(`${JSON.stringify(command)}\n`); });
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Told as "it answers something else".
  }
}
