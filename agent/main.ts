/**
 * The agent's entry: configuration, log, signals, exit codes; no logic.
 *   0   stopped on request
 *   70  a defect: an invariant broke or an error was not foreseen (pm2 starts it again)
 *   78  the configuration or the secret can't be used (pm2 leaves it stopped: no restart can cure it)
 */
import process from "node:process";
import { bootAgent } from "./boot.ts";
import { systemClock } from "./clock.ts";
import { loadConfig, type Config } from "./config.ts";
import { handOverAwsVariables, readEnvFile } from "./env-file.ts";
import { AgentError, ERRORS } from "./errors.ts";
import { openLog, say } from "./log.ts";
import { VERSION } from "./version.ts";

const EXIT_DEFECT = 70;
const EXIT_CONFIG = 78;

function configOrExit(): Config {
  try {
    const file = readEnvFile(process.env, process.cwd());
    const config = loadConfig({ file: file.values, fileProblems: file.problems, process: process.env }, VERSION);
    handOverAwsVariables(file.values, process.env);
    return config;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    process.stderr.write(`${error.code}: ${error.message}\nRemedy: ${ERRORS[error.code].remedy}\n`);
    process.exit(EXIT_CONFIG);
  }
}

const config = configOrExit();
const log = openLog({ level: config.logLevel === "trace" ? "debug" : config.logLevel, clusterId: config.core.clusterId, nodeId: config.core.nodeId, clock: systemClock });
const stopped = new AbortController();

/** A process that ends younger than this may be in a crash loop, and pauses so long before it ends (ms). */
const YOUNG_MS = 5_000;
const CRASH_PAUSE_MS = 2_000;

/** Ends the process: the last line is written synchronously. */
function die(error: unknown, sentence: string, code: number): never {
  say(log, "fatal", "agent-stopping", { err: error }, sentence);
  if (code === EXIT_DEFECT && process.uptime() * 1000 < YOUNG_MS) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CRASH_PAUSE_MS);
  process.exit(code);
}

process.on("uncaughtException", (error) => die(error, `An error that nobody foresaw: ${error.message}`, EXIT_DEFECT));
process.on("unhandledRejection", (reason) => die(reason, `An error that nobody foresaw: ${reason instanceof Error ? reason.message : String(reason)}`, EXIT_DEFECT));

const booting = bootAgent(config, log, (error) => die(error, `${error.code}: ${error.message}`, EXIT_DEFECT), stopped.signal);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    say(log, "info", "agent-stopping", { signal }, `Asked to stop by ${signal}.`);
    stopped.abort();
    // Asked to stop before it ran: there is nothing to close.
    booting.then((agent) => agent.stop(), () => undefined).then(() => process.exit(0), (error: unknown) => die(error, "Could not stop in order.", EXIT_DEFECT));
  });
}

booting.catch((error: unknown) => {
  if (stopped.signal.aborted) return;
  const code = error instanceof AgentError ? error.code : null;
  const config = code === "AGENT_CONFIG_INVALID" || code === "AGENT_SECRET_INVALID";
  die(error, `${code ?? "Could not start"}: ${error instanceof Error ? error.message : String(error)}${code === null ? "" : ` Remedy: ${ERRORS[code].remedy}`}`, config ? EXIT_CONFIG : EXIT_DEFECT);
});
