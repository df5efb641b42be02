/**
 * Reloads modules of our own Asterisk through ARI. One case must work when ARI refuses us: its own password has changed on the
 * disk, and Asterisk has not read it yet. Then the control socket is asked, for which no password is needed.
 */
import { AgentError } from "../errors.ts";
import { AriHttp, expectSuccess, type AriAccess } from "./ari-http.ts";
import type { AsteriskControl } from "./asterisk-control.ts";

export class AriModules {
  readonly #http: AriHttp;
  readonly #control: Pick<AsteriskControl, "run" | "close">;

  /** @throws AGENT_CONFIG_INVALID when the address isn't plain http */
  constructor(access: AriAccess, control: Pick<AsteriskControl, "run" | "close">) {
    this.#http = new AriHttp(access, 1);
    this.#control = control;
  }

  /**
   * Has a module read its files again. False when this Asterisk has not loaded it.
   * @throws AGENT_PROBE_REFUSED when Asterisk does not run (it reads its files when it starts), AGENT_PROBE_TIMEOUT, AGENT_ARI_FAILED
   */
  async reload(module: string, signal: AbortSignal): Promise<boolean> {
    const reply = await this.#http.ask({ method: "PUT", path: `/ari/asterisk/modules/${encodeURIComponent(module)}` }, signal);
    if (reply.status === 404) return false;
    if (reply.status === 401) return this.#reloadByControl(module, signal);
    expectSuccess(`the reload of ${module}`, reply);
    return true;
  }

  /** Does ARI take our password? @throws as reload() */
  async accepted(signal: AbortSignal): Promise<boolean> {
    const reply = await this.#http.ask({ method: "GET", path: "/ari/asterisk/ping" }, signal);
    if (reply.status === 401) return false;
    expectSuccess("ARI ping", reply);
    return true;
  }

  close(): void {
    this.#http.close();
    this.#control.close();
  }

  async #reloadByControl(module: string, signal: AbortSignal): Promise<boolean> {
    const output = await this.#control.run(`module reload ${module}`, signal);
    if (/No such module/i.test(output)) return false;
    if (!/reload(?:ed|ing)|queued/i.test(output)) throw new AgentError("AGENT_ARI_FAILED", `Asterisk did not reload ${module}: ${output.trim().slice(0, 200)}`);
    return true;
  }
}
