/**
 * What a figure of the benchmark is. To add one: a module in figures/ that exports a Figure, and its line in
 * figure-list.ts. A figure only measures; whether it met its goal is told, and never makes a command fail, because
 * speed depends on the machine and correctness does not.
 */
import type { LabKnobs } from "./lab-knobs.ts";

export type Unit = "ms" | "MB" | "% of a core" | "kB a second" | "a minute" | "an hour";

/** What the goal is compared with. `max` where every sample must meet it, and for few samples. */
export type Statistic = "p99" | "max";

export interface Goal {
  readonly statistic: Statistic;
  readonly atMost: number;
}

/** A moment on the way to the sample, or another view of it: where the time (or memory) goes. In the figure's unit. */
export interface Part {
  readonly name: string;
  readonly samples: readonly number[];
}

/** What measuring brought. */
export interface Measurement {
  readonly samples: readonly number[];
  /** Attempts without a sample, a sentence each. Any of them means that the goal was missed. */
  readonly failures: readonly string[];
  /** How it was measured, and what disturbed it, in sentences. */
  readonly notes: readonly string[];
  readonly parts: readonly Part[];
  /** The agents' settings that were not the defaults. */
  readonly knobs: LabKnobs;
}

export interface Figure {
  /** For `--only`, the results file and the plot's name. */
  readonly name: string;
  /** For the table. */
  readonly title: string;
  readonly unit: Unit;
  readonly goal: Goal;
  /** Needs the lab: Debian, root, network namespaces, a real Asterisk. */
  readonly lab: boolean;
  /** Why it can't be measured here, where that is no fault: then it is left out with this sentence. Absent: nothing is in its way. */
  readonly obstacle?: () => Promise<string | null>;
  /** Rejects when it could not measure at all; a single failed attempt is a failure in the Measurement. */
  measure(bench: Bench): Promise<Measurement>;
}

/** Something that lives longer than one figure and must be closed. */
export interface Resource {
  close(): Promise<void>;
}

/** What a figure is given. */
export interface Bench {
  /** How many times each fault is made. */
  readonly runs: number;
  /** How long a steady pair is watched. */
  readonly minutes: number;
  /** Progress, a line each. */
  say(line: string): void;
  /** Measures once for all figures that need the same runs. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
  /** Opens a thing once and keeps it for the figures that follow. */
  resource<T extends Resource>(key: string, open: () => Promise<T>): Promise<T>;
  /** Closes all resources: after a failed run, or before something that must not be disturbed. */
  release(): Promise<void>;
}
