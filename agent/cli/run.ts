/** Runs one nodectl command line: the verbs, the usage errors, and the exit code. Testable: it never ends the process. */
import { Command, CommanderError } from "commander";
import { callsVerb } from "./calls.ts";
import { completionVerb } from "./completion.ts";
import { doctorVerb } from "./doctor.ts";
import { drillVerb } from "./drill.ts";
import { addExamples } from "./examples.ts";
import { explainVerb } from "./explain.ts";
import { fleetVerb } from "./fleet.ts";
import { historyVerb } from "./history.ts";
import { operateVerbs } from "./operate.ts";
import { renderVerb } from "./render.ts";
import { statusVerb } from "./status.ts";
import { switchoverVerb } from "./switchover.ts";
import { takeoverVerb } from "./takeover.ts";
import { watchVerb } from "./watch.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

/** Every verb, in the order of the help. */
const VERBS: readonly Verb[] = [statusVerb, watchVerb, explainVerb, doctorVerb, drillVerb, historyVerb, callsVerb, switchoverVerb, takeoverVerb, operateVerbs, fleetVerb, renderVerb, completionVerb];

/** The whole command: every verb with its options and example. Not yet run. */
export function nodectl(terminal: Terminal): Command {
  const program = new Command("nodectl").description("Looks at and steers the Asterisk node agent of this machine.");
  program.addHelpText("after", "\nExit codes: 0 done, 1 refused or failed, 2 wrong usage.");
  // Set before the verbs are added: a subcommand copies these settings when it is made.
  program.exitOverride().configureOutput({ writeOut: (text) => { terminal.out(text.trimEnd()); }, writeErr: (text) => { terminal.err(text.trimEnd()); } }).showHelpAfterError("(nodectl --help lists the verbs)");
  for (const verb of VERBS) verb(program, terminal);
  addExamples(program);
  return program;
}

/** @param args without node and script. Resolves with the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await nodectl(terminal).parseAsync([...args], { from: "user" });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!(error instanceof CliError)) throw error;
    terminal.err(error.message);
    return error.exitCode;
  }
}
