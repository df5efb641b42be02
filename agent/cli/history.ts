/** `nodectl history`: every move of the address that this node knows. Read from STATE_DIR, so that it works while no agent runs. */
import { join } from "node:path";
import { HISTORY_FILE, readHistory } from "../adapters/file-history.ts";
import type { MoveRecord } from "../core/moves.ts";
import { AgentError } from "../errors.ts";
import { KNOBS } from "../knobs.ts";
import { clean, instant, wrap } from "../status/layout.ts";
import { causeInWords, moveDetails } from "../status/move-words.ts";
import { setting } from "./setting.ts";
import { CliError, EXIT, type Verb } from "./verb.ts";

interface HistoryOptions {
  readonly json?: boolean;
  readonly last: string;
  readonly stateDir: string;
}

const LAST_DEFAULT = "20";

export const historyVerb: Verb = (program, terminal) => {
  program
    .command("history")
    .description("tell every move of the address: when, from, to, why, on whose word, how long each stage took")
    .option("--json", "the whole history as JSON, oldest first")
    .option("--last <count>", "how many moves to tell, or all", LAST_DEFAULT)
    .option("--state-dir <folder>", "where the agent keeps its state", setting(terminal.env, "STATE_DIR", KNOBS.STATE_DIR.default))
    .action(async (options: HistoryOptions) => {
      if (!/^(?:[1-9]\d{0,5}|all)$/.test(options.last)) throw new CliError(`--last ${options.last} is neither a number of moves nor "all".`, EXIT.usage);
      const moves = await read(join(options.stateDir, HISTORY_FILE));
      if (options.json === true) terminal.out(JSON.stringify(moves.map(asJson), null, 2));
      else for (const line of historyText(options.last === "all" ? moves : moves.slice(-Number(options.last)), moves.length, terminal.width)) terminal.out(line);
    });
};

async function read(path: string): Promise<readonly MoveRecord[]> {
  try {
    const moves = await readHistory(path);
    if (moves !== "damaged") return moves;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new CliError(`${error.message}. May you read STATE_DIR (group of the agent), and is --state-dir right?`, EXIT.failed, error);
  }
  throw new CliError(`${path} is damaged. The agent sets it aside as ${path}.damaged when it starts, and begins a new one; the last claim is also in the tags of the address.`);
}

function asJson({ atWallMs, ...move }: MoveRecord): Record<string, unknown> {
  return { at: new Date(atWallMs).toISOString(), ...move };
}

/** The newest first, a few lines each. */
function historyText(moves: readonly MoveRecord[], total: number, width: number): string[] {
  if (moves.length === 0) return ["No move is known: the address has been where it is since this node's first start."];
  const more = total > moves.length ? ["", `${total - moves.length} older: --last all`] : [];
  return [...moves.toReversed().flatMap((move, index) => [...(index === 0 ? [] : [""]), ...moveLines(move, width)]), ...more];
}

function moveLines(move: MoveRecord, width: number): string[] {
  const details = moveDetails(move).map(({ name, text }) => `${name}: ${text}`);
  const head = `${instant(new Date(move.atWallMs).toISOString())}  ${move.from} -> ${move.to}  ${causeInWords(move)}`;
  return [...wrap(clean(head), width), ...[move.reason, ...details].flatMap((line) => wrap(clean(line), width - 2, 4).map((part) => `  ${part}`))];
}
