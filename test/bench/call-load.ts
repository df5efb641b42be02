/** Many callers at once on the active: real SIP through the Elastic IP, answered by the reference application, and held. */
import { join } from "node:path";
import type { NodeName } from "../support/lab/addresses.ts";
import { heldCall } from "../support/lab/call-scenarios.ts";
import type { Pair } from "../support/lab/pair.ts";
import type { LabProcess } from "../support/lab/process.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { runSipp, type SippRun } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";
import { pause } from "./fault-pair.ts";

/** The application that the lab's dialplan hands incoming calls to. */
export const CALL_APP = "callcenter";
const PER_SECOND = 40;
/** Longer than anything that is measured meanwhile (ms). */
const HOLD_MS = 3_600_000;
const LOOK_EVERY_MS = 1_000;

export interface CallLoad {
  stop(): Promise<void>;
}

/** Starts the application on a node. Resolves when it is registered there. */
export async function startCallApp(pair: Pair, node: NodeName): Promise<LabProcess> {
  let ready = false;
  const app = await pair.lab.spawn(node, process.execPath, ["--import", "tsx", join(REPOSITORY, "test/support/reference-app/app-main.ts")], {
    name: `app-${node}`,
    env: { ARI_USERNAME: "agent", ARI_PASSWORD: pair.secret.ari_password, APP: CALL_APP },
    onLine: (line) => { ready ||= line.includes('"ready"'); },
  });
  await waitUntil(`the application on ${node}`, () => ready, 30_000);
  return app;
}

/** Calls that are up on a node, as its Asterisk counts them. */
export async function callsOn(pair: Pair, node: NodeName): Promise<number> {
  return Number(/(\d+) active calls?/.exec(await pair.node(node).asterisk.cli("core show channels count"))?.[1] ?? 0);
}

/** Calls come and go, so many at once about, wherever the address is: those that a failover cuts are followed by others. */
export async function startCallStream(pair: Pair, calls: number, holdMs: number): Promise<CallLoad> {
  const sipp = await runSipp(pair.lab, { scenario: heldCall("load", holdMs), calls: 1_000_000, rate: Math.max(1, Math.round((1_000 * calls) / holdMs)), timeoutMs: HOLD_MS, args: ["-p", "5070", "-l", String(2 * calls)] });
  return { stop: () => endOf(sipp) };
}

/** Resolves when so many calls are up on the node, which must hold the address. */
export async function startCallLoad(pair: Pair, node: NodeName, calls: number): Promise<CallLoad> {
  const sipp = await runSipp(pair.lab, { scenario: heldCall("load", HOLD_MS), calls, rate: PER_SECOND, timeoutMs: HOLD_MS, args: ["-p", "5070", "-l", String(calls)] });
  await waitUntil(`${calls} calls to be up on ${node}`, async () => {
    await pause(LOOK_EVERY_MS);
    if (!sipp.process.running()) throw new Error(`SIPp has ended: ${sipp.process.log().slice(-500)}`);
    return (await callsOn(pair, node)) >= calls;
  }, (calls / PER_SECOND) * 3_000 + 30_000);
  return { stop: () => endOf(sipp) };
}

async function endOf(sipp: SippRun): Promise<void> {
  sipp.process.kill("SIGKILL");
  await sipp.finished;
}
