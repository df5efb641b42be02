/** What a verb of nodectl is: one file under agent/cli/, which adds its command to the program and says how it ended. */
import type { Command } from "commander";

/** 0 done, 1 refused or failed, 2 wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** What a verb may use of the process, so that tests can look at it. */
export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Colours only on a terminal, and never against NO_COLOR. */
  readonly colour: boolean;
  readonly width: number;
  /** It is a screen that can be redrawn. */
  readonly live?: boolean;
  /** For a verb that goes on until Ctrl-C: from this call on, the first one aborts the signal instead of ending the process. */
  readonly untilInterrupted?: () => AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks a person yes or no; absent where nobody is there to answer. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/** Adds the verb to the program. Its action throws a CliError when it fails. */
export type Verb = (program: Command, terminal: Terminal) => void;

/** An expected failure: the message is the sentence that the operator reads, with what to do. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}
