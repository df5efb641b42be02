/** What can be wrong with the stand-in, each named after what an operator would see. All are off at the start. */

export interface Faults {
  /** Everything is accepted and nothing answered, until it is lifted; then what has waited is done, as after SIGCONT. */
  hang: boolean;
  /** SIP is answered with 503, all else works. */
  drain: boolean;
  /** Too much to do: SIP over UDP is dropped, over TCP answered with 503, and one queue is in alert. */
  overload: boolean;
  /** A call is accepted by ARI and never arrives in its application. */
  canaryFails: boolean;
  /** Originating a call is never answered, as when the channels' lock is stuck. */
  originateHangs: boolean;
  /** `GET /applications/…` is never answered, as when an ARI session's lock is stuck. */
  applicationsHang: boolean;
  /** The event sockets stay open and say nothing more: no event, no pong. */
  silentSockets: boolean;
}

export type FaultName = keyof Faults;

export const FAULT_NAMES = ["hang", "drain", "overload", "canaryFails", "originateHangs", "applicationsHang", "silentSockets"] as const satisfies readonly FaultName[];

/** The faults' switches, and the gate that `hang` closes. */
export class FaultBoard {
  readonly #on: Faults = { hang: false, drain: false, overload: false, canaryFails: false, originateHangs: false, applicationsHang: false, silentSockets: false };
  #waiting: (() => void)[] = [];

  has(name: FaultName): boolean {
    return this.#on[name];
  }

  set(name: FaultName, on: boolean): void {
    this.#on[name] = on;
    if (name !== "hang" || on) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Runs `work` now, or when the hang is over. In the order of asking. */
  whenAwake(work: () => void): void {
    if (this.#on.hang) this.#waiting.push(work);
    else work();
  }

  /** Forgets what waits: the process that would have done it is dead. */
  clear(): void {
    this.#waiting = [];
    for (const name of FAULT_NAMES) this.#on[name] = false;
  }
}
