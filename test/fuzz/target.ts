/**
 * What a fuzz target is: something that takes in what comes from outside, a way of making such input out of chance, and
 * what must hold whatever it is. The runner (run-target.ts) feeds and judges; a target knows only its own subject.
 */
import type fc from "fast-check";
import type { z } from "zod";

/** A target that has been opened: whatever it needs is there until `close`. */
export interface Subject<I> {
  /**
   * Feeds one input. Throws, or rejects, when what must hold does not. True when it was accepted: a target that refuses
   * everything tests nothing but its door.
   */
  feed(input: I): boolean | Promise<boolean>;
  /** After many inputs: what shows only then (a good member is still heard). Throws like `feed`. */
  afterwards?(): Promise<void>;
  close?(): Promise<void>;
}

export interface TargetSpec<I> {
  /** For `--target`, and the name of its folder in the corpus. */
  readonly name: string;
  /** What is fed to what, in a sentence. */
  readonly says: string;
  readonly inputs: fc.Arbitrary<I>;
  /** Reads an input that was kept in the corpus. */
  readonly schema: z.ZodType<I>;
  /** How many cases the campaign feeds: as many as take about a second. The quick suite feeds a share of them. */
  readonly casesInSuite: number;
  /** How many a long run feeds when it is not told; slow targets fewer. */
  readonly share: number;
  open(): Subject<I> | Promise<Subject<I>>;
}

/** A target whatever its input is. */
export interface Target extends Omit<TargetSpec<unknown>, "inputs" | "schema" | "open"> {
  readonly inputs: fc.Arbitrary<unknown>;
  open(): Promise<Subject<unknown>>;
}

/** Forgets the type of the input; what comes from the corpus is checked when it is fed. */
export function target<I>(spec: TargetSpec<I>): Target {
  return {
    ...spec,
    open: async () => {
      const subject = await spec.open();
      return { ...subject, feed: (input) => subject.feed(spec.schema.parse(input)) };
    },
  };
}
