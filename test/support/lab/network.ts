// The lab: a VPC in network namespaces, with a router that holds the Elastic IP, faults on demand, and the processes that run
// inside. Everything it makes carries the name of this process, and `close()` takes all of it away again.
import { spawnSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AUTOMATIC_PUBLIC_ADDRESS, ELASTIC_IP, REFERENCE_PRIVATE, REFERENCE_PUBLIC, type FaultEnd, type NodeName, type Place } from "./addresses.ts";
import { faultsTable, type Fault } from "./faults.ts";
import { ensureHostTools } from "./host-tools.ts";
import { labDir, labName, removeNamespace, sweepLeftovers } from "./leftovers.ts";
import { conntrackFlush, natUpdate } from "./nat.ts";
import { killGroup, startProcess, type LabProcess, type SpawnOptions } from "./process.ts";
import { labProgram } from "./programs.ts";
import { run, type RunOptions, type RunResult } from "./run.ts";
import { buildTopology } from "./topology.ts";
import { waitUntil } from "../wait-until.ts";

export interface LabOptions {
  /** Which nodes exist; node-a and node-b by default. */
  readonly nodes?: readonly NodeName[];
  /** Whether there is a witness; none by default. */
  readonly witness?: boolean;
}

type Inside = keyof typeof AUTOMATIC_PUBLIC_ADDRESS;

let labsOpened = 0;

/** Builds a lab (about half a second). Removes first what labs of dead processes left. Throws with a remedy if the machine can't. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  await ensureHostTools((line) => process.stderr.write(`lab: ${line}\n`));
  await sweepLeftovers();
  labsOpened += 1;
  const places: Place[] = ["igw", "aws", "caller", ...(options.nodes ?? ["node-a", "node-b"])];
  if (options.witness === true) places.push("witness");
  const lab = new Lab(labName(process.pid, labsOpened), places);
  try {
    await lab.build();
  } catch (error) {
    await lab.close();
    throw error;
  }
  return lab;
}

export class Lab {
  /** Unique on this machine; the prefix of all that the lab makes. */
  readonly name: string;
  /** Folder for logs and per-instance files; removed by `close()` unless `LAB_KEEP=1`. */
  readonly dir: string;
  readonly places: readonly Place[];
  readonly #processes: LabProcess[] = [];
  readonly #withoutPublic = new Set<Inside>();
  #faults: readonly Fault[] = [];
  #holder: NodeName | null = null;
  #starts = 0;
  readonly #onExit = () => this.#abandon();

  constructor(name: string, places: readonly Place[]) {
    this.name = name;
    this.dir = labDir(name);
    this.places = places;
  }

  /** Called once by `openLab`. */
  async build(): Promise<void> {
    process.once("exit", this.#onExit);
    await mkdir(join(this.dir, "logs"), { recursive: true });
    await buildTopology(this.places, (place) => this.namespaceOf(place));
    const targets = [REFERENCE_PRIVATE, REFERENCE_PUBLIC].map(({ address, port }) => `${address}:${port}`);
    const reference = await this.spawn("aws", process.execPath, [await labProgram("support/lab/reference-main.ts"), ...targets], { name: "reference" });
    await waitUntil("the references to listen", () => targets.every((target) => reference.log().includes(`listening ${target}`)), 10_000);
  }

  /** The name of a place's network namespace, for `ip netns exec`. */
  namespaceOf(place: Place): string {
    return `${this.name}-${place}`;
  }

  /** Starts a process inside a place. It ends with the lab at the latest. */
  async spawn(place: Place, command: string, args: readonly string[], options: SpawnOptions = {}): Promise<LabProcess> {
    this.#starts += 1;
    const name = options.name ?? command.split("/").at(-1) ?? command;
    const logFile = join(this.dir, "logs", `${String(this.#starts).padStart(2, "0")}-${place}-${name}.log`);
    const entered = await startProcess("nsenter", [this.#net(place), "--", command, ...args], logFile, { ...options, name });
    this.#processes.push(entered);
    return entered;
  }

  /** Runs a short command inside a place to its end. Rejects as `run` does. */
  async run(place: Place, command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run("nsenter", [this.#net(place), "--", command, ...args], options);
  }

  /** Who holds the Elastic IP in the router now. */
  get eipTarget(): NodeName | null {
    return this.#holder;
  }

  /**
   * Gives the Elastic IP to a node, or to nobody. All packets sent after this resolves go to the new holder: translations
   * change in one transaction, and flows that still knew the old one are forgotten.
   */
  async setEipTarget(node: NodeName | null): Promise<void> {
    const touched = [this.#holder, node].filter((one) => one !== null);
    this.#holder = node;
    await this.#renew([ELASTIC_IP, ...touched.map((one) => AUTOMATIC_PUBLIC_ADDRESS[one])]);
  }

  /** Takes a place's automatic public address away or gives it back: without one (and without the Elastic IP) it has no way out. */
  async setPublicAddress(place: Inside, on: boolean): Promise<void> {
    if (on) this.#withoutPublic.delete(place);
    else this.#withoutPublic.add(place);
    await this.#renew([AUTOMATIC_PUBLIC_ADDRESS[place]]);
  }

  /** Cuts two ends from each other; with `oneWay` only the packets from `from` to `to` are lost. */
  async cut(from: FaultEnd, to: FaultEnd, options: { readonly oneWay?: boolean } = {}): Promise<void> {
    await this.loss(from, to, 100, options);
  }

  /** Loses a share of the packets between two ends, each way (or one way), at random. Replaces what was set between them. */
  async loss(from: FaultEnd, to: FaultEnd, percent: number, options: { readonly oneWay?: boolean } = {}): Promise<void> {
    const faults: Fault[] = [{ kind: "drop", from, to, percent }];
    if (options.oneWay !== true) faults.push({ kind: "drop", from: to, to: from, percent });
    await this.#setFaults([...this.#without(from, to), ...faults]);
  }

  /** Heals all faults, or those between two ends (both ways). */
  async heal(from?: FaultEnd, to?: FaultEnd): Promise<void> {
    await this.#setFaults(from === undefined || to === undefined ? [] : this.#without(from, to));
  }

  /** Heals `isolate`, `cutAllBut` and `nodeGone` of one place. */
  async rejoin(place: Exclude<Place, "igw">): Promise<void> {
    await this.#setFaults(this.#faults.filter((fault) => fault.kind === "drop" || fault.place !== place));
  }

  /** Cuts a place from everything but the given ends. Its metadata service stays, as on EC2. */
  async cutAllBut(place: Exclude<Place, "igw">, allowed: readonly FaultEnd[]): Promise<void> {
    await this.#setFaults([...this.#faults, { kind: "only", place, allowed }]);
  }

  /** Cuts a place from everything. */
  async isolate(place: Exclude<Place, "igw">): Promise<void> {
    await this.cutAllBut(place, []);
  }

  /** The machine has died: nothing comes from it, nothing reaches it, nobody is told. Its processes are left to the test. */
  async nodeGone(node: NodeName | "witness"): Promise<void> {
    await this.#setFaults([...this.#faults, { kind: "gone", place: node }]);
  }

  /** Ends all processes of the lab and removes its namespaces and its folder. May be called twice. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.end(1000)));
    for (const place of this.places) await removeNamespace(this.namespaceOf(place));
    if (process.env["LAB_KEEP"] !== "1") await rm(this.dir, { recursive: true, force: true });
    process.off("exit", this.#onExit);
  }

  #net(place: Place): string {
    if (!this.places.includes(place)) throw new Error(`this lab has no ${place}; name it in openLab()`);
    return `--net=/run/netns/${this.namespaceOf(place)}`;
  }

  #without(from: FaultEnd, to: FaultEnd): Fault[] {
    const ends = [from, to];
    return this.#faults.filter((fault) => fault.kind !== "drop" || !ends.includes(fault.from) || !ends.includes(fault.to));
  }

  async #setFaults(faults: readonly Fault[]): Promise<void> {
    this.#faults = faults;
    await this.run("igw", "nft", ["-f", "-"], { input: faultsTable(faults) });
  }

  async #renew(flush: readonly string[]): Promise<void> {
    const update = natUpdate({ holder: this.#holder, withoutPublic: this.#withoutPublic });
    await this.run("igw", "sh", ["-ec", `nft -f -\n${conntrackFlush(flush)}`], { input: update });
  }

  /** The test process ends without `close()` (a failed assertion at top level, say): what can be done without waiting. */
  #abandon(): void {
    for (const one of this.#processes) if (one.running()) killGroup(one.pid, "SIGKILL");
    for (const place of this.places) spawnSync("ip", ["netns", "delete", this.namespaceOf(place)]);
  }
}
