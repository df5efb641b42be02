/** The Stasis app's entry: settings, secret, campaigns, signals, exit codes (0 asked to stop, 70 a defect, 78 configuration). No logic. */
import process from "node:process";
import packageJson from "../../package.json" with { type: "json" };
import { aborted, pause, within } from "../adapters/interruptible.ts";
import { AgentError } from "../errors.ts";
import { App } from "./app.ts";
import { fetchSecret, openAws } from "./aws.ts";
import { readCampaigns } from "./campaign-files.ts";
import { AppError } from "./errors.ts";
import { describe, openLog } from "./log.ts";
import { parseSettings, readVariables } from "./settings.ts";

const EXIT_DEFECT = 70;
const EXIT_CONFIGURATION = 78;
const SECRET_WITHIN_MS = 10_000;
const SECRET_AGAIN_MS = 2_000;

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());

try {
  await run();
} catch (error) {
  const isOurs = error instanceof AppError || error instanceof AgentError;
  process.stderr.write(`${isOurs ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = isOurs ? EXIT_CONFIGURATION : EXIT_DEFECT;
}
// What is still open (a connection that waits for its end) does not keep an app that was asked to stop.
process.exit();

async function run(): Promise<void> {
  const variables = readVariables(process.env);
  const settings = parseSettings(variables);
  // The SDK looks for its own variables nowhere else.
  for (const [name, value] of Object.entries(variables)) if (name.startsWith("AWS_") && process.env[name] === undefined && value !== undefined) process.env[name] = value;
  const campaigns = readCampaigns(settings.APP_CAMPAIGNS);
  const log = openLog({ level: settings.LOG_LEVEL, cluster: settings.CLUSTER_ID, node: settings.NODE_ID });
  const aws = openAws(settings, () => performance.now());
  const text = await waitForSecret();
  if (text === null) return;
  const app = new App({ settings, secretText: text, readSecret: (signal) => fetchSecret(settings, aws, signal), campaigns, aws, log, version: packageJson.version });
  await app.start();
  await aborted(ending.signal);
  log.info({ event: "app-stopping" }, "Asked to stop.");
  await app.close();

  /** A secret that can't be read now may be read later: a booting node waits for its way to AWS. */
  async function waitForSecret(): Promise<string | null> {
    while (!ending.signal.aborted) {
      try {
        return await within(SECRET_WITHIN_MS, ending.signal, (signal) => fetchSecret(settings, aws, signal));
      } catch (error) {
        log.warn({ event: "boot-waits", ...describe(error) }, "The secret can't be read; it is tried again.");
        await pause(SECRET_AGAIN_MS, ending.signal);
      }
    }
    return null;
  }
}
