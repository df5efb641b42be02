/**
 * What the running agent does with a new version of the secret. Intuition: nothing that works may stop working. The heartbeat keys
 * come first and by themselves, because the members must not come to differ; then Asterisk's configuration is rendered, all
 * of it or nothing, and only the modules whose files changed are reloaded, ARI last, because we ask through it. While ARI's own
 * password changes, the old one and the new one are both at hand. What fails is told and tried again at the next look; what
 * was there before stays in use until then. Files that somebody changed by hand stay as they are.
 *
 * A folder that `nodectl render` has never written is none of our business: no record in it, nothing is rendered.
 */
import type { AriAccess } from "./adapters/ari-http.ts";
import type { AriModules } from "./adapters/ari-modules.ts";
import { within } from "./adapters/interruptible.ts";
import type { Config, NodeConfig } from "./config.ts";
import type { Failure } from "./core/types.ts";
import { AgentError } from "./errors.ts";
import { say, type Log } from "./log.ts";
import { commit, readManifest, writeManifest, type Manifest } from "./render/commit.ts";
import { changesSince, differs, presentRole } from "./render/plan.ts";
import { reloadFor } from "./render/reload.ts";
import { factsFor, holdTarget, openTemplates, renderFor, type HeldTarget } from "./render/render.ts";
import type { FactSource } from "./render/values.ts";
import type { Secret } from "./secret.ts";

/** One module's reload may take so long (ms): 0.2 s with 1 000 phones, and a database that hangs holds it for some seconds. */
const RELOAD_WITHIN_MS = 10_000;
/** Facts, the folder's lock and the rest of one attempt (ms). */
const ATTEMPT_WITHIN_MS = 30_000;
/** At boot nothing may wait longer than this (ms) for a look at what was rendered last. */
const BOOT_WITHIN_MS = 5_000;
const ARI_MODULE = "res_ari.so";

/** What belongs to a node's rotation, and not to a witness's. */
export interface NodeParts {
  readonly node: NodeConfig;
  /** Shared with everything that talks to ARI. */
  readonly access: AriAccess;
  readonly modules: Pick<AriModules, "reload" | "accepted" | "close">;
  readonly facts: FactSource;
}

export interface RotationParts {
  readonly config: Config;
  readonly log: Log;
  readonly setKeys: (keys: Secret["heartbeatKeys"], dialWith: string) => void;
  /** null on a witness: it has keys and nothing else. */
  readonly node: NodeParts | null;
}

export interface Rotation {
  /** After a start: whatever of this secret did not reach Asterisk while the agent was away. Never rejects: what fails is logged, and resolved with, to be tried again. */
  catchUp(secret: Secret, version: string): Promise<Failure | null>;
  /** Rejects with an AgentError when something has to be tried again; then it is called again. */
  take(secret: Secret, version: string): Promise<void>;
  close(): void;
}

export function makeRotation({ config, log, setKeys, node }: RotationParts): Rotation {
  let keyed: string | null = null;
  return {
    catchUp: async (secret, version) => {
      keyed = version;
      if (node === null || (await readManifest(node.node.render.renderTarget).catch(() => null)) === null) return null;
      try {
        const until = AbortSignal.timeout(BOOT_WITHIN_MS);
        await bringToAsterisk(config, node, log, secret, version, until);
        // Asterisk has not read what an earlier agent rendered, and that agent has taken the old password with it.
        if ((await askAri(node, until)) === "refused" && (await reload(node, ARI_MODULE, until))) say(log, "info", "config-rendered", { modules: [ARI_MODULE] }, "ARI refused the password that was rendered last; Asterisk has now read it.");
        return null;
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        say(log, "error", "config-not-rendered", { err: error }, `The present secret did not reach Asterisk: ${error.message}`);
        return { code: error.code, message: error.message };
      }
    },
    take: async (secret, version) => {
      if (keyed !== version) setKeys(secret.heartbeatKeys, secret.dialWith);
      keyed = version;
      if (node !== null) await bringToAsterisk(config, node, log, secret, version, AbortSignal.timeout(ATTEMPT_WITHIN_MS));
    },
    close: () => node?.modules.close(),
  };
}

async function bringToAsterisk(config: Config, parts: NodeParts, log: Log, secret: Secret, version: string, until: AbortSignal): Promise<void> {
  const target = parts.node.render.renderTarget;
  offerPassword(parts.access, secret);
  const known = await readManifest(target).catch(() => null);
  if (known === null || (known.secretVersion === version && known.reload.length === 0)) return settlePassword(parts, secret, known !== null, until);
  const { node, templates } = await openTemplates(config, null);
  const files = renderFor(config, node, templates, secret, await factsFor(node, templates, parts.facts, until));
  await holdTarget(target, until, async (held) => {
    const plan = await held.plan(files);
    if (plan.before === null) return;
    const { before } = plan;
    const role = await presentRole(target);
    const first = changesSince(plan, before, version, []);
    const todo = reloadFor([...first.write.map((file) => file.name), ...first.remove], role);
    const changes = changesSince(plan, before, version, [...new Set([...before.reload, ...todo.modules])]);
    if (differs(plan, changes)) await commit(target, changes, held.disk);
    const modules = await reloadAll(parts, held, changes.manifest, until);
    const names = [...changes.write.map((file) => file.name), ...changes.remove];
    if (names.length > 0 || modules.length > 0) say(log, "info", "config-rendered", { files: names, modules }, `Asterisk's configuration follows the new secret: ${names.length} file(s) written, ${modules.length} module(s) reloaded.`);
    if (todo.restart.length > 0) say(log, "warn", "config-rendered", { files: todo.restart }, `Only a restart of Asterisk reads ${todo.restart.join(", ")}.`);
  });
  await settlePassword(parts, secret, true, until);
}

/** Reloads what the record asks for, and then takes that out of the record. Resolves with what was reloaded. */
async function reloadAll(parts: NodeParts, { folder, disk }: HeldTarget, manifest: Manifest, until: AbortSignal): Promise<readonly string[]> {
  const reloaded: string[] = [];
  for (const module of manifest.reload) if (await reload(parts, module, until)) reloaded.push(module);
  if (manifest.reload.length > 0) await writeManifest(folder, { ...manifest, reload: [] }, disk);
  return reloaded;
}

/** False when there is nothing to reload: Asterisk does not run, and will read its files when it does, or has no such module. */
async function reload({ modules }: NodeParts, module: string, until: AbortSignal): Promise<boolean> {
  try {
    return await within(RELOAD_WITHIN_MS, until, (signal) => modules.reload(module, signal));
  } catch (error) {
    if (error instanceof AgentError && error.code === "AGENT_PROBE_REFUSED") return false;
    throw error;
  }
}

/** From now on ARI may take either. */
function offerPassword(access: AriAccess, { node }: Secret): void {
  if (node !== null && access.password !== node.ariPassword) access.otherPassword = node.ariPassword;
}

/**
 * Forgets the old password once ARI takes the new one. While Asterisk does not run both stay: its start decides.
 * @param ours false when somebody else keeps ari.conf, who will have it read in their own time
 */
async function settlePassword(parts: NodeParts, { node }: Secret, ours: boolean, until: AbortSignal): Promise<void> {
  const { access } = parts;
  for (const last of [false, true]) {
    if (node === null || (access.otherPassword ?? null) === null) return;
    // The question itself finds out which of the two is taken.
    const answer = await askAri(parts, until);
    if (answer === "accepted" && access.password === node.ariPassword) access.otherPassword = null;
    else if (answer === "away" || (answer === "accepted" && !ours)) return;
    else if (last || !ours) throw new AgentError("AGENT_ARI_DENIED", `ARI takes ${answer === "accepted" ? "the old password still" : "neither the old password nor the new one"}`);
    else await reload(parts, ARI_MODULE, until);
  }
}

async function askAri({ modules }: NodeParts, until: AbortSignal): Promise<"accepted" | "refused" | "away"> {
  try {
    return (await within(RELOAD_WITHIN_MS, until, (signal) => modules.accepted(signal))) ? "accepted" : "refused";
  } catch (error) {
    if (error instanceof AgentError && error.code === "AGENT_PROBE_REFUSED") return "away";
    throw error;
  }
}
