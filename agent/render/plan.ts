/**
 * What a render would change: the files in memory against those in the target folder. Files of an earlier render that no
 * template makes any more go, unless somebody has changed them since; files that no render ever made are left alone.
 */
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { hashOf, readManifest, type Changes, type Manifest } from "./commit.ts";
import { FILE_MODE, textOf, type Ownership } from "./disk.ts";
import { ROLES, type RenderedFile } from "./rendering.ts";

export interface PlannedFile extends RenderedFile {
  /** What is there now; null when nothing is. */
  readonly present: string | null;
  /** `owned`: only mode or group differ. */
  readonly state: "new" | "changed" | "owned" | "same";
}

export interface Plan {
  readonly files: readonly PlannedFile[];
  /** Files of an earlier render that go, with their texts. */
  readonly removed: readonly { readonly name: string; readonly present: string }[];
  /** The same, but changed by hand since, so they stay. */
  readonly kept: readonly string[];
  /** null when this folder was never rendered. */
  readonly before: Manifest | null;
}

/** Compares; reads only. @throws AGENT_RENDER_UNWRITABLE when something can't be read */
export async function makePlan(target: string, rendered: readonly RenderedFile[], owner: Ownership): Promise<Plan> {
  const before = await readManifest(target);
  const files = await Promise.all(rendered.map(async (file): Promise<PlannedFile> => {
    const present = await textOf(join(target, file.name));
    const owned = present !== null && present.mode === FILE_MODE && (owner.gid === null || present.gid === owner.gid);
    const state = present === null ? "new" : present.text !== file.text ? "changed" : owned ? "same" : "owned";
    return { ...file, present: present?.text ?? null, state };
  }));
  const names = new Set(rendered.map((file) => file.name));
  const removed: { name: string; present: string }[] = [];
  const kept: string[] = [];
  for (const [name, hash] of Object.entries(before?.files ?? {})) {
    const present = names.has(name) ? null : await textOf(join(target, name));
    if (present === null) continue;
    if (hashOf(present.text) === hash) removed.push({ name, present: present.text });
    else kept.push(name);
  }
  return { files, removed, kept, before };
}

/** The changes that make the folder as it was rendered. */
export function changesOf(plan: Plan, secretVersion: string): Changes {
  return { write: plan.files.filter((file) => file.state !== "same"), remove: plan.removed.map((file) => file.name), manifest: manifestOf(plan, secretVersion, []) };
}

/**
 * Only what the last render would have made otherwise: what somebody changed by hand since stays as it is, until the machine
 * boots. For the running agent.
 */
export function changesSince(plan: Plan, before: Manifest, secretVersion: string, reload: readonly string[]): Changes {
  const write = plan.files.filter((file) => file.state !== "same" && before.files[file.name] !== hashOf(file.text));
  return { write, remove: plan.removed.map((file) => file.name), manifest: manifestOf(plan, secretVersion, reload) };
}

/** Is there anything to write, be it the record alone? */
export function differs(plan: Plan, { write, remove, manifest }: Changes): boolean {
  return write.length > 0 || remove.length > 0 || !isDeepStrictEqual(plan.before, manifest);
}

function manifestOf(plan: Plan, secretVersion: string, reload: readonly string[]): Manifest {
  return { format: 1, secretVersion, files: Object.fromEntries(plan.files.map((file) => [file.name, hashOf(file.text)])), reload: [...reload] };
}

/** The name of the link to the files of the present role. */
export const ROLE_LINK = "role";

/** The folder under roles/ that `role` points at; null when there is no such link. */
export async function presentRole(target: string): Promise<string | null> {
  const to = await readlink(join(target, ROLE_LINK)).catch(() => null);
  return to?.startsWith(`${ROLES}/`) === true ? to.slice(ROLES.length + 1) : null;
}
