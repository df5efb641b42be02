/** A measurement made several times: a run that fails is told with its number, and costs its world and nothing else. */
import type { Bench } from "./figure.ts";

/** Of a failure's words, so many characters go into the report; the bench's own output has all of them. */
const REPORTED_MAX = 200;

/** What is measured, and how it is told. */
export interface Measurement<T> {
  /** Begins each line that is told, as in "boot 3/5". */
  readonly name: string;
  /** How often; the bench's own number unless that would be too much. */
  readonly runs?: number;
  /** One run, numbered from 1. What the bench has opened is released after one that throws. */
  readonly once: (number: number) => Promise<T>;
  readonly says: (result: T) => string;
}

/** Resolves with what the good runs brought, and a sentence for each of the others. */
export async function repeated<T>(bench: Bench, { name, runs = bench.runs, once, says }: Measurement<T>): Promise<{ readonly results: readonly T[]; readonly failures: readonly string[] }> {
  const results: T[] = [];
  const failures: string[] = [];
  for (let number = 1; number <= runs; number += 1) {
    try {
      const result = await once(number);
      results.push(result);
      bench.say(`${name} ${number}/${runs}: ${says(result)}`);
    } catch (error) {
      const sentence = (error instanceof Error ? error.message : String(error)).replaceAll("\n", " ");
      failures.push(`Run ${number}: ${sentence.slice(0, REPORTED_MAX)}`);
      bench.say(`${name} ${number}/${runs}: ${sentence}`);
      await bench.release();
    }
  }
  return { results, failures };
}
