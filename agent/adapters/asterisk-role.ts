/**
 * Turns our own Asterisk to a role: the link `role` in its configuration's folder says whose files it reads, and three reloads have
 * it read them. The link is turned in one step and also while Asterisk is away, which then reads the right files when it starts.
 *
 * The way from active to standby has a stop in between, `leaving`: the carriers' passwords go first, and the registrations then. Asterisk
 * says goodbye to a carrier with an un-REGISTER, whose Contact is the new active's too. Without a password it fails at the
 * carrier's challenge and erases nothing. Registering again afterwards would be too late: Asterisk 22 sends no REGISTER sooner than a
 * second after it was told to, and an un-REGISTER before it if it was registered (res_pjsip_outbound_registration).
 */
import { lstat, open, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { AsteriskRole } from "../ports.ts";
import type { AriModules } from "./ari-modules.ts";

/** Registrations first, because callers wait for them; the tables' names before the module that reads the tables. */
const MODULES = ["res_pjsip_outbound_registration.so", "extconfig", "res_pjsip.so"];
/** What reads passwords. It reads registrations too, and leaves those alone that have not changed. */
const PASSWORDS = ["res_pjsip.so"];
const LINK = "role";
const ROLES = "roles";
const LEAVING = "leaving";
type Folder = "active" | "standby" | typeof LEAVING;

export interface AsteriskRoleOptions {
  /** Where `nodectl render` writes. */
  readonly folder: string;
  readonly modules: Pick<AriModules, "reload" | "close">;
}

export class LinkedAsteriskRole implements AsteriskRole {
  readonly #options: AsteriskRoleOptions;

  constructor(options: AsteriskRoleOptions) {
    this.#options = options;
  }

  /**
   * @throws AGENT_RENDER_UNWRITABLE when the link can't be turned; AGENT_PROBE_TIMEOUT, AGENT_ARI_DENIED or AGENT_ARI_FAILED
   * (409 among them: another reload is under way) when Asterisk did not read the files: then again, from the beginning
   */
  async apply(role: "active" | "standby", signal: AbortSignal): Promise<void> {
    if (!(await this.#has(role))) return;
    const { folder } = this.#options;
    const present = await readlink(join(folder, LINK)).catch(() => null);
    const registered = present === linkTo("active") || present === linkTo(LEAVING);
    if (role === "standby" && registered && (await this.#has(LEAVING))) await this.#turn(LEAVING, PASSWORDS, signal);
    await this.#turn(role, MODULES, signal);
  }

  close(): void {
    this.#options.modules.close();
  }

  async #turn(to: Folder, modules: readonly string[], signal: AbortSignal): Promise<void> {
    goOn(signal);
    await turnLink(this.#options.folder, to);
    try {
      for (const module of modules) {
        goOn(signal);
        await this.#options.modules.reload(module, signal);
      }
    } catch (error) {
      // Asterisk does not run: it will read the right files when it starts.
      if (!(error instanceof AgentError && error.code === "AGENT_PROBE_REFUSED")) throw error;
    }
  }

  #has(folder: Folder): Promise<boolean> {
    return lstat(join(this.#options.folder, ROLES, folder)).then((facts) => facts.isDirectory(), () => false);
  }
}

const linkTo = (folder: Folder): string => `${ROLES}/${folder}`;

async function turnLink(folder: string, to: Folder): Promise<void> {
  const next = join(folder, ".role");
  try {
    await rm(next, { force: true }); // What a crash has left.
    await symlink(linkTo(to), next);
    await rename(next, join(folder, LINK));
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    throw new AgentError("AGENT_RENDER_UNWRITABLE", `the link to the files in ${linkTo(to)} can't be turned in ${folder} (${cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"})`, cause);
  }
}

function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new AgentError("AGENT_PROBE_TIMEOUT", "Asterisk was not turned to its role in time");
}
