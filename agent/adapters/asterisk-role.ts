/**
 * Turns our own Asterisk to a role: the link `role` in its configuration's folder says whose files it reads, and three reloads have
 * it read them. The link is turned in one step and also while Asterisk is away, which then reads the right files when it starts.
 */
import { lstat, open, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { AsteriskRole } from "../ports.ts";
import type { AriModules } from "./ari-modules.ts";
import type { AsteriskControl } from "./asterisk-control.ts";

/** Registrations first, because callers wait for them; the tables' names before the module that reads the tables. */
const MODULES = ["res_pjsip_outbound_registration.so", "extconfig", "res_pjsip.so"];

export interface AsteriskRoleOptions {
  /** Where `nodectl render` writes. */
  readonly folder: string;
  readonly modules: Pick<AriModules, "reload" | "close">;
  readonly control: Pick<AsteriskControl, "run" | "close">;
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
    if (!(await this.#isOurs(role))) return;
    goOn(signal);
    await turnLink(this.#options.folder, role);
    try {
      for (const module of MODULES) {
        goOn(signal);
        await this.#options.modules.reload(module, signal);
      }
    } catch (error) {
      // Asterisk does not run: it will read the right files when it starts.
      if (!(error instanceof AgentError && error.code === "AGENT_PROBE_REFUSED")) throw error;
    }
  }

  /** @throws AGENT_PROBE_REFUSED when Asterisk does not run, AGENT_PROBE_TIMEOUT, AGENT_ARI_FAILED */
  async registerTrunks(signal: AbortSignal): Promise<void> {
    if (!(await this.#isOurs("active"))) return;
    const reply = await this.#options.control.run("pjsip send register *all", signal);
    if (/No such command/i.test(reply)) throw new AgentError("AGENT_ARI_FAILED", "Asterisk does not know `pjsip send register`: is res_pjsip_outbound_registration loaded?");
  }

  close(): void {
    this.#options.modules.close();
    this.#options.control.close();
  }

  #isOurs(role: "active" | "standby"): Promise<boolean> {
    return lstat(join(this.#options.folder, "roles", role)).then((facts) => facts.isDirectory(), () => false);
  }
}

async function turnLink(folder: string, role: "active" | "standby"): Promise<void> {
  const next = join(folder, ".role");
  try {
    await rm(next, { force: true }); // What a crash has left.
    await symlink(`roles/${role}`, next);
    await rename(next, join(folder, "role"));
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    throw new AgentError("AGENT_RENDER_UNWRITABLE", `the link to the files of the ${role} can't be turned in ${folder} (${cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"})`, cause);
  }
}

function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new AgentError("AGENT_PROBE_TIMEOUT", "Asterisk was not turned to its role in time");
}
