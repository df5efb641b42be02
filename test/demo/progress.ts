/** The lines before the drawing: what is being started and waited for. On a terminal the last line rewrites itself. */
import type { FaultName } from "./faults.ts";
import { FAULTS } from "./faults.ts";
import { AWS_DELAYS, FIRST_ACTIVE, otherThan } from "./world.ts";
import { paint, type Style } from "./style.ts";

/** Who takes part, and what is going to happen to them. */
export function titleLines(fault: FaultName, realAsterisk: boolean): string[] {
  const standby = otherThan(FIRST_ACTIVE);
  return [
    "Two nodes, one Elastic IP: the demo of the Asterisk node agent",
    "",
    `  ${FIRST_ACTIVE}   a real agent and ${realAsterisk ? "a real Asterisk" : "a stand-in for Asterisk"}; holds the Elastic IP`,
    `  ${standby}   the same; standby`,
    `  EC2      embedded; ${AWS_DELAYS.change} ms for a change, ${AWS_DELAYS.packets} ms until packets follow a move`,
    "  caller   asks the Elastic IP 20 times a second (SIP OPTIONS)",
    `  fault    ${fault}: ${FAULTS[fault].says(FIRST_ACTIVE, standby)}`,
    "",
  ];
}

export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #style: Style;
  readonly #startedAtMs = performance.now();
  #shown = "";
  #silent = false;

  constructor(out: NodeJS.WriteStream, style: Style) {
    this.#out = out;
    this.#style = style;
  }

  /** Who takes part. @param program the real Asterisk that was found, or null */
  title(fault: FaultName, program: string | null): void {
    const [headline = "", ...rest] = titleLines(fault, program !== null);
    this.#out.write(`${[paint(headline, "bold", this.#style), ...rest].join("\n")}\n`);
  }

  /** What is being waited for: one line on a terminal, elsewhere a new line each time it changes. */
  waiting(what: string): void {
    const line = this.#stamped(what);
    if (this.#silent) return;
    if (this.#out.isTTY) this.#out.write(`\r${paint(line, "dim", this.#style)}\u001b[K`);
    else if (what !== this.#shown) this.#out.write(`${line}\n`);
    this.#shown = what;
  }

  /** A step that is done. */
  done(what: string): void {
    if (this.#silent) return;
    this.#out.write(this.#out.isTTY ? `\r${this.#stamped(what)}\u001b[K\n` : `${this.#stamped(what)}\n`);
    this.#shown = "";
  }

  /** With the time since the beginning, in a column short of the edge, where a terminal would break the line. */
  #stamped(what: string): string {
    const seconds = ((performance.now() - this.#startedAtMs) / 1_000).toFixed(1);
    return `${seconds.padStart(6)} s  ${what}`.slice(0, this.#style.width - 1);
  }

  interrupt(): void {
    this.close();
    this.#silent = true;
    this.#out.write("Interrupted: ending everything that was started.\n");
  }

  /** The rewritten line ends here. */
  close(): void {
    if (this.#out.isTTY && this.#shown !== "") this.#out.write("\r\u001b[K");
    this.#shown = "";
  }
}
