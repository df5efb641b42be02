/** Follows an operator's order until it has ended. The agents lead it: if this command is interrupted, the order goes on. */
import { reportSchema, surveySchema, type Report, type Survey } from "../operator-desk.ts";
import { ask } from "./operator-exchange.ts";
import { CliError } from "./verb.ts";

const POLL_MS = 200;
/** Nobody who is heard knows of the order for so long: it was not taken, or its leader is gone (ms). */
const NO_WORD_MS = 5_000;
/** Afterwards it must show within this time who has the address (ms). */
const SETTLED_WITHIN_MS = 30_000;
/** A drain tells how its numbers go at most this often (ms). */
const TOLD_EVERY_MS = 5_000;

export interface Ended {
  readonly ok: boolean;
  readonly message: string;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A sentence without its numbers: what it tells apart from how far it has come. */
const gist = (sentence: string): string => sentence.replaceAll(/\d+/g, "");

export function survey(socket: string): Promise<Survey> {
  return ask(socket, { kind: "survey" }, surveySchema);
}

/** Resolves when the order has ended, or when its leader is gone and it shows who has the address. `tell` gets each step once. */
export async function followOrder(socket: string, id: string, target: string | null, tell: (line: string) => void): Promise<Ended> {
  let last: NonNullable<Report> | null = null;
  let wordAtMs = Date.now();
  let told = { phase: "", atMs: 0, says: "" };
  while (Date.now() - wordAtMs < NO_WORD_MS) {
    const report = await reportOf(socket, id);
    if (report !== null) {
      if (report.ended) return { ok: report.ok, message: report.says };
      last = report;
      wordAtMs = Date.now();
      const news = report.phase !== told.phase || gist(report.says) !== gist(told.says) || (report.says !== told.says && Date.now() - told.atMs >= TOLD_EVERY_MS);
      if (news && report.says !== "") {
        tell(report.says);
        told = { phase: report.phase, atMs: Date.now(), says: report.says };
      }
    }
    await sleep(POLL_MS);
  }
  if (last !== null) return whoHasIt(socket, last, target);
  const { underWay } = await survey(socket);
  return { ok: false, message: underWay !== null && underWay.id !== id ? `Another switchover is under way: ${underWay.says}` : "The active has not answered. Nothing is known to have changed; look at `nodectl status`." };
}

/** null while the agent of this machine does not answer, too: it may be restarting. */
async function reportOf(socket: string, id: string): Promise<Report> {
  try {
    return await ask(socket, { kind: "progress", id }, reportSchema);
  } catch (error) {
    if (error instanceof CliError) return null;
    throw error;
  }
}

/** The agent that led the order is not heard any more, or has started anew and knows nothing of it. */
async function whoHasIt(socket: string, last: NonNullable<Report>, target: string | null): Promise<Ended> {
  const giveUpAtMs = Date.now() + SETTLED_WITHIN_MS;
  const to = target ?? last.to;
  while (Date.now() < giveUpAtMs) {
    const seen = await survey(socket).catch((error: unknown) => {
      if (error instanceof CliError) return null;
      throw error;
    });
    const active = seen?.rows.find(({ role, holds }) => role === "active" && holds)?.node;
    if (active !== undefined && active === to) return { ok: true, message: `The address is on ${to}; the agent of ${last.by}, which led the switchover, was lost meanwhile.` };
    if (active === last.by) return { ok: false, message: `Nothing has moved, and ${last.by} takes new calls again: its agent has started anew meanwhile, which ends a switchover.` };
    if (active !== undefined) return { ok: false, message: `The address is on ${active}.` };
    await sleep(POLL_MS);
  }
  return { ok: false, message: `It does not show who has the address: ${last.by}, which led the switchover, is not heard. Look at \`nodectl status\` on each node.` };
}

/** The cluster once every node has noticed the move, or as it is after a few seconds. */
export async function settledSurvey(socket: string): Promise<Survey> {
  const giveUpAtMs = Date.now() + NO_WORD_MS;
  for (;;) {
    const seen = await survey(socket);
    const actives = seen.rows.filter(({ role }) => role === "active");
    if ((actives.length === 1 && actives[0]?.node === seen.holder) || Date.now() >= giveUpAtMs) return seen;
    await sleep(POLL_MS);
  }
}
