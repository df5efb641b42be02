// What the tests of booted machines ask and wait for.
import process from "node:process";
import { parse } from "yaml";
import type { NodeName, Place } from "../lab/addresses.ts";
import { monotonicMs } from "../lab/clock.ts";
import type { RunResult } from "../lab/run.ts";
import { fillTemplate } from "../terraform-template.ts";
import { waitUntil } from "../wait-until.ts";
import type { ImagePair, MachineName } from "./image-pair.ts";
import type { Machine } from "./machine.ts";

/** Whether a TCP connection from that place is accepted; `localAddress`: where on a node it comes from, which for root is the management address. */
export async function connects(image: ImagePair, from: Place, address: string, port: number, localAddress = ""): Promise<boolean> {
  const script = 'const s = require("node:net").connect({ host: process.argv[1], port: Number(process.argv[2]), timeout: 1500, ...(process.argv[3] === "" ? {} : { localAddress: process.argv[3] }) }); const end = (code) => process.exit(code); s.on("connect", () => end(0)).on("error", () => end(1)).on("timeout", () => end(2));';
  return (await image.pair.lab.run(from, process.execPath, ["-e", script, address, String(port), localAddress], { accept: [1, 2] })).code === 0;
}

/** One of pm2's programs, as pm2 has it. */
export interface Pm2Program {
  readonly name: string;
  /** Numbered as inside; 0 while it doesn't run. */
  readonly pid: number;
  readonly pm2_env: { readonly status: string; readonly exit_code?: number };
}

/** What pm2 on a machine runs. */
export async function pm2Programs(machine: Machine): Promise<readonly Pm2Program[]> {
  const { stdout } = await machine.run("pm2", ["jlist"]);
  return JSON.parse(stdout.slice(stdout.indexOf("["))) as readonly Pm2Program[];
}

/** The process id of the agent, numbered as inside, as pm2 gives it; 0 while there is none. */
export async function agentPid(machine: Machine): Promise<number> {
  const { stdout } = await machine.run("pm2", ["pid", "asterisk-node-agent"], { accept: [1] });
  return Number(stdout.trim().split("\n").at(-1) ?? 0);
}

interface LogLine {
  readonly event: string;
  readonly monoMs: number;
  readonly incarnation: string;
  readonly from: string;
}

/** All lines of one event in the agent's log of a node. A restart makes a new incarnation; the clock is the whole machine's. */
async function logged(image: ImagePair, node: MachineName, event: string): Promise<readonly LogLine[]> {
  const { stdout } = await image.machine(node).run("sh", ["-c", `grep -hF '"event":"${event}"' /var/log/asterisk-node-agent/agent.log || true`]);
  return stdout.split("\n").filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as LogLine);
}

/** Does something to the agent of a node, waits until another one has started, and returns how long that took (ms). */
export async function untilAnotherAgent(image: ImagePair, node: MachineName, deed: () => Promise<unknown>): Promise<number> {
  return (await another(image, node, deed)).startedAfterMs;
}

/** As `untilAnotherAgent`, until `listener` has heard that other agent (its log must be at level debug). */
export async function untilHeardAgain(image: ImagePair, node: MachineName, listener: MachineName, deed: () => Promise<unknown>): Promise<{ readonly startedAfterMs: number; readonly heardAfterMs: number }> {
  const { atMs, startedAfterMs } = await another(image, node, deed);
  const heard = await waitUntil(`a heartbeat of ${node}`, async () => (await logged(image, listener, "heartbeat-received")).find((line) => line.from === node && line.monoMs >= atMs + startedAfterMs), 30_000);
  return { startedAfterMs, heardAfterMs: Math.round(heard.monoMs - atMs) };
}

async function another(image: ImagePair, node: MachineName, deed: () => Promise<unknown>): Promise<{ readonly atMs: number; readonly startedAfterMs: number }> {
  const last = async (): Promise<LogLine | undefined> => (await logged(image, node, "agent-started")).at(-1);
  const before = (await last())?.incarnation;
  const atMs = monotonicMs();
  await deed();
  const next = await waitUntil(`another agent on ${node}`, async () => {
    const line = await last();
    return line !== undefined && line.incarnation !== before && line;
  }, 30_000);
  return { atMs, startedAfterMs: Math.round(next.monoMs - atMs) };
}

const DOCUMENTS = new URL("../../../provisioning/ssm/", import.meta.url);

/** Runs the commands of a Systems Manager document on a machine, as its agent would: as root, as one script. Rejects when they fail. */
export async function runDocument(machine: Machine, name: string, parameters: Readonly<Record<string, string>> = {}): Promise<RunResult> {
  const { mainSteps } = parse(fillTemplate(new URL(`${name}.yaml`, DOCUMENTS), { cluster_id: "lab" })) as { readonly mainSteps: readonly { readonly inputs: { readonly runCommand: readonly string[] } }[] };
  const text = mainSteps.flatMap((step) => step.inputs.runCommand).join("\n");
  const script = Object.entries(parameters).reduce((filled, [key, value]) => filled.replaceAll(`{{ ${key} }}`, value), text);
  return machine.run("sh", ["-c", script], { timeoutMs: 120_000 });
}

/** As the pair's own, but it fails with all machines' last words. */
export async function steadyMachines(image: ImagePair, active: NodeName): Promise<void> {
  try {
    await image.pair.steady(active);
  } catch (error) {
    for (const [name, machine] of image.machines) {
      const { stdout } = await machine.run("sh", ["-c", "systemctl --failed --no-legend; journalctl --boot --no-pager --lines 15 --unit node-render --unit asterisk --unit node-pm2; nodectl status; tail -n 8 /var/log/asterisk-node-agent/*.log /var/log/asterisk/messages.log | cut -c1-400"], { accept: [1, 2] });
      process.stderr.write(`--- ${name}\n${stdout}\n`);
    }
    throw error;
  }
}
