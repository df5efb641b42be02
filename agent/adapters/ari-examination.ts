/** Looks at our own Asterisk without holding an event socket, for `nodectl doctor`: a second session would evict the agent's. */
import { AgentError } from "../errors.ts";
import { AriHttp, expectSuccess, type AriAccess, type AriReply } from "./ari-http.ts";
import { AsteriskControl } from "./asterisk-control.ts";
import { StasisRegistry } from "./stasis-registry.ts";

export class AriExamination {
  readonly #http: AriHttp;
  readonly #control: AsteriskControl;
  readonly #registry: StasisRegistry;

  /** @throws AGENT_CONFIG_INVALID when the address isn't plain http */
  constructor(access: AriAccess, controlSocket: string) {
    this.#http = new AriHttp(access, 4);
    this.#control = new AsteriskControl(controlSocket);
    this.#registry = new StasisRegistry(access, this.#control);
  }

  /** @throws AGENT_PROBE_REFUSED, AGENT_PROBE_TIMEOUT, AGENT_ARI_DENIED, AGENT_ARI_FAILED; so do the others */
  async ping(signal: AbortSignal): Promise<void> {
    expectSuccess("ARI ping", await this.#http.ask({ method: "GET", path: "/ari/asterisk/ping" }, signal));
  }

  async version(signal: AbortSignal): Promise<string> {
    const reply = await this.#http.ask({ method: "GET", path: "/ari/asterisk/info?only=system" }, signal);
    expectSuccess("ARI info", reply);
    return textIn(reply, "ARI info", (value) => (value["system"] as Readonly<Record<string, unknown>> | undefined)?.["version"]);
  }

  /** Asterisk's word for the module's state; null when it is not loaded. */
  async moduleState(module: string, signal: AbortSignal): Promise<string | null> {
    const reply = await this.#http.ask({ method: "GET", path: `/ari/asterisk/modules/${encodeURIComponent(module)}` }, signal);
    // 409: it is in Asterisk's list and not running.
    if (reply.status === 404 || reply.status === 409) return null;
    expectSuccess(`ARI module ${module}`, reply);
    return textIn(reply, `ARI module ${module}`, (value) => value["status"]);
  }

  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean> {
    return this.#registry.isRegistered(app, signal);
  }

  async control(signal: AbortSignal): Promise<void> {
    await this.#control.run("core show uptime seconds", signal);
  }

  close(): void {
    this.#http.close();
    this.#registry.close();
    this.#control.close();
  }
}

function textIn(reply: AriReply, what: string, pick: (value: Readonly<Record<string, unknown>>) => unknown): string {
  try {
    const value: unknown = JSON.parse(reply.text);
    const text = typeof value === "object" && value !== null ? pick(value as Readonly<Record<string, unknown>>) : undefined;
    if (typeof text === "string") return text.slice(0, 100);
  } catch {
    // Told below, in the same words.
  }
  throw new AgentError("AGENT_ARI_FAILED", `${what}: the answer is not what it should be`);
}
