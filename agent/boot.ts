/**
 * From a checked configuration to a running agent, and back down again. The order matters: the secret before everything,
 * what survived the last run before the first decision, the AWS connection warm before it is needed, the ears open before
 * the first tick.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { FileHistory, HISTORY_FILE } from "./adapters/file-history.ts";
import { Imds } from "./adapters/imds.ts";
import { assembleAccess, assembleAws, assembleLink, assembleRotation, assembleSecrets, assembleWorld, type Aws } from "./assemble.ts";
import { systemClock, systemScheduler } from "./clock.ts";
import type { Config } from "./config.ts";
import { distrustfulPolicy, persistPolicy, restorePolicy } from "./core/policy.ts";
import type { Policy } from "./core/state.ts";
import { initialState } from "./core/step.ts";
import type { Failure } from "./core/types.ts";
import { Driver } from "./driver.ts";
import { AgentError } from "./errors.ts";
import { portsExecutor, type World } from "./executor.ts";
import { makeHistoryBook } from "./history-book.ts";
import { makeJournal } from "./journal.ts";
import { keepLedger } from "./ledger-keeper.ts";
import { say, type Log } from "./log.ts";
import { answerQuery } from "./operator-desk.ts";
import { OPERATOR_SOCKET, OperatorSocket } from "./operator-socket.ts";
import type { Store } from "./ports.ts";
import { makeRotation, type Rotation } from "./rotation.ts";
import { awaitSecret, watchSecret, type SecretReading } from "./secret-watch.ts";
import { lookAtCalls } from "./status/calls-look.ts";
import { makePage } from "./status/page/page.ts";
import { makePrometheus } from "./status/prometheus.ts";
import { StatusServer } from "./status/server.ts";
import { statusView, type StatusExtra } from "./status/view.ts";
import { worstCase } from "./worst-case.ts";

/** A running agent. */
export interface Agent {
  /** Saves what must survive, closes everything. Rejects never: what can't be closed is logged. */
  stop(): Promise<void>;
}

const MIB = 1_048_576;
const WARM_WITHIN_MS = 3_000;
const IMDS_RETRY_MS = 1_000;
/** As a heartbeat carries it. */
const ZONE_MAX = 32;

/** Starts the agent. `fail` is called once if it must end because of a defect. Rejects with AgentErrors only. */
export async function bootAgent(config: Config, log: Log, fail: (error: AgentError) => void, stopped: AbortSignal): Promise<Agent> {
  const { core } = config;
  const aws = assembleAws(config);
  const reading: SecretReading = { source: assembleSecrets(config, aws), kind: core.kind, deadlineMs: core.cloudTimeoutMs, log };
  const { secret, version } = await awaitSecret(reading, stopped);
  const { instanceId, zone } = await ownPlace(config, log, stopped);
  const access = assembleAccess(config, secret);
  const world = assembleWorld(config, access, aws, instanceId, {
    debug: (message) => { log.debug({ event: "request-finished" }, message); },
    defect: (error, request) => { say(log, "error", "defect-found", { err: error, request }, `An unforeseen error in ${request}: the agent goes on.`); },
  });
  const link = assembleLink(config, secret);
  const rotation = makeRotation({ config, log, setKeys: (keys, dialWith) => { link.setKeys(keys, dialWith); }, node: assembleRotation(config, access, world.cloud) });
  const journal = makeJournal({ log, config: core, clock: systemClock });
  const prometheus = makePrometheus(core);
  const policy = await lastPolicy(world.store, config, log);
  const book = makeHistoryBook({ history: new FileHistory(join(config.stateDir, HISTORY_FILE)), config: core, keep: config.historyKeep, log });
  const [, missed] = await Promise.all([warm(aws, world), rotation.catchUp(secret, version), book.open()]);
  const cases = worstCase(core);
  const extra = (): StatusExtra => ({ worstCase: cases, refusals: journal.refusals() });
  const onDefect = (error: unknown): void => { say(log, "error", "defect-found", { err: error }, "A status page could not be made."); };
  const page = makePage({ config: core, state: () => driver.state, extra, moves: book.moves, calls: lookAtCalls(() => systemClock.monotonicMs()), onDefect });
  const incarnation = randomBytes(8).toString("hex");
  const driver = new Driver(
    {
      config: core,
      clock: systemClock,
      scheduler: systemScheduler,
      random: Math.random,
      memoryMib: () => process.memoryUsage.rss() / MIB,
      execute: portsExecutor(world),
      notify: (notice) => {
        if (notice.type === "sendHeartbeat") link.send(notice.to, notice.heartbeat);
        // A frame that finds no room is not waited for: the peer's heartbeat will say what it lacks.
        else if (notice.type === "sendRoster") notice.frames.every((frame) => link.send(notice.to, frame));
        else if (notice.type === "sendOperation") link.send(notice.to, notice.frame);
        else if (notice.type === "resetCloudConnections") world.cloud?.resetConnections();
      },
      observe: (before, event, result) => {
        journal.observe(before, event, result);
        prometheus.observe(result);
        book.observe(before, event, result);
        page.observe(before, event, result.state);
      },
      fail,
    },
    initialState({ atMs: systemClock.monotonicMs(), wallMs: systemClock.wallMs(), incarnation, policy, zone }, core),
  );
  const status = new StatusServer({
    listen: config.statusListen, config: core, clock: systemClock, prometheus,
    state: () => driver.state, extra, onDefect, routes: page.routes, streams: page.streams,
  });
  await status.start();
  const operator = new OperatorSocket(join(config.stateDir, OPERATOR_SOCKET), (command) => { driver.post({ type: "operatorCommanded", command }); }, (query) => (query.kind === "status" ? statusView(driver.state, core, extra()) : answerQuery(driver.state, core, query)));
  await operator.start();
  await link.start({
    onHeartbeat: (from, heartbeat) => { driver.post({ type: "heartbeatReceived", from, heartbeat }); },
    onRoster: (from, frame) => { driver.post({ type: "rosterReceived", from, frame }); },
    onOperation: (from, frame) => { driver.post({ type: "operationReceived", from, frame }); },
    onRefused: journal.onRefused,
    onConnection: journal.onConnection,
  });
  world.telephony?.start(
    (open) => { driver.post({ type: "ariSocketChanged", open }); },
    (call) => { driver.post({ type: "callEnded", call }); },
  );
  say(log, "info", "agent-started", { version: core.software, incarnation, timing: config.timing, worstCase: cases }, `Agent ${core.software} of ${core.clusterId}/${core.nodeId} started. Worst case with these settings, until the claim is sent: ${cases.map(({ what, ms }) => `${what} ${ms} ms`).join("; ")}.`);
  driver.start();
  const stops = [followSecret({ reading, config, rotation, driver, version, missed }), keepLedger(world.ledger, log)];
  return { stop: () => shutDown({ driver, world, stops, log, closers: [() => book.close(), () => { page.close(); return status.close(); }, () => operator.close(), () => link.close(), () => world.telephony?.close(), () => { world.asteriskRole?.close(); return undefined; }, () => { rotation.close(); return undefined; }], aws }) };
}

interface Following {
  readonly reading: SecretReading;
  readonly config: Config;
  readonly rotation: Rotation;
  readonly driver: Driver;
  readonly version: string;
  /** Why the version of the start is not in use everywhere; null when it is. */
  readonly missed: Failure | null;
}

/** Puts every new version of the secret to use, and has the core know what can't be. Returns how to stop. */
function followSecret({ reading, config, rotation, driver, version, missed }: Following): () => void {
  const onTried = (failure: Failure | null): void => { driver.post({ type: "secretTried", failure }); };
  if (missed !== null) onTried(missed);
  return watchSecret(reading, { inUse: missed === null ? version : null, intervalMs: config.secretIntervalMs, onNew: (next, nextVersion) => rotation.take(next, nextVersion), onTried });
}

/** Where this agent runs. A witness has no instance as far as the cluster is concerned. */
interface Place {
  readonly instanceId: string | null;
  readonly zone: string | null;
}

async function ownPlace(config: Config, log: Log, stopped: AbortSignal): Promise<Place> {
  const { node, zone } = config;
  if (node === null) return { instanceId: null, zone };
  const imds = new Imds({ monotonicMs: () => systemClock.monotonicMs(), environment: process.env });
  if (node.instanceId === null) return { ...(await ownInstance(imds, log, stopped)), ...(zone === null ? {} : { zone }) };
  return { instanceId: node.instanceId, zone: zone ?? (await zoneIfTold(imds)) };
}

/** For people only: where nobody answers, the zone stays unknown, and the start is not held up for longer than this. */
async function zoneIfTold(imds: Imds): Promise<string | null> {
  try {
    return (await imds.readNodeFacts(AbortSignal.timeout(IMDS_RETRY_MS))).availabilityZone.slice(0, ZONE_MAX);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return null;
  }
}

/** This node's own instance, from its metadata; asked until it answers, because nothing can be claimed without it. */
async function ownInstance(imds: Imds, log: Log, stopped: AbortSignal): Promise<Place> {
  for (let told = false; ; told = true) {
    stopped.throwIfAborted();
    try {
      const facts = await imds.readNodeFacts(AbortSignal.timeout(IMDS_RETRY_MS * 2));
      return { instanceId: facts.instanceId, zone: facts.availabilityZone.slice(0, ZONE_MAX) };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (!told) say(log, "error", "boot-waits", { err: error }, `Instance metadata can't be read, so the agent does not know its own instance: ${error.message} It keeps trying; INSTANCE_ID would do instead.`);
    }
    await new Promise((resolve) => setTimeout(resolve, IMDS_RETRY_MS));
  }
}

/** What the last run left behind; a damaged file gives a full hold-down, a first start gives none. */
async function lastPolicy(store: Store, config: Config, log: Log): Promise<Policy | null> {
  const atMs = systemClock.monotonicMs();
  try {
    const saved = await store.load();
    return saved === null ? null : restorePolicy(saved, atMs, systemClock.wallMs(), config.core);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    say(log, "error", "state-set-aside", { err: error }, `${error.message} The agent starts with a full hold-down; a pause that was in force must be set again.`);
    return distrustfulPolicy(atMs, config.core);
  }
}

/** Credentials, name lookup, TLS and code paths of the claim, before they are needed. A failure is the core's to find again. */
async function warm(aws: Aws | null, world: World): Promise<void> {
  if (aws === null || world.cloud === null) return;
  try {
    await world.cloud.readAddress(AbortSignal.timeout(WARM_WITHIN_MS));
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
  }
}

interface Running {
  readonly driver: Driver;
  readonly world: World;
  /** What comes by itself now and then. */
  readonly stops: readonly (() => void)[];
  readonly log: Log;
  readonly closers: readonly (() => Promise<void> | undefined)[];
  readonly aws: Aws | null;
}

async function shutDown({ driver, world, stops, log, closers, aws }: Running): Promise<void> {
  for (const stop of stops) stop();
  driver.stop();
  const { policy, tickedAtMs, wallMs } = driver.state;
  const results = await Promise.allSettled([world.store.save(persistPolicy(policy, tickedAtMs, wallMs)), ...closers.map((close) => close())]);
  world.metrics?.sink.close();
  world.cloud?.close();
  aws?.connection.close();
  for (const result of results) if (result.status === "rejected") say(log, "warn", "defect-found", { err: result.reason as unknown }, "Something could not be closed in order.");
}
