/**
 * `nodectl render`: Asterisk's configuration from templates, settings and the secret. Runs before Asterisk starts, and by hand to
 * look (`--check`, `--diff`). It needs no running agent. A failure leaves the last good configuration as it was.
 */
import process from "node:process";
import { AsteriskControl } from "../adapters/asterisk-control.ts";
import { Imds } from "../adapters/imds.ts";
import { assembleAddressReader, assembleAws, assembleSecrets } from "../assemble.ts";
import { systemClock } from "../clock.ts";
import { loadConfig, type Config } from "../config.ts";
import { handOverAwsVariables, readEnvFile } from "../env-file.ts";
import { AgentError, ERRORS } from "../errors.ts";
import { commit, isPending } from "../render/commit.ts";
import { unifiedDifference } from "../render/difference.ts";
import { factSource } from "../render/fact-source.ts";
import { shownAfter, shownBefore } from "../render/hide.ts";
import { insist, type Patience } from "../render/insist.ts";
import { changesOf, differs, presentRole, type Plan } from "../render/plan.ts";
import { reloadFor, type Reload } from "../render/reload.ts";
import { factsFor, holdTarget, openTemplates, planOnly, renderFor, resetRole, type OpenTemplates } from "../render/render.ts";
import type { RenderedFile } from "../render/rendering.ts";
import { secretTexts } from "../render/values.ts";
import { parseSecret, type Secret } from "../secret.ts";
import { VERSION } from "../version.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

interface RenderOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly json?: boolean;
  readonly target?: string;
  readonly templates?: string;
}

/** What `--json` prints. */
interface RenderReport {
  readonly target: string;
  readonly secretVersion: string;
  /** false with --check and --diff. */
  readonly written: boolean;
  readonly files: Readonly<Record<string, "new" | "changed" | "owned" | "same">>;
  readonly removed: readonly string[];
  /** No template makes them any more, and somebody has changed them since the last render. */
  readonly kept: readonly string[];
  /** An earlier render was cut short, and is complete now (written) or will be (not written). */
  readonly cutShort: boolean;
  /** null while Asterisk does not run. */
  readonly asterisk: Reload | null;
  readonly difference?: readonly string[];
}

/** More files than this are counted and not named. */
const NAMED_MAX = 12;

/** How long (ms) Asterisk gets to say that it runs. */
const RUNS_WITHIN_MS = 1_000;

export const renderVerb: Verb = (program, terminal) => {
  program
    .command("render")
    .description("write Asterisk's configuration from the templates, this node's settings and the secret")
    .option("--check", "say whether it could be written, and write nothing")
    .option("--diff", "show what would change, with secrets hidden, and write nothing")
    .option("--target <folder>", "where to, instead of RENDER_TARGET")
    .option("--templates <folder>", "from which templates, instead of RENDER_TEMPLATES")
    .option("--json", "what was done, as JSON")
    .action(async (options: RenderOptions) => {
      const target = { known: options.target ?? null };
      try {
        const report = await render(options, terminal, target);
        if (options.json === true) terminal.out(JSON.stringify(report, null, 2));
        else for (const line of reportText(report)) terminal.out(line);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        throw new CliError(`${error.code}: ${error.message}\n${await whatStands(target.known)}\nRemedy: ${ERRORS[error.code].remedy}`, EXIT.failed, error);
      }
    });
};

async function render(options: RenderOptions, terminal: Terminal, target: { known: string | null }): Promise<RenderReport> {
  const config = readConfig(terminal);
  const opened = await openTemplates(config, options.templates ?? null);
  const { node } = opened;
  const folder = (target.known ??= node.render.renderTarget);
  const until = AbortSignal.timeout(node.render.renderWithinMs);
  const { files, secret, version } = await gather(config, opened, until, terminal);
  const report = (plan: Plan, written: boolean, cutShort: boolean, asterisk: Reload | null): RenderReport => ({
    target: folder, secretVersion: version, written, cutShort, asterisk, kept: plan.kept,
    files: Object.fromEntries(plan.files.map((file) => [file.name, file.state])), removed: plan.removed.map((file) => file.name),
    ...(options.diff === true ? { difference: differenceOf(plan, secret) } : {}),
  });
  if (options.check === true || options.diff === true) return report(await planOnly(folder, files), false, await isPending(folder), null);
  return holdTarget(folder, until, async (held) => {
    const plan = await held.plan(files);
    const changes = changesOf(plan, version);
    if (differs(plan, changes)) await commit(folder, changes, held.disk);
    const runs = await asteriskRuns(node.asteriskControlSocket);
    await resetRole(held, !runs);
    const changed = [...changes.write.map((file) => file.name), ...changes.remove];
    return report(plan, true, held.completed, runs ? reloadFor(changed, await presentRole(folder)) : null);
  });
}

function readConfig(terminal: Terminal): Config {
  const file = readEnvFile(terminal.env, process.cwd());
  const config = loadConfig({ file: file.values, fileProblems: file.problems, process: terminal.env }, VERSION);
  handOverAwsVariables(file.values, process.env);
  return config;
}

interface Gathered {
  readonly files: readonly RenderedFile[];
  readonly secret: Secret;
  readonly version: string;
}

/** The secret, the facts, and the files that they make. What can't be reached is asked again until `until`; a file is read once. */
async function gather(config: Config, { node, templates }: OpenTemplates, until: AbortSignal, terminal: Terminal): Promise<Gathered> {
  const aws = assembleAws(config);
  const told = new Set<string>();
  const onFailure = ({ code, message }: AgentError): void => {
    if (!told.has(code)) terminal.err(`${code}: ${message} Trying again.`);
    told.add(code);
  };
  const patience: Patience = { until, attemptMs: config.core.cloudTimeoutMs, onFailure };
  try {
    const source = assembleSecrets(config, aws);
    const read = async (signal: AbortSignal): Promise<{ readonly secret: Secret; readonly version: string }> => {
      const { text, version } = await source.fetch(signal);
      return { secret: parseSecret(text, "node"), version };
    };
    const { secret, version } = config.secret.kind === "file" ? await read(until) : await insist(patience, read);
    const imds = new Imds({ monotonicMs: () => systemClock.monotonicMs(), environment: process.env });
    const facts = await insist(patience, (signal) => factsFor(node, templates, factSource(assembleAddressReader(config, aws), imds), signal));
    return { files: renderFor(config, node, templates, secret, facts), secret, version };
  } finally {
    aws?.connection.close();
  }
}

function differenceOf(plan: Plan, secret: Secret): readonly string[] {
  const secrets = secretTexts(secret);
  const changed = plan.files.flatMap((file) => unifiedDifference(file.name, file.present === null ? null : shownBefore(file.present, file, secrets), shownAfter(file)));
  return [...changed, ...plan.removed.flatMap((file) => unifiedDifference(file.name, shownBefore(file.present, null, secrets), null))];
}

async function asteriskRuns(controlSocket: string): Promise<boolean> {
  const control = new AsteriskControl(controlSocket);
  try {
    await control.run("core show uptime", AbortSignal.timeout(RUNS_WITHIN_MS));
    return true;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code !== "AGENT_PROBE_REFUSED";
  } finally {
    control.close();
  }
}

function reportText(report: RenderReport): readonly string[] {
  const names = (state: string): readonly string[] => Object.entries(report.files).filter(([, each]) => each === state).map(([name]) => name);
  const count = Object.keys(report.files).length;
  const parts = ([["new", names("new")], ["changed", names("changed")], ["only mode or group", names("owned")], ["removed", report.removed]] as const).filter(([, list]) => list.length > 0).map(([what, list]) => `${list.length} ${what}${list.length > NAMED_MAX ? "" : ` (${list.join(", ")})`}`);
  const what = parts.length === 0 ? "nothing to change" : parts.join("; ");
  const lines = [...(report.difference ?? []), report.written ? `Rendered ${count} files into ${report.target}: ${what}.` : `${count} files can be rendered into ${report.target}: ${what}. Nothing was written.`];
  if (report.cutShort) lines.push(report.written ? "An earlier render had been cut short; it was completed first." : "An earlier render was cut short; the next one completes it.");
  if (report.kept.length > 0) lines.push(`No template makes ${report.kept.join(", ")} any more. Changed by hand since the last render, so left there: remove it yourself.`);
  const { modules = [], restart = [] } = report.asterisk ?? {};
  if (modules.length > 0) lines.push(`Asterisk runs and has not read this yet: ${modules.map((module) => `asterisk -rx "module reload ${module}"`).join(" && ")}`);
  if (restart.length > 0) lines.push(`Only a restart of Asterisk reads ${restart.join(", ")}.`);
  return lines;
}

/** After a failure: what lies in the folder now. */
async function whatStands(folder: string | null): Promise<string> {
  const pending = folder !== null && (await isPending(folder).catch(() => false));
  return pending ? `The change was decided, and some of the files in ${folder} are new already: the next render completes it.` : "Nothing was changed: the last good configuration stays.";
}
