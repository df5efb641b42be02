/** `nodectl takeover --force`: this node takes the address because an operator says so, with everything named that this overrides. */
import { randomBytes } from "node:crypto";
import { overridesSchema } from "../operator-desk.ts";
import { clusterLines } from "./cluster-lines.ts";
import { followOrder, settledSurvey, survey } from "./follow-order.ts";
import { ask, command, defaultSocket } from "./operator-exchange.ts";
import { agreed, finishOrder, type OrderOptions } from "./order.ts";
import { CliError, type Terminal, type Verb } from "./verb.ts";

interface Options extends OrderOptions {
  readonly force?: boolean;
  readonly evenIfNotServing?: boolean;
}

export const takeoverVerb: Verb = (program, terminal) => {
  program
    .command("takeover")
    .description("take the address to this node, from a dead peer or a stranger; says what it overrides")
    .option("--force", "override what stands in the way")
    .option("--even-if-not-serving", "also if this node's own Asterisk can't take calls")
    .option("--reason <text>", "why; goes to the log, the history and the address's tags", "no reason given")
    .option("--yes", "don't ask before the address moves")
    .option("--json", "the outcome as JSON")
    .option("--socket <path>", "the agent's socket", defaultSocket(terminal))
    .addHelpText("after", "\nExample: nodectl takeover --force --reason \"the zone of node-a is on fire\"\n\nWhere both nodes are well, use `nodectl switchover`: it lets calls end first.")
    .action((options: Options) => takeOver(options, terminal));
};

async function takeOver(options: Options, terminal: Terminal): Promise<void> {
  const { socket, reason } = options;
  const evenIfNotServing = options.evenIfNotServing === true;
  const tell = (line: string): void => { if (options.json !== true) terminal.out(line); };
  const before = await survey(socket);
  for (const line of clusterLines("before", before)) tell(line);
  const { refusal, overrides } = await ask(socket, { kind: "overrides", evenIfNotServing }, overridesSchema);
  if (refusal !== null) throw new CliError(`Refused: ${refusal}`);
  for (const { gate, says, danger } of overrides) {
    tell(`overrides "${gate}": ${says}`);
    tell(`  danger: ${danger}`);
  }
  if (overrides.length > 0 && options.force !== true) throw new CliError(`Refused: ${overrides.map(({ gate }) => `"${gate}"`).join(", ")} would have to be overridden; --force does.`);
  await agreed(`Take the address over from ${before.holder} to ${before.node}${overrides.length === 0 ? "" : ", although the above speaks against it"}?`, options, terminal);
  const id = randomBytes(8).toString("hex");
  await command(socket, { kind: "takeover", request: { id, reason, from: before.holder, accepted: overrides.map(({ gate }) => gate), evenIfNotServing } });
  const ended = await followOrder(socket, id, before.node, tell);
  finishOrder(ended, before, await settledSurvey(socket), options, terminal);
}
