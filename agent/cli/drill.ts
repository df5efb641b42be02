/**
 * `nodectl drill`: a game day. Checks every precondition, hands the address over and back, measures from outside meanwhile, and
 * writes a report. Whatever fails ends it: a drill never goes on from a state that it did not expect.
 */
import { randomBytes, createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../adapters/atomic-file.ts";
import { HISTORY_FILE, readHistory } from "../adapters/file-history.ts";
import { SocketProber } from "../adapters/socket-prober.ts";
import { systemClock } from "../clock.ts";
import type { MoveRecord } from "../core/moves.ts";
import { outageOf } from "../drill/outage.ts";
import { ASK_EVERY_MS, OutsideWatch } from "../drill/outside-watch.ts";
import { preconditionsOf, type Precondition } from "../drill/preconditions.ts";
import { drillText, verdictOf, type DrillReport, type Leg } from "../drill/report.ts";
import { CALENDAR, drillUnits } from "../drill/timer.ts";
import { KNOBS } from "../knobs.ts";
import type { Survey } from "../operator-desk.ts";
import type { StatusView } from "../status/schema.ts";
import { askStatus, defaultUrl } from "./ask-agent.ts";
import { followOrder, settledSurvey, survey, type Ended } from "./follow-order.ts";
import { drainMsOf, durationMs } from "./operate.ts";
import { command, defaultSocket } from "./operator-exchange.ts";
import { agreed, type OrderOptions } from "./order.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

/** The first Sunday of each month, four in the morning. */
const CALENDAR_DEFAULT = "Sun *-*-1..7 04:00";
/** After a move and before the way back: the nodes must have settled, and the hold-down must not matter (ms). */
const READY_AGAIN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 500;

interface Options extends OrderOptions {
  readonly dryRun?: boolean;
  readonly drain: string;
  readonly maxSilence: string;
  readonly report: string;
  readonly url: string;
  /** `--schedule` alone is true; with words they are systemd's. */
  readonly schedule?: string | true;
}

export const drillVerb: Verb = (program, terminal) => {
  program
    .command("drill")
    .description("a game day: check every precondition, hand the address over and back, measure from outside, write a report")
    .option("--dry-run", "only check the preconditions, and report")
    .option("--drain <duration>", "how long calls in progress may take to end, each way: 0, 90s, 10m", "10m")
    .option("--max-silence <duration>", "a longer silence than this fails the drill", "5s")
    .option("--reason <text>", "why; goes to the report, the log and the history", "drill")
    .option("--report <folder>", "where the report is written", join(setting(terminal.env, "STATE_DIR", KNOBS.STATE_DIR.default), "drills"))
    .option("--schedule [calendar]", "print the systemd timer for it (systemd's OnCalendar words) and do nothing else")
    .option("--yes", "don't ask before the address moves")
    .option("--json", "the report as JSON")
    .option("--socket <path>", "the agent's socket", defaultSocket(terminal))
    .option("--url <url>", "the agent's status page", defaultUrl(terminal.env))
    .action((options: Options) => (options.schedule === undefined ? drill(options, terminal) : schedule(options, terminal)));
};

function schedule({ schedule: words, dryRun }: Options, terminal: Terminal): void {
  const calendar = words === true || words === undefined ? CALENDAR_DEFAULT : words;
  if (!CALENDAR.test(calendar)) throw new CliError(`--schedule ${calendar} can't be systemd's OnCalendar; try "${CALENDAR_DEFAULT}".`, EXIT.usage);
  terminal.out(drillUnits(calendar, dryRun === true));
}

/** What a drill knows while it goes on. */
interface GameDay {
  readonly options: Options;
  readonly watch: OutsideWatch;
  readonly drainMs: number;
  readonly tell: (line: string) => void;
}

async function drill(options: Options, terminal: Terminal): Promise<void> {
  const drainMs = drainMsOf(options.drain);
  const maxSilenceMs = durationMs(options.maxSilence, "--max-silence");
  const startedAtWallMs = systemClock.wallMs();
  const [view, before] = [await askStatus(options.url), await survey(options.socket)];
  if (before.kind === "witness" || before.publicIp === null) throw new CliError("A drill is given on a node, whose agent knows the address.");
  const localAddress = setting(terminal.env, "AWS_LOCAL_ADDRESS", "");
  const port = Number(setting(terminal.env, "EIP_SIP_PORT", String(KNOBS.EIP_SIP_PORT.default)));
  const watch = new OutsideWatch(new SocketProber(localAddress === "" ? {} : { localAddress }), systemClock, { host: before.publicIp, port });
  const day: GameDay = { options, watch, drainMs, tell: (line) => { if (options.json !== true) terminal.out(line); } };
  const preconditions = await check(day, view, before);
  const report = (legs: readonly Leg[], holderAfter: string, moves: readonly MoveRecord[]): DrillReport => ({
    drill: new Date(startedAtWallMs).toISOString().replaceAll(/[-:]|\.\d+/g, ""), cluster: before.cluster, address: `${before.publicIp ?? ""}:${port}`, node: before.node, operator: operatorOf(terminal.env), reason: options.reason,
    dryRun: options.dryRun === true, software: view.software, asterisk: view.asterisk, startedAt: new Date(startedAtWallMs).toISOString(), endedAt: new Date(systemClock.wallMs()).toISOString(),
    maxSilenceMs, askedEveryMs: ASK_EVERY_MS, preconditions, legs, holderBefore: before.holder, holderAfter, moves, probes: watch.probes,
  });
  if (options.dryRun === true || preconditions.some(({ holds }) => !holds)) return finish(report([], before.holder, []), options, terminal);
  await agreed(`Hand the address over and back now, with new calls refused for at most 2 × ${options.drain}?`, options, terminal);
  const legs = await thereAndBack(day, before);
  const { holder } = await settledSurvey(options.socket);
  await finish(report(legs, holder, await movesSince(terminal, startedAtWallMs)), options, terminal);
}

async function check({ options, watch, tell }: GameDay, view: StatusView, before: Survey): Promise<readonly Precondition[]> {
  const [addressAnswers, dryRun] = await Promise.all([watch.answers(), order(options, { to: null, drainMs: 0, dryRun: true }, () => undefined)]);
  const preconditions = preconditionsOf(view, before, { addressAnswers, dryRun });
  for (const { holds, what, found } of preconditions) tell(`${holds ? "ok  " : "NOT "} ${what}: ${found}`);
  return preconditions;
}

async function thereAndBack(day: GameDay, before: Survey): Promise<readonly Leg[]> {
  day.watch.start();
  try {
    const there = await leg(day, before.holder, null);
    if (!there.ok) return [there];
    const ready = await readyAgain(day.options, before.holder);
    if (ready !== null) return [there, { ...there, from: there.to, to: before.holder, ok: false, message: ready, steps: [], outage: outageOf([], 0, 0) }];
    return [there, await leg(day, there.to, before.holder)];
  } finally {
    await day.watch.stop();
  }
}

async function leg({ options, watch, drainMs, tell }: GameDay, from: string, to: string | null): Promise<Leg> {
  const steps: { at: string; says: string }[] = [];
  const began = { monotonicMs: systemClock.monotonicMs(), at: new Date(systemClock.wallMs()).toISOString() };
  const ended = await order(options, { to, drainMs, dryRun: false }, (says) => {
    steps.push({ at: new Date(systemClock.wallMs()).toISOString(), says });
    tell(says);
  });
  const { holder } = await settledSurvey(options.socket);
  // Answers that are on their way belong to this leg.
  await pause(2 * ASK_EVERY_MS);
  const outage = outageOf(watch.probes, began.monotonicMs, systemClock.monotonicMs());
  tell(ended.message);
  return { from, to: to ?? holder, startedAt: began.at, endedAt: new Date(systemClock.wallMs()).toISOString(), ok: ended.ok, message: ended.message, steps, outage };
}

/** The agents lead it; its dry run only asks them. */
async function order(options: Options, { to, drainMs, dryRun }: { readonly to: string | null; readonly drainMs: number; readonly dryRun: boolean }, tell: (line: string) => void): Promise<Ended> {
  const id = randomBytes(8).toString("hex");
  await command(options.socket, { kind: "switchover", request: { id, to, drainMs, reason: `drill: ${options.reason}`, dryRun } });
  return followOrder(options.socket, id, to, tell);
}

/** Why the way back can't begin; null once the agents say that it can. */
async function readyAgain(options: Options, to: string): Promise<string | null> {
  const giveUpAtMs = systemClock.monotonicMs() + READY_AGAIN_WITHIN_MS;
  for (;;) {
    const checked = await order(options, { to, drainMs: 0, dryRun: true }, () => undefined);
    if (checked.ok) return null;
    if (systemClock.monotonicMs() > giveUpAtMs) return `Not begun: ${checked.message}`;
    await pause(LOOK_EVERY_MS);
  }
}

async function movesSince(terminal: Terminal, wallMs: number): Promise<readonly MoveRecord[]> {
  const moves = await readHistory(join(setting(terminal.env, "STATE_DIR", KNOBS.STATE_DIR.default), HISTORY_FILE));
  return moves === "damaged" ? [] : moves.filter(({ atWallMs }) => atWallMs >= wallMs);
}

/** The raw file first: the page names its checksum. */
async function finish(report: DrillReport, { report: folder, json }: Options, terminal: Terminal): Promise<void> {
  const verdict = verdictOf(report);
  const raw = `${JSON.stringify({ ...report, verdict }, null, 1)}\n`;
  const name = `drill-${report.drill}`;
  const sha256 = createHash("sha256").update(raw).digest("hex");
  await mkdir(folder, { recursive: true, mode: 0o750 });
  await writeFileAtomically(join(folder, `${name}.json`), raw);
  await writeFileAtomically(join(folder, `${name}.md`), drillText(report, { file: `${name}.json`, sha256 }));
  if (json === true) terminal.out(raw.trimEnd());
  else terminal.out(`The report is ${join(folder, `${name}.md`)} (raw data ${sha256.slice(0, 12)}…).`);
  if (!verdict.passed) throw new CliError(`FAILED. ${verdict.why}`);
  if (json !== true) terminal.out(`PASSED. ${verdict.why}`);
}

/** Who typed it; behind sudo the person, not root. */
function operatorOf(env: Terminal["env"]): string {
  const { SUDO_USER: person } = env;
  return person === undefined || person === "" ? userInfo().username : `${person} (sudo)`;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });
