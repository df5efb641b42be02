/** The verbs that change how this agent behaves: pause, resume, ack, drain, undrain. They go over the socket in STATE_DIR. */
import type { OperatorCommand } from "../core/operator-command.ts";
import { defaultSocket, exchange } from "./operator-exchange.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

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

/** The milliseconds of `--drain`: a duration of a day at most, or 0, to hand over at once. @throws CliError */
export function drainMsOf(text: string): number {
  const ms = text === "0" ? 0 : durationMs(text, "--drain");
  if (ms > DAY_MS) throw new CliError(`--drain ${text} is too long: a day at most.`, EXIT.usage);
  return ms;
}

export const operateVerbs: Verb = (program, terminal) => {
  const socket = defaultSocket(terminal);
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
  const answer = await exchange(socket, command);
  if (json === true) terminal.out(JSON.stringify(answer));
  else if (answer.ok) terminal.out(done);
  if (!answer.ok) throw new CliError(`The agent refused: ${answer.message}`);
}
