/** One simulated machine: the production driver and core as its agent, an Asterisk, and what STATE_DIR holds. */
import { Driver } from "../../agent/driver.ts";
import { distrustfulPolicy, restorePolicy } from "../../agent/core/policy.ts";
import { initialState, type Step } from "../../agent/core/step.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../agent/core/heartbeat.ts";
import type { Call } from "../../agent/core/roster.ts";
import type { PersistedState } from "../../agent/core/persisted.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { DroppedCalls, NodeId } from "../../agent/core/types.ts";
import type { Event, Request, Completion } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import { encodedByPrevious, readByPrevious } from "./previous-version.ts";
import { ProcessTime, type Chance, type VirtualTime } from "./virtual-time.ts";

export type Asterisk = "up" | "crashed" | "hung" | "cannot-call" | "overloaded";
/** One frame on the peer link in so many goes through the real codec, all others save its time (a tenth of a run). */
const ENCODED_SHARE = 8;

/** pm2 starts a stopped process within this time (ms). */
const RESTART_MS = 1_500;

export type Disk = "good" | "unwritable" | "unreadable";

/** What a member needs of its world. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** 1970 plus the world's time, plus this machine's error. */
  wallMs(member: NodeId): number;
  send(from: NodeId, to: NodeId, frame: string | Frame): void;
  execute(member: SimMember, request: Request, settle: (completion: Completion) => void): void;
  observe(member: NodeId, before: State, event: Event, result: Step): void;
  broken(member: NodeId, message: string): void;
}

export class SimMember {
  readonly id: NodeId;
  readonly config: CoreConfig;
  asterisk: Asterisk = "up";
  /** Since when Asterisk has been in this state (world time, ms). */
  asteriskSinceMs = -Infinity;
  disk: Disk = "good";
  /** The calls in progress, gone when Asterisk goes. */
  calls: readonly Call[] = [];
  /** Asterisk refuses new calls, as the agent told it. */
  maintenance = false;
  /** What the agent has written into the ledger of dropped calls; it survives everything. */
  readonly ledger: DroppedCalls[] = [];
  /** The whole machine is there. */
  powered = true;
  /** When the agent last went on after it had been stopped (world time, ms). */
  continuedAtMs = -Infinity;
  /** The same, only where it had been stopped for so long that it must doubt itself. */
  doubtfulSinceMs = -Infinity;
  #stoppedAtMs = -Infinity;
  /** Its agent is the one of the version before: it neither sends nor understands what is new in this one. */
  previousVersion = false;
  /** How long the agent's event loop is busy at a time, at the most (ms); 0 when it is quick. */
  #busyMs = 0;
  /** What this machine's wall clock is off by (ms). */
  wallErrorMs = 0;
  readonly #world: Surroundings;
  #saved: PersistedState | null = null;
  #process: ProcessTime | null = null;
  #driver: Driver | null = null;
  #starts = 0;
  #framesSent = 0;
  #ariSocketOpen = false;
  /** What Asterisk was doing when the machine froze; null while it is not frozen. */
  #frozen: Asterisk | null = null;

  constructor(config: CoreConfig, world: Surroundings) {
    this.id = config.nodeId;
    this.config = config;
    this.#world = world;
  }

  /** The agent's state; null while no agent runs. */
  get state(): State | null {
    return this.#driver?.state ?? null;
  }

  get agentRuns(): boolean {
    return this.#driver !== null && this.#process !== null && !this.#process.stopped;
  }

  get agentIsStopped(): boolean {
    return this.#process?.stopped === true;
  }

  get isFrozen(): boolean {
    return this.#frozen !== null;
  }

  /** Starts the agent's process, as pm2 does. */
  startAgent(): void {
    if (!this.powered || this.#driver !== null || this.#frozen !== null) return;
    const { time, chance } = this.#world;
    const process = new ProcessTime(time, chance(`event loop of ${this.id}`));
    process.busyMs = this.#busyMs;
    const atMs = time.nowMs;
    const wallMs = this.#world.wallMs(this.id);
    this.#starts += 1;
    const policy = this.disk === "unreadable" ? distrustfulPolicy(atMs, this.config) : this.#saved === null ? null : restorePolicy(this.#saved, atMs, wallMs, this.config);
    const incarnation = `${this.id.length}${this.#starts}`.padStart(16, "0");
    const driver: Driver = new Driver(
      {
        config: this.config,
        clock: { monotonicMs: () => process.nowMs, wallMs: () => this.#world.wallMs(this.id) },
        scheduler: process,
        random: chance(`driver of ${this.id}`),
        memoryMib: () => 60,
        execute: (request, settle) => {
          this.#world.execute(this, request, (completion) => { process.run(() => { settle(completion); }); });
          return { cancel: () => undefined };
        },
        notify: (notice) => {
          if (notice.type === "sendHeartbeat") this.#send(notice.to, notice.heartbeat);
          else if (notice.type === "sendOperation") this.#send(notice.to, notice.frame);
          else if (notice.type === "sendRoster") for (const frame of notice.frames) this.#send(notice.to, frame);
        },
        observe: (before, event, result) => { this.#world.observe(this.id, before, event, result); },
        fail: (error) => {
          this.#world.broken(this.id, error.message);
          this.killAgent();
        },
      },
      initialState({ atMs, wallMs, incarnation, policy }, this.config),
    );
    this.#process = process;
    this.#driver = driver;
    driver.start();
    this.#ariSocketOpen = false;
    this.#moveSocket(5);
  }

  #send(to: NodeId, frame: Frame): void {
    this.#framesSent += 1;
    if (this.previousVersion) {
      if (frame.kind === "heartbeat") this.#world.send(this.id, to, encodedByPrevious(frame));
    } else this.#world.send(this.id, to, this.#framesSent % ENCODED_SHARE === 0 || frame.kind !== "heartbeat" ? encodeFrame(frame) : frame);
  }

  killAgent(): void {
    this.#driver?.stop();
    this.#process?.end();
    this.#driver = null;
    this.#process = null;
  }

  /** Its event loop is busy for up to so long at a time from now on (ms). */
  slowDown(busyMs: number): void {
    this.#busyMs = busyMs;
    if (this.#process !== null) this.#process.busyMs = busyMs;
  }

  get isSlow(): boolean {
    return this.#busyMs > 0;
  }

  /** The agent is replaced by the one of another version, as an upgrade does it: it starts anew. */
  install(previousVersion: boolean): void {
    const ran = this.#driver !== null && !this.agentIsStopped;
    this.previousVersion = previousVersion;
    if (!ran) return;
    this.killAgent();
    this.#world.time.after(RESTART_MS, () => { this.startAgent(); });
  }

  stopAgent(): void {
    if (!this.agentIsStopped) this.#stoppedAtMs = this.#world.time.nowMs;
    this.#process?.stop();
  }

  continueAgent(): void {
    if (this.#process?.stopped !== true) return;
    this.continuedAtMs = this.#world.time.nowMs;
    if (this.continuedAtMs - this.#stoppedAtMs > this.config.selfDoubtAfterMs) this.doubtfulSinceMs = this.continuedAtMs;
    this.#process.goOn(this.#world.chance("waking"));
  }

  /** The whole machine stands still, as a paused virtual machine does, and later goes on as if nothing had been. */
  freeze(): void {
    if (this.#frozen !== null || !this.powered) return;
    this.#frozen = this.asterisk;
    if (this.asterisk !== "crashed") this.#setAsterisk("hung");
    this.stopAgent();
  }

  thaw(): void {
    if (this.#frozen === null) return;
    if (this.asterisk === "hung") this.#setAsterisk(this.#frozen);
    this.#frozen = null;
    this.continueAgent();
  }

  /** Changes Asterisk, unless the whole machine is off or frozen. */
  setAsterisk(next: Asterisk): void {
    if (!this.powered || this.#frozen !== null) return;
    this.#setAsterisk(next);
  }

  #setAsterisk(next: Asterisk): void {
    if (next !== this.asterisk) this.asteriskSinceMs = this.#world.time.nowMs;
    this.asterisk = next;
    if (next === "crashed") {
      this.calls = [];
      this.maintenance = false;
    }
    this.#moveSocket(next === "crashed" ? 5 : 800);
  }

  /** The agent's event socket follows Asterisk: it closes with the process, stays open on a hung one, and is dialled anew. */
  #moveSocket(afterMs: number): void {
    const process = this.#process;
    const driver = this.#driver;
    this.#world.time.after(afterMs, () => {
      process?.run(() => {
        const open = this.asterisk === "crashed" ? false : this.asterisk === "hung" ? this.#ariSocketOpen : true;
        if (open === this.#ariSocketOpen || driver !== this.#driver) return;
        this.#ariSocketOpen = open;
        driver?.post({ type: "ariSocketChanged", open });
      });
    });
  }

  /** The machine loses its power. */
  powerOff(): void {
    if (!this.powered) return;
    this.#frozen = null;
    this.#setAsterisk("crashed");
    this.powered = false;
    this.killAgent();
  }

  /** It comes back, its agent with it; Asterisk needs a few seconds. */
  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    this.startAgent();
    this.#world.time.after(3_000, () => { if (this.powered && this.asterisk === "crashed") this.setAsterisk("up"); });
  }

  save(state: PersistedState): boolean {
    if (this.disk !== "good") return false;
    this.#saved = state;
    return true;
  }

  /** A frame has arrived from the network; false when no process is there to take it. */
  receive(from: NodeId, sent: string | Frame): boolean {
    const driver = this.#driver;
    this.#process?.run(() => {
      const decoded = typeof sent === "string" ? decodeFrame(sent, this.config.clusterId, from) : ({ ok: true, frame: sent } as const);
      if (!decoded.ok) this.#world.broken(this.id, `refused a frame of ${from}: ${decoded.detail}`);
      else if (decoded.frame.kind === "heartbeat") driver?.post({ type: "heartbeatReceived", from, heartbeat: this.previousVersion ? readByPrevious(decoded.frame) : decoded.frame });
      else if (this.previousVersion) return;
      else if (decoded.frame.kind === "operation") driver?.post({ type: "operationReceived", from, frame: decoded.frame });
      else driver?.post({ type: "rosterReceived", from, frame: decoded.frame });
    }, from);
    return driver !== null;
  }

  /** So many callers talk from now on; those above hang up, which Asterisk's events tell the agent. */
  carryCalls(count: number): void {
    if (this.asterisk !== "up") return;
    const ended = this.calls.slice(count);
    const begun = Array.from({ length: Math.max(0, count - this.calls.length) }, (_, index) => ({ id: `${this.id}-${this.#world.time.nowMs}-${index}`, party: `+4930${index}`, sinceWallMs: this.#world.wallMs(this.id) }));
    this.calls = [...this.calls.slice(0, count), ...begun];
    for (const call of ended) this.#process?.run(() => this.#driver?.post({ type: "callEnded", call: call.id }));
  }

  /** An operator's word; nobody takes it while no agent runs, and the version before knows no orders that take several steps. */
  operator(command: Extract<Event, { type: "operatorCommanded" }>["command"]): void {
    const isUnknown = this.previousVersion && (command.kind === "switchover" || command.kind === "takeover");
    if (this.agentRuns && !isUnknown) this.#driver?.post({ type: "operatorCommanded", command });
  }
}
