/** On what was measured: a figure without its machine says nothing. */
import { arch, cpus, getPriority, loadavg, release, totalmem } from "node:os";
import process from "node:process";
import { ensureRoot } from "../support/lab/roots.ts";
import { run } from "../support/lab/run.ts";

const GIB = 1_073_741_824;

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  /** null when no figure needed one. */
  readonly asterisk: string | null;
  /** Of the bench and all that it started, -20 (first) to 19. On a machine with other work, a low one is what a node's own core is. */
  readonly nice: number;
}

export async function describeMachine(withAsterisk: boolean): Promise<Machine> {
  const all = cpus();
  return {
    cores: all.length,
    cpu: `${all[0]?.model.trim() ?? "unknown"} (${arch()})`,
    memoryGib: Math.round((totalmem() / GIB) * 10) / 10,
    kernel: release(),
    node: process.version,
    asterisk: withAsterisk ? await asteriskVersion() : null,
    nice: getPriority(),
  };
}

export function machineInWords(machine: Machine): string {
  return `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node ${machine.node}${machine.asterisk === null ? "" : `, ${machine.asterisk}`}${machine.nice === 0 ? "" : `; run with nice ${machine.nice} beside other work`}`;
}

/** Load averages over 1, 5 and 15 minutes, as the kernel counts. */
export function loadInWords(load: readonly number[] = loadavg()): string {
  return load.map((value) => value.toFixed(2)).join(" ");
}

async function asteriskVersion(): Promise<string> {
  const root = await ensureRoot("telephony", (line) => process.stderr.write(`lab: ${line}\n`));
  return (await run("chroot", [root, "asterisk", "-V"])).stdout.trim();
}
