/**
 * `nodectl watch`: status, live. On a terminal the screen is redrawn; elsewhere (a log, a pipe) only what has changed is
 * printed. An agent that does not answer is shown and asked again: it may be starting. Ends with Ctrl-C.
 */
import { pause } from "../adapters/interruptible.ts";
import { changes } from "../status/changes.ts";
import { clusterText } from "../status/cluster-text.ts";
import type { StatusView } from "../status/schema.ts";
import { askStatus, defaultUrl } from "./ask-agent.ts";
import { durationMs } from "./operate.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

interface WatchOptions {
  readonly json?: boolean;
  readonly every: string;
  readonly url: string;
}

const HOME_AND_CLEAR = "\u001b[H\u001b[J";

export const watchVerb: Verb = (program, terminal) => {
  program
    .command("watch")
    .description("show the whole cluster, live; without a terminal print what changes; Ctrl-C ends it")
    .option("--json", "one line of JSON at each look")
    .option("--every <duration>", "how often to look: 1s, 10s, 1m", "1s")
    .option("--url <url>", "the agent's status page", defaultUrl(terminal.env))
    .action(async (options: WatchOptions) => {
      const everyMs = durationMs(options.every, "--every");
      if (everyMs < 1_000) throw new CliError("--every must be at least 1s.", EXIT.usage);
      const watcher = options.json === true ? jsonLines(terminal) : terminal.live === true ? redraw(terminal) : changedLines(terminal);
      const interrupted = terminal.untilInterrupted?.() ?? new AbortController().signal;
      while (!interrupted.aborted) {
        await look(options.url, watcher);
        await pause(everyMs, interrupted);
      }
    });
};

interface Watcher {
  readonly show: (view: StatusView) => void;
  readonly fail: (why: string) => void;
}

async function look(url: string, watcher: Watcher): Promise<void> {
  try {
    watcher.show(await askStatus(url));
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode === EXIT.usage) throw error;
    watcher.fail(error.message);
  }
}

function redraw(terminal: Terminal): Watcher {
  const draw = (lines: readonly string[]): void => { terminal.out(`${HOME_AND_CLEAR}${lines.join("\n")}`); };
  return { show: (view) => { draw(clusterText(view, { width: terminal.width, colour: terminal.colour })); }, fail: (why) => { draw([why]); } };
}

function jsonLines(terminal: Terminal): Watcher {
  return { show: (view) => { terminal.out(JSON.stringify(view)); }, fail: (why) => { terminal.err(why); } };
}

/** The whole first, then differences; a failure once, until it ends. */
function changedLines(terminal: Terminal): Watcher {
  let last: StatusView | null = null;
  let failure: string | null = null;
  return {
    show: (view) => {
      if (failure !== null && last !== null) terminal.out(`${view.at} The agent answers again.`);
      failure = null;
      const lines = last === null ? clusterText(view, { width: terminal.width, colour: false }) : changes(last, view);
      for (const line of lines) terminal.out(line);
      last = view;
    },
    fail: (why) => {
      if (failure !== why) terminal.out(why);
      failure = why;
    },
  };
}
