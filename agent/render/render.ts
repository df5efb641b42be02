/**
 * One render from its parts: templates, settings, a secret and facts make the files; a folder takes them. `nodectl render`
 * and the running agent both go through here, so that they can't come to differ.
 */
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Config, NodeConfig } from "../config.ts";
import { AgentError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { TEMPLATES_FOLDER } from "../templates-folder.ts";
import { completePending } from "./commit.ts";
import { makeDisk, ownershipFor, unwritable, type Disk, type Ownership, type Probe } from "./disk.ts";
import { lockFolder } from "./lock.ts";
import { makePlan, ROLE_LINK, type Plan } from "./plan.ts";
import { readTemplates, renderAll, ROLES, wantedBy, type NamedTemplate, type RenderedFile } from "./rendering.ts";
import { collectValues, readFacts, type Facts, type FactSource } from "./values.ts";

/** Of a node, not of a witness. */
export interface OpenTemplates {
  readonly node: NodeConfig;
  readonly templates: readonly NamedTemplate[];
}

/** A node's templates, read once. @throws AGENT_CONFIG_INVALID on a witness, AGENT_RENDER_INVALID */
export async function openTemplates(config: Config, folder: string | null): Promise<OpenTemplates> {
  if (config.node === null) throw new AgentError("AGENT_CONFIG_INVALID", "A witness (ROLE=witness) has no Asterisk, so there is nothing to render.");
  return { node: config.node, templates: await readTemplates(folder ?? config.node.render.renderTemplates ?? TEMPLATES_FOLDER) };
}

/** Asks for what the templates want and no knob gives. Rejects with AgentErrors of the sources. */
export function factsFor(node: NodeConfig, templates: readonly NamedTemplate[], source: FactSource, signal: AbortSignal): Promise<Facts> {
  return readFacts(node, wantedBy(templates), source, signal);
}

/** All files in memory. @throws AGENT_RENDER_INVALID */
export function renderFor(config: Config, node: NodeConfig, templates: readonly NamedTemplate[], secret: Secret, facts: Facts): readonly RenderedFile[] {
  if (secret.node === null) throw new AgentError("AGENT_INVARIANT_BROKEN", "a secret that was read for a witness can't be rendered");
  return renderAll(templates, collectValues(config, node, secret.node, facts));
}

/** What may be done with the folder while it is ours. */
export interface HeldTarget {
  readonly folder: string;
  readonly disk: Disk;
  readonly owner: Ownership;
  /** An earlier render had decided a change and not completed it; now it is. */
  readonly completed: boolean;
  plan(files: readonly RenderedFile[]): Promise<Plan>;
}

/** Compares without touching anything and without the lock. */
export async function planOnly(folder: string, files: readonly RenderedFile[]): Promise<Plan> {
  return makePlan(folder, files, await ownerOf(folder));
}

/**
 * Takes the folder for itself, completes what an earlier render left, does the work, and lets go.
 * @param until ends waiting for another render
 * @param probe for tests: see disk.ts
 * @throws AGENT_RENDER_UNWRITABLE, and what `work` throws
 */
export async function holdTarget<T>(folder: string, until: AbortSignal, work: (target: HeldTarget) => Promise<T>, probe?: Probe): Promise<T> {
  const letGo = await lockFolder(folder, until);
  try {
    const owner = await ownerOf(folder);
    const disk = makeDisk(owner, probe);
    const completed = await completePending(folder, disk);
    return await work({ folder, disk, owner, completed, plan: (files) => makePlan(folder, files, owner) });
  } finally {
    await letGo();
  }
}

async function ownerOf(folder: string): Promise<Ownership> {
  return ownershipFor(folder).catch((error: unknown) => {
    throw unwritable(folder, "reading", error);
  });
}

/** The role of a node whose Asterisk does not run: whoever was active before may not be now, and the agent tells it otherwise. */
const FIRST_ROLE = "standby";

/**
 * Points the link `role` at the standby's files, in one step.
 * @param evenIfThere false leaves a link that is there as it is: while the agent runs, only the agent turns it
 * @returns whether it was changed
 */
export async function resetRole({ folder, disk }: Pick<HeldTarget, "folder" | "disk">, evenIfThere: boolean): Promise<boolean> {
  const path = join(folder, ROLE_LINK);
  const wanted = `${ROLES}/${FIRST_ROLE}`;
  const present = await readlink(path).catch(() => null);
  if (present === wanted || (present !== null && !evenIfThere)) return false;
  const temporary = join(folder, `.render-${ROLE_LINK}`);
  await disk.remove(temporary);
  await disk.link(wanted, temporary);
  await disk.rename(temporary, path);
  await disk.syncFolder(folder);
  return true;
}
