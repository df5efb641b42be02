/**
 * The driver: the only mutable state, and everything that waits. Its rules:
 *   1. One state, owned here. Events are stepped one at a time, to the end, without a wait inside.
 *   2. Every request ends in exactly one completion: its answer, or a failure at its deadline. What comes after the
 *      deadline is dropped.
 *   3. The mailbox is bounded. If it is full the process ends, because it would decide on old facts.
 *   4. The tick measures its own lateness; the core doubts itself when any event shows that the process stalled.
 * The simulator runs this same class on virtual time.
 */
import { AgentError, type ErrorCode } from "./errors.ts";
import { brokenInvariant } from "./core/invariants.ts";
import { step, type Step } from "./core/step.ts";
import type { CoreConfig } from "./core/settings.ts";
import type { Failure } from "./core/types.ts";
import type { Completion, Event, Notice, Request, RequestAction } from "./core/events.ts";
import type { State } from "./core/state.ts";
import type { Clock } from "./ports.ts";

/** Calls back once after `ms` milliseconds; the returned function cancels. */
export interface Scheduler {
  after(ms: number, callback: () => void): () => void;
}

/** How a request reaches the world. `settle` may be called once, at any time; `cancel` is called at the deadline. */
export type Execute = (request: Request, settle: (completion: Completion) => void) => { readonly cancel: () => void };

export interface DriverOptions {
  readonly config: CoreConfig;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly execute: Execute;
  readonly notify: (notice: Notice) => void;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Resident memory in MiB. */
  readonly memoryMib: () => number;
  /** After every step, for the log and for status. */
  readonly observe: (before: State, event: Event, result: Step) => void;
  /** A rule of this file or an invariant is broken: the process must end. Nothing is stepped after it. */
  readonly fail: (error: AgentError) => void;
}

/** Something that has happened outside, before the driver has stamped it. */
export type Arrival = DistributiveOmit<Exclude<Event, { type: "ticked" | "completed" }>, "atMs" | "wallMs">;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

interface InFlight {
  readonly cancelDeadline: () => void;
  readonly cancelRequest: () => void;
}

/** Events waiting to be stepped; far more than a healthy second brings. */
const MAILBOX_MAX = 1024;

/** Owns the state from start to stop. */
export class Driver {
  readonly #options: DriverOptions;
  readonly #mailbox: Event[] = [];
  readonly #inFlight = new Map<number, InFlight>();
  #state: State;
  #stepping = false;
  #ended = false;
  #cancelTick: () => void = () => undefined;
  #tickDueAtMs: number;

  constructor(options: DriverOptions, initial: State) {
    this.#options = options;
    this.#state = initial;
    this.#tickDueAtMs = initial.nowMs;
  }

  /** The present state; read-only for everybody else. */
  get state(): State {
    return this.#state;
  }

  /** Steps the first tick and keeps ticking. */
  start(): void {
    this.#tick();
  }

  /** Ends: nothing is stepped any more, open requests are cancelled. */
  stop(): void {
    this.#ended = true;
    this.#cancelTick();
    for (const open of this.#inFlight.values()) {
      open.cancelDeadline();
      open.cancelRequest();
    }
    this.#inFlight.clear();
  }

  /** Takes in something that has happened. */
  post(arrival: Arrival): void {
    const atMs = this.#options.clock.monotonicMs();
    this.#enqueue(arrival.type === "operatorCommanded" ? { ...arrival, atMs, wallMs: this.#options.clock.wallMs() } : { ...arrival, atMs });
  }

  #tick(): void {
    if (this.#ended) return;
    const { clock, config, scheduler } = this.#options;
    const atMs = clock.monotonicMs();
    const lagMs = Math.max(0, atMs - this.#tickDueAtMs);
    this.#enqueue({ type: "ticked", atMs, wallMs: clock.wallMs(), lagMs, memoryMib: this.#options.memoryMib() });
    this.#tickDueAtMs = Math.max(this.#tickDueAtMs, atMs - config.tickIntervalMs) + config.tickIntervalMs;
    this.#cancelTick = scheduler.after(Math.max(0, this.#tickDueAtMs - atMs), () => {
      this.#tick();
    });
  }

  #enqueue(event: Event): void {
    if (this.#ended) return;
    if (this.#mailbox.length >= MAILBOX_MAX) {
      this.#fail("AGENT_MAILBOX_FULL", `${MAILBOX_MAX} events are waiting`);
      return;
    }
    this.#mailbox.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#mailbox.shift(); next !== undefined && !this.#hasEnded(); next = this.#mailbox.shift()) this.#stepOne(next);
    } finally {
      this.#stepping = false;
    }
  }

  #hasEnded(): boolean {
    return this.#ended;
  }

  #stepOne(event: Event): void {
    const before = this.#state;
    const result = step(before, event, this.#options.config);
    const broken = brokenInvariant(before, result, this.#options.config);
    if (broken !== null) {
      this.#fail("AGENT_INVARIANT_BROKEN", broken);
      return;
    }
    this.#state = result.state;
    this.#options.observe(before, event, result);
    for (const action of result.actions) {
      if (action.type === "request") this.#start(action);
      else this.#options.notify(action);
    }
  }

  #start(action: RequestAction): void {
    const { clock, scheduler, random, execute } = this.#options;
    const startedAtMs = clock.monotonicMs();
    let settled = false;
    const settle = (completion: Completion): void => {
      if (settled) return;
      settled = true;
      this.#inFlight.get(action.id)?.cancelDeadline();
      this.#inFlight.delete(action.id);
      this.#enqueue({ type: "completed", atMs: clock.monotonicMs(), id: action.id, key: action.key, startedAtMs, random: random(), completion });
    };
    const noop = (): void => undefined;
    const open = { cancelRequest: noop };
    const cancelDeadline = scheduler.after(action.deadlineMs, () => {
      open.cancelRequest();
      settle(failureOf(action.request, { code: deadlineCode(action.request), message: `no answer within ${action.deadlineMs} ms` }));
    });
    this.#inFlight.set(action.id, { cancelDeadline, cancelRequest: () => { open.cancelRequest(); } });
    const running = execute(action.request, settle);
    open.cancelRequest = running.cancel;
  }

  #fail(code: ErrorCode, message: string): void {
    this.stop();
    this.#options.fail(new AgentError(code, message));
  }
}

/** Requests to AWS time out with their own code, because a claim's outcome is then unknown; probes with theirs. */
function deadlineCode(request: Request): ErrorCode {
  switch (request.kind) {
    case "probe":
    case "watchSip":
    case "watchEip":
    case "reference":
    case "listCalls":
    case "setMaintenance":
    case "applyRole":
      return "AGENT_PROBE_TIMEOUT";
    case "save":
    case "recordDropped":
      return "AGENT_STATE_UNWRITABLE";
    case "readAddress":
    case "readInstance":
    case "claim":
    case "dryRunClaim":
    case "dryRunStart":
    case "startInstance":
    case "dryRunMark":
    case "writeMark":
    case "writeClaimTags":
    case "publishMetrics":
      return "AGENT_CLOUD_TIMEOUT";
  }
}

/** The failed completion that belongs to a request. */
export function failureOf(request: Request, failure: Failure): Completion {
  const outcome = { ok: false, failure } as const;
  switch (request.kind) {
    case "readInstance":
      return { kind: "readInstance", node: request.node, outcome };
    case "startInstance":
      return { kind: "startInstance", node: request.node, reason: request.reason, outcome };
    case "probe":
      return { kind: "probe", probe: request.probe, outcome };
    case "applyRole":
      return { kind: "applyRole", role: request.role, outcome };
    case "setMaintenance":
      return { kind: "setMaintenance", on: request.on, outcome };
    case "reference":
      return { kind: "reference", side: request.side, outcome };
    case "readAddress":
    case "claim":
    case "dryRunClaim":
    case "dryRunStart":
    case "dryRunMark":
    case "writeMark":
    case "writeClaimTags":
    case "save":
    case "recordDropped":
    case "listCalls":
    case "publishMetrics":
    case "watchSip":
    case "watchEip":
      return { kind: request.kind, outcome };
  }
}
