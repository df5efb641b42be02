/**
 * The state of the embedded AWS, and everything that a test or the demo may do to it. All methods take and give plain
 * JSON, so that control-http.ts can offer the same to other processes.
 */
import { performance } from "node:perf_hooks";
import { Ec2Model } from "./ec2-model.ts";
import type { AddressMove, Ec2Action, Ec2WorldSpec, InstanceStateName, Location } from "./ec2-shapes.ts";
import { Faults, type FaultRule } from "./faults.ts";
import { CloudWatchModel, SecretsModel, type StoredDatum } from "./json-services.ts";

/** What the embedded AWS begins with. */
export interface AwsWorldSpec extends Ec2WorldSpec {
  readonly region: string;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A call that reached the embedded AWS. */
export interface CallRecord {
  readonly number: number;
  /** The access key id that signed it. */
  readonly caller: string;
  readonly action: string;
  /** As sent; a secret's value is never kept. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly receivedAtMs: number;
  readonly receivedAtWallMs: number;
  /** The caller's TCP port: tells whether two calls shared a connection. */
  readonly fromPort: number;
}

/** A move whose packets have followed. */
export interface MoveRecord extends AddressMove {
  readonly number: number;
  readonly atWallMs: number;
}

/** Every name that other processes may call, see control-http.ts. */
export const CONTROL_NAMES = ["addFault", "clearFaults", "calls", "metrics", "placeAddress", "setInstance", "drainRequests", "locate", "tags", "putSecret", "setDataPlaneDelay", "moves", "waitForMove", "setListening", "reset"] as const;

export class AwsLab {
  readonly spec: AwsWorldSpec;
  readonly faults = new Faults();
  #ec2: Ec2Model;
  #cloudWatch = new CloudWatchModel();
  #secrets = new SecretsModel();
  #calls: CallRecord[] = [];
  #nextCall = 1;
  #moves: MoveRecord[] = [];
  #dataPlaneDelayMs = 0;
  readonly #moveListeners = new Set<(move: MoveRecord) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #setListening: (on: boolean) => Promise<void> = () => Promise.resolve();

  constructor(spec: AwsWorldSpec) {
    this.spec = spec;
    this.#ec2 = this.#begin();
  }

  get ec2(): Ec2Model {
    return this.#ec2;
  }

  get cloudWatch(): CloudWatchModel {
    return this.#cloudWatch;
  }

  get secrets(): SecretsModel {
    return this.#secrets;
  }

  /** The server tells how its socket is opened and closed. */
  attachListener(setListening: (on: boolean) => Promise<void>): void {
    this.#setListening = setListening;
  }

  /** The server tells of a call. */
  record(caller: string, action: string, parameters: Readonly<Record<string, unknown>>, fromPort: number): void {
    this.#calls.push({ number: this.#nextCall++, caller, action, parameters, receivedAtMs: performance.now(), receivedAtWallMs: Date.now(), fromPort });
    if (this.#calls.length > 100_000) this.#calls = this.#calls.slice(-50_000);
  }

  /** Tells of each move once the packets have followed it (see setDataPlaneDelay). Returns how to stop. */
  onAddressMoved(listener: (move: MoveRecord) => void): () => void {
    this.#moveListeners.add(listener);
    return () => this.#moveListeners.delete(listener);
  }

  addFault(rule: FaultRule): void {
    this.faults.add(rule);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** Calls since the one with number `after`, oldest first. */
  calls(after = 0): readonly CallRecord[] {
    return this.#calls.filter((call) => call.number > after);
  }

  metrics(): readonly StoredDatum[] {
    return this.#cloudWatch.stored;
  }

  /** An operator moves the address, detaches it (null), or gives it to a stranger's interface. */
  placeAddress(allocationId: string, to: { readonly instanceId: string } | { readonly networkInterfaceId: string; readonly privateIp: string } | null): void {
    this.#ec2.place(allocationId, to, performance.now());
  }

  setInstance(instanceId: string, change: { readonly state?: InstanceStateName; readonly impaired?: boolean }): void {
    this.#ec2.setInstance(instanceId, change);
  }

  /** Somebody else in the account uses up the action's request bucket. */
  drainRequests(action: Ec2Action): void {
    this.#ec2.drainRequests(action, performance.now());
  }

  locate(allocationId: string): Location | null {
    return this.#ec2.locate(allocationId);
  }

  tags(allocationId: string): Readonly<Record<string, string>> {
    return this.#ec2.tags(allocationId);
  }

  /** Returns the new version's id. null: a binary secret. */
  putSecret(id: string, text: string | null): string {
    return this.#secrets.put(id, text);
  }

  /** How long packets still go to the old place after a move (ms). */
  setDataPlaneDelay(delayMs: number): void {
    this.#dataPlaneDelayMs = delayMs;
  }

  /** Moves whose packets have followed, since the one with number `after`. */
  moves(after = 0): readonly MoveRecord[] {
    return this.#moves.filter((move) => move.number > after);
  }

  /** Resolves with the moves after `after` as soon as there is one, or with none after `waitMs`. */
  waitForMove(after: number, waitMs: number): Promise<readonly MoveRecord[]> {
    const known = this.moves(after);
    if (known.length > 0) return Promise.resolve(known);
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#moveListeners.delete(finish);
        clearTimeout(timer);
        this.#timers.delete(timer);
        resolve(this.moves(after));
      };
      const timer = setTimeout(finish, waitMs);
      this.#timers.add(timer);
      this.#moveListeners.add(finish);
    });
  }

  /** false: the port is closed, and every connection with it; true: open again. */
  async setListening(on: boolean): Promise<void> {
    await this.#setListening(on);
  }

  /** Back to the beginning. Listeners stay. */
  reset(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.faults.clear();
    this.#cloudWatch = new CloudWatchModel();
    this.#secrets = new SecretsModel();
    this.#calls = [];
    this.#moves = [];
    this.#dataPlaneDelayMs = 0;
    this.#ec2 = this.#begin();
  }

  #begin(): Ec2Model {
    for (const [id, text] of Object.entries(this.spec.secrets ?? {})) this.#secrets.put(id, text);
    const ec2 = new Ec2Model(this.spec);
    ec2.onAddressMoved((move) => {
      const publish = (): void => {
        const record = { ...move, number: (this.#moves.at(-1)?.number ?? 0) + 1, atWallMs: Date.now() };
        this.#moves.push(record);
        for (const listener of Array.from(this.#moveListeners)) listener(record);
      };
      if (this.#dataPlaneDelayMs === 0) publish();
      else {
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          publish();
        }, this.#dataPlaneDelayMs);
        this.#timers.add(timer);
      }
    });
    return ec2;
  }
}
