/** An agent's rotation of its secret, with real files and an Asterisk that is told of in lines. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AriAccess } from "../../agent/adapters/ari-http.ts";
import { AgentError } from "../../agent/errors.ts";
import { openLog } from "../../agent/log.ts";
import { commit, readManifest, type Manifest } from "../../agent/render/commit.ts";
import { changesOf } from "../../agent/render/plan.ts";
import { factsFor, holdTarget, openTemplates, renderFor } from "../../agent/render/render.ts";
import type { FactSource } from "../../agent/render/values.ts";
import { makeRotation, type Rotation } from "../../agent/rotation.ts";
import { parseSecret, type Secret } from "../../agent/secret.ts";
import { nodeConfig } from "./settings.ts";
import { temporaryFolder } from "./temporary-folder.ts";


/** The first key of the heartbeats. */
export const KEY = randomBytes(32).toString("base64");
/** The secret that the folder is rendered from; v1. */
export const FIRST = { ari_password: "ari-one", heartbeat_keys: { k1: KEY }, username: "dbuser", password: "db-one" };
export const secretOf = (fields: object): Secret => parseSecret(JSON.stringify(fields), "node");
const never = new AbortController().signal;

/** An Asterisk: which ARI password it takes, what it was asked to reload, and how it fails. */
class ToldAsterisk {
  readonly reloads: string[] = [];
  accepts: string;
  /** Taken when res_ari.so is reloaded. */
  onDisk: string;
  runs = true;
  failing: string | null = null;

  constructor(password: string) {
    this.accepts = password;
    this.onDisk = password;
  }

  reload(module: string): Promise<boolean> {
    if (!this.runs) return Promise.reject(new AgentError("AGENT_PROBE_REFUSED", "nothing listens there"));
    if (this.failing === module) return Promise.reject(new AgentError("AGENT_ARI_FAILED", `the reload of ${module} was answered with 409`));
    this.reloads.push(module);
    if (module === "res_ari.so") this.accepts = this.onDisk;
    return Promise.resolve(true);
  }

  /** As AriHttp does it. */
  accepted(access: AriAccess): Promise<boolean> {
    if (!this.runs) return Promise.reject(new AgentError("AGENT_PROBE_REFUSED", "nothing listens there"));
    if (access.password === this.accepts) return Promise.resolve(true);
    if (access.otherPassword !== this.accepts) return Promise.resolve(false);
    Object.assign(access, { password: access.otherPassword, otherPassword: access.password });
    return Promise.resolve(true);
  }
}

/** What a test changes and looks at. */
export interface RotationWorld {
  readonly target: string;
  readonly asterisk: ToldAsterisk;
  readonly access: AriAccess;
  readonly rotation: Rotation;
  readonly keys: string[];
  readonly log: () => string;
  readonly events: () => readonly string[];
  readonly manifest: () => Promise<Manifest | null>;
  readonly file: (name: string) => Promise<string>;
}

/** A folder that is rendered (or, on request, never was), an Asterisk that has read it, and the rotation between them; removed after the test. */
export async function rotationWorld(context: TestContext, options: { readonly rendered?: boolean; readonly facts?: FactSource; readonly settings?: Readonly<Record<string, string>> } = {}): Promise<RotationWorld> {
  const temporary = await temporaryFolder();
  const { path: folder } = temporary;
  context.after(() => temporary.remove());
  const target = join(folder, "etc");
  await mkdir(target);
  const config = nodeConfig({ RENDER_TARGET: target, ELASTIC_IP: "198.51.100.7", LOCAL_NET: "10.0.0.0/16", INCOMING_APP: "app", DATABASE_HOST: "db.example.com", ...options.settings });
  const lines: string[] = [];
  const log = openLog({ level: "debug", clusterId: "c", nodeId: "node-a", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { lines.push(line); } } });
  const facts = options.facts ?? { elasticIp: () => Promise.reject(new Error("not asked")), localNet: () => Promise.reject(new Error("not asked")) };
  if (options.rendered !== false) {
    const { node, templates } = await openTemplates(config, null);
    await holdTarget(target, never, async (held) => {
      const files = renderFor(config, node, templates, secretOf(FIRST), await factsFor(node, templates, facts, never));
      await commit(target, changesOf(await held.plan(files), "v1"), held.disk);
    });
    await symlink("roles/active", join(target, "role"));
  }
  const asterisk = new ToldAsterisk("ari-one");
  const access: AriAccess = { url: "http://127.0.0.1:8088", username: "agent", password: "ari-one", otherPassword: null };
  const keys: string[] = [];
  const { node } = config;
  assert.ok(node !== null);
  const rotation = makeRotation({
    config, log, setKeys: (all, dialWith) => { keys.push(`${[...all.keys()].join("+")} dial ${dialWith}`); },
    node: { node, access, facts, modules: { reload: (module) => asterisk.reload(module), accepted: () => asterisk.accepted(access), close: () => undefined } },
  });
  return {
    target, asterisk, access, rotation, keys,
    log: () => lines.join(""),
    events: () => lines.map((line) => (JSON.parse(line) as { readonly event: string }).event),
    manifest: () => readManifest(target),
    file: (name) => readFile(join(target, name), "utf8"),
  };
}
