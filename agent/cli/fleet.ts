/** `nodectl fleet`: every cluster of the account and region. Needs AWS credentials (iam/operator-policy.json) and no agent on this machine. */
import { AwsFleet } from "../adapters/aws-fleet.ts";
import { systemClock } from "../clock.ts";
import { fleetRow, type FleetCluster, type FleetRow } from "../core/fleet.ts";
import { AgentError } from "../errors.ts";
import { roll, type Rolled } from "../fleet/roll.ts";
import { switchCluster } from "../fleet/switch-cluster.ts";
import { KNOBS } from "../knobs.ts";
import type { FleetPort } from "../ports.ts";
import { clean, cut, instant } from "../status/layout.ts";
import { drainMsOf } from "./operate.ts";
import { agreed } from "./order.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

const ASK_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
const READY_WITHIN_MS = 600_000;
const MOVED_WITHIN_MS = 60_000;
const AT_A_TIME_MAX = 50;

interface Common {
  readonly region: string;
  readonly namespace: string;
  readonly json?: boolean;
}

interface SwitchOptions extends Common {
  readonly all?: boolean;
  readonly atATime: string;
  readonly drain: string;
  readonly startStopped?: boolean;
  readonly yes?: boolean;
}

export const fleetVerb: Verb = (program, terminal) => {
  const fleet = program.command("fleet").description("look at and move every cluster of an AWS account and region, from anywhere with credentials");
  const common = (name: string, says: string): ReturnType<typeof fleet.command> =>
    fleet.command(name).description(says).option("--region <region>", "the AWS region", setting(terminal.env, "AWS_REGION", "")).option("--namespace <name>", "where the agents' metrics are", setting(terminal.env, "METRICS_NAMESPACE", KNOBS.METRICS_NAMESPACE.default)).option("--json", "as JSON");
  common("status", "list every cluster: who is active, is the standby ready, the last move")
    .addHelpText("after", "\nExample: nodectl fleet status --region eu-central-1")
    .action((options: Common) => withFleet(options, async (port) => { show(await clustersOf(port), options, terminal); }));
  common("switchover", "planned switchovers of the clusters named, or of all, so many at a time; the first failure ends it")
    .argument("[clusters...]", "their CLUSTER_IDs")
    .option("--all", "every cluster of the region")
    .option("--at-a-time <count>", "how many may be under way at once", "1")
    .option("--drain <duration>", "how long calls in progress may take to end: 0, 90s, 10m", "10m")
    .option("--start-stopped", "a standby whose instance is stopped is started first, and waited for")
    .option("--yes", "don't ask before the addresses move")
    .addHelpText("after", "\nExample: nodectl fleet switchover --all --at-a-time 2 --drain 10m")
    .action((clusters: string[], options: SwitchOptions) => withFleet(options, (port) => switchAll(port, clusters, options, terminal)));
};

async function withFleet(options: Common, work: (port: FleetPort) => Promise<void>): Promise<void> {
  if (options.region === "") throw new CliError("Which region? Give --region or set AWS_REGION.", EXIT.usage);
  const fleet = new AwsFleet({ region: options.region, namespace: options.namespace, wallMs: () => systemClock.wallMs() });
  try {
    await work(fleet);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new CliError(`${error.message} (${error.code}). Your role needs provisioning/iam/operator-policy.json.`, EXIT.failed, error);
  } finally {
    fleet.close();
  }
}

const clustersOf = (port: FleetPort): Promise<readonly FleetCluster[]> => port.clusters(AbortSignal.timeout(ASK_WITHIN_MS));

function show(clusters: readonly FleetCluster[], { json, region }: Common, terminal: Terminal): void {
  const rows = clusters.map(fleetRow);
  if (json === true) terminal.out(JSON.stringify(clusters.map((facts, index) => ({ ...rows[index], ...facts })), null, 2));
  else for (const line of fleetText(rows, region, terminal.width)) terminal.out(line);
}

/** A table, and a sentence for whatever is not as it should be. */
export function fleetText(rows: readonly FleetRow[], region: string, width: number): readonly string[] {
  if (rows.length === 0) return [`No address in ${region} has the tag ClusterId. Terraform's module sets it; by hand: the tag ClusterId on the Elastic IP and on the nodes, NodeId on the nodes.`];
  const head = ["cluster", "address", "active", "standby", "ready", "last move"];
  const cells = rows.map((row) => [row.cluster, row.address, row.active, row.standby ?? "-", row.notReady === null ? "yes" : "NO", lastMoveOf(row)].map(clean));
  const widths = head.map((title, index) => Math.max(title.length, ...cells.map((each) => each[index]?.length ?? 0)));
  const line = (each: readonly string[]): string => cut(each.map((text, index) => text.padEnd(widths[index] ?? 0)).join("  ").trimEnd(), width);
  const notes = rows.filter(({ notReady }) => notReady !== null).map(({ cluster, standby, notReady }) => `${cluster}: ${standby === null ? "" : `${standby} could not take over: `}${notReady ?? ""}`);
  return [line(head), ...cells.map(line), ...(notes.length === 0 ? [] : ["", ...notes])];
}

function lastMoveOf({ lastMove }: FleetRow): string {
  return lastMove.replace(/^\S+Z/, (at) => instant(at));
}

async function switchAll(port: FleetPort, named: readonly string[], options: SwitchOptions, terminal: Terminal): Promise<void> {
  const tell = (line: string): void => { if (options.json !== true) terminal.out(line); };
  const drainMs = drainMsOf(options.drain);
  const atATime = Number(options.atATime);
  if (!Number.isInteger(atATime) || atATime < 1 || atATime > AT_A_TIME_MAX) throw new CliError(`--at-a-time ${options.atATime} is not a number from 1 to ${AT_A_TIME_MAX}.`, EXIT.usage);
  if ((options.all === true) === (named.length > 0)) throw new CliError("Name the clusters, or give --all.", EXIT.usage);
  const facts = await clustersOf(port);
  const unknown = named.filter((name) => !facts.some(({ cluster }) => cluster === name));
  if (unknown.length > 0) throw new CliError(`Not in ${options.region}: ${unknown.join(", ")}. There are: ${facts.map(({ cluster }) => cluster).join(", ") || "none"}.`);
  const chosen = facts.filter(({ cluster }) => options.all === true || named.includes(cluster));
  if (options.json !== true) show(chosen, options, terminal);
  await agreed(`Switch ${chosen.length} cluster(s) over, ${atATime} at a time?`, { ...options, socket: "", reason: "" }, terminal);
  const rolled = await roll(chosen.map(({ cluster }) => cluster), atATime, async (name) => {
    const one = chosen.find(({ cluster }) => cluster === name);
    if (one === undefined) return { ok: false, says: "it has vanished" };
    const acted = await switchCluster(port, one, { drain: options.drain, drainMs, startStopped: options.startStopped === true, lookEveryMs: LOOK_EVERY_MS, readyWithinMs: READY_WITHIN_MS, movedWithinMs: MOVED_WITHIN_MS, tell, nowMs: () => systemClock.monotonicMs(), wait: (ms) => new Promise((resolve) => { setTimeout(resolve, ms); }) });
    tell(`${name}: ${acted.ok ? "done" : "FAILED"}: ${acted.says}`);
    return acted;
  });
  finish(rolled, await clustersOf(port), options, terminal);
}

function finish(rolled: readonly Rolled[], after: readonly FleetCluster[], options: SwitchOptions, terminal: Terminal): void {
  const touched = after.filter(({ cluster }) => rolled.some((one) => one.cluster === cluster));
  if (options.json === true) terminal.out(JSON.stringify({ rolled, after: touched.map(fleetRow) }, null, 2));
  else show(touched, options, terminal);
  const failed = rolled.filter(({ outcome }) => outcome === "failed");
  const left = rolled.filter(({ outcome }) => outcome === "not begun");
  if (failed.length > 0) throw new CliError(`${failed.map(({ cluster, says }) => `${cluster}: ${says}`).join(" ")}${left.length === 0 ? "" : ` Not begun: ${left.map(({ cluster }) => cluster).join(", ")}.`}`);
}
