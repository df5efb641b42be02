// Real calls: SIPp from the telephony root, run in a place of the lab, for what OPTIONS can't show (calls, media, load).
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESS, ELASTIC_IP, type Place } from "./addresses.ts";
import type { Lab } from "./network.ts";
import type { LabProcess } from "./process.ts";
import { rootedCommand } from "./rooted.ts";
import { ensureRoot } from "./roots.ts";

export interface SippOptions {
  /** From where; the caller's place by default. */
  readonly place?: Exclude<Place, "igw">;
  /** A scenario as XML; the default is SIPp's own caller (`-sn uac`). */
  readonly scenario?: string;
  /** `host:port` to call; the Elastic IP by default. */
  readonly target?: string;
  /** How many calls; 1 by default. */
  readonly calls?: number;
  /** Calls started per second; 10 by default. */
  readonly rate?: number;
  /** What is called (`-s`); `100` by default. */
  readonly service?: string;
  /** Ends SIPp after so many milliseconds whatever happens; 30 000 by default. */
  readonly timeoutMs?: number;
  /** Further SIPp arguments. */
  readonly args?: readonly string[];
}

export interface SippRun {
  readonly process: LabProcess;
  /** Folder of the run, which is SIPp's working folder: traces and statistics land here. */
  readonly dir: string;
  /** Resolves when SIPp has ended: `ok` if every call went as the scenario says. */
  readonly finished: Promise<{ readonly ok: boolean; readonly code: number | null; readonly log: string }>;
}

let runs = 0;

/** Starts SIPp; await `finished` for the result. */
export async function runSipp(lab: Lab, options: SippOptions = {}): Promise<SippRun> {
  const place = options.place ?? "caller";
  const root = await ensureRoot("telephony");
  runs += 1;
  const dir = join(lab.dir, `sipp-${runs}`);
  await mkdir(join(dir, "mount"), { recursive: true });
  await mkdir(join(dir, "work"));
  const scenario = options.scenario === undefined ? ["-sn", "uac"] : ["-sf", "/sipp/scenario.xml"];
  if (options.scenario !== undefined) await writeFile(join(dir, "work/scenario.xml"), options.scenario);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const sippArgs = [
    options.target ?? `${ELASTIC_IP}:5060`, ...scenario, "-i", ADDRESS[place], "-s", options.service ?? "100",
    "-m", String(options.calls ?? 1), "-r", String(options.rate ?? 10), "-timeout", `${Math.ceil(timeoutMs / 1000)}s`, "-timeout_error",
    "-nostdin", "-trace_err", ...(options.args ?? []),
  ];
  const { command, args } = rootedCommand({
    root,
    mountpoint: join(dir, "mount"),
    binds: { [join(dir, "work")]: "/sipp" },
    command: "sh",
    args: ["-c", 'cd /sipp && exec sipp "$@"', "sipp", ...sippArgs],
  });
  const process = await lab.spawn(place, command, args, { name: "sipp" });
  const finished = process.exited.then(({ code }) => ({ ok: code === 0, code, log: process.log() }));
  return { process, dir: join(dir, "work"), finished };
}
