/**
 * Watches the Elastic IP as a caller would: SIP OPTIONS over the public address, all the time, each with a socket of its own, so
 * that a lost answer delays no other question.
 */
import { AgentError } from "../errors.ts";
import type { Clock, Prober } from "../ports.ts";
import type { OutsideProbe } from "./outage.ts";

/** The pace (ms): an outage is measured to this precision. */
export const ASK_EVERY_MS = 100;
/** After so long a question counts as unanswered (ms). Longer than any path to AWS. */
const ANSWER_WITHIN_MS = 1_500;

export class OutsideWatch {
  readonly probes: OutsideProbe[] = [];
  readonly #target: { readonly transport: "udp"; readonly host: string; readonly port: number };
  readonly #prober: Prober;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(prober: Prober, clock: Pick<Clock, "monotonicMs">, address: { readonly host: string; readonly port: number }) {
    this.#prober = prober;
    this.#clock = clock;
    this.#target = { transport: "udp", ...address };
  }

  start(): void {
    this.#timer ??= setInterval(() => { this.#begin(); }, ASK_EVERY_MS);
  }

  /** Asks once and says whether somebody answered. */
  async answers(): Promise<boolean> {
    return (await this.#ask()).answeredAtMs !== null;
  }

  /** Asks no more, and waits for the answers that are still due. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#underWay);
  }

  #begin(): void {
    const asking: Promise<void> = this.#ask().then((probe) => {
      this.probes.push(probe);
      this.#underWay.delete(asking);
    });
    this.#underWay.add(asking);
  }

  async #ask(): Promise<OutsideProbe> {
    const sentAtMs = this.#clock.monotonicMs();
    try {
      const { status } = await this.#prober.sipOptions(this.#target, AbortSignal.timeout(ANSWER_WITHIN_MS));
      return { sentAtMs, answeredAtMs: this.#clock.monotonicMs(), status };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { sentAtMs, answeredAtMs: null, status: null };
    }
  }
}
