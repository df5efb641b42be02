/** `nodectl switchover`: the planned failover. It asks the agents, which lead it; what it prints is their sentences. */
import { randomBytes } from "node:crypto";
import type { SwitchoverRequest } from "../core/switchover.ts";
import { clusterLines } from "./cluster-lines.ts";
import { followOrder, settledSurvey, survey } from "./follow-order.ts";
import { drainMsOf } from "./operate.ts";
import { command, defaultSocket } from "./operator-exchange.ts";
import { agreed, finishOrder, type OrderOptions } from "./order.ts";
import { CliError, type Terminal, type Verb } from "./verb.ts";

interface Options extends OrderOptions {
  readonly to?: string;
  readonly drain: string;
  readonly dryRun?: boolean;
}

export const switchoverVerb: Verb = (program, terminal) => {
  program
    .command("switchover")
    .description("planned: let calls end, then hand the address to the standby; on any failure everything is as before")
    .option("--to <node>", "the node that shall have the address (otherwise the standby that is fit)")
    .option("--drain <duration>", "how long calls in progress may take to end: 0, 90s, 10m, 2h", "10m")
    .option("--reason <text>", "why; goes to the log, the history and the address's tags", "planned switchover")
    .option("--dry-run", "only say whether it could be done now")
    .option("--yes", "don't ask before the address moves")
    .option("--json", "the outcome as JSON")
    .option("--socket <path>", "the agent's socket", defaultSocket(terminal))
    .addHelpText("after", "\nExample: nodectl switchover --to node-b --drain 10m --reason \"new kernel\"\n\nIt can be given on any node of the cluster. While it lasts, new calls are answered with 503 and Retry-After. If this\ncommand is interrupted the switchover goes on; `nodectl undrain` on the active calls it off.")
    .action((options: Options) => switchOver(options, terminal));
};

async function switchOver(options: Options, terminal: Terminal): Promise<void> {
  const { socket, to = null, reason } = options;
  const drainMs = drainMsOf(options.drain);
  const tell = (line: string): void => { if (options.json !== true) terminal.out(line); };
  const before = await survey(socket);
  if (before.kind === "witness") throw new CliError("A witness has no address to hand over: give the command on a node.");
  for (const line of clusterLines("before", before)) tell(line);
  if (before.underWay !== null) throw new CliError(`Refused: another switchover is under way. ${before.underWay.says}`);
  const order = async (dryRun: boolean): Promise<{ readonly ok: boolean; readonly message: string }> => {
    const request: SwitchoverRequest = { id: randomBytes(8).toString("hex"), to, drainMs, reason, dryRun };
    await command(socket, { kind: "switchover", request });
    return followOrder(socket, request.id, to, tell);
  };
  const checked = await order(true);
  if (!checked.ok || options.dryRun === true) {
    finishOrder({ ...checked, message: checked.ok ? `${checked.message} Nothing was changed.` : `Refused: ${checked.message}` }, before, before, options, terminal);
    return;
  }
  tell(checked.message);
  await agreed(`Hand the address over${to === null ? "" : ` to ${to}`}, with new calls refused for at most ${options.drain}?`, options, terminal);
  const ended = await order(false);
  finishOrder(ended, before, await settledSurvey(socket), options, terminal);
}
