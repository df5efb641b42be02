/** The doctor's world over the agent's own adapters. Wiring only. */
import { mkdir, statfs } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { AriExamination } from "../adapters/ari-examination.ts";
import { HISTORY_FILE, readHistory } from "../adapters/file-history.ts";
import { writeFileAtomically } from "../adapters/atomic-file.ts";
import { clockAheadMs } from "../adapters/http-date.ts";
import { Imds } from "../adapters/imds.ts";
import { knock } from "../adapters/link-knock.ts";
import { SocketProber } from "../adapters/socket-prober.ts";
import { assembleAccess, assembleAws, assembleCloud, assembleColdCloud, assembleSecrets, type Aws } from "../assemble.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { AgentError } from "../errors.ts";
import { OPERATOR_SOCKET } from "../operator-socket.ts";
import { parseSecret } from "../secret.ts";
import { askAgent } from "./ask-agent.ts";
import { ASK_WITHIN_MS, type DoctorWorld, type StatePort } from "./world.ts";

/** What must be let go of afterwards. */
export interface Assembled {
  readonly world: DoctorWorld;
  readonly close: () => void;
}

export function assembleDoctor(config: Config, software: string): Assembled {
  const aws = assembleAws(config);
  const { node, core } = config;
  const imds = new Imds({ monotonicMs: () => systemClock.monotonicMs(), environment: process.env });
  const facts = once(() => imds.readNodeFacts(AbortSignal.timeout(ASK_WITHIN_MS)));
  const secret = once(async () => {
    const { text, version } = await assembleSecrets(config, aws).fetch(AbortSignal.timeout(ASK_WITHIN_MS));
    return { secret: parseSecret(text, core.kind), version };
  });
  const cold = assembleColdCloud(config, aws);
  const cloud = cold !== null ? () => Promise.resolve(cold) : node === null || aws === null ? null : once(async () => assembleCloud(config, aws, node.instanceId ?? (await facts()).instanceId));
  const world: DoctorWorld = {
    config, secret, software,
    agent: once(() => askAgent(join(config.stateDir, OPERATOR_SOCKET))),
    imds: node === null ? null : facts,
    cloud,
    ec2: aws === null ? null : ec2Of(aws),
    prober: new SocketProber(),
    knock: (member, keyId, key, signal) => knock({ clusterId: core.clusterId, nodeId: core.nodeId, member, ...(config.members.get(member) ?? { host: "", port: 0 }), keyId, key }, signal),
    asterisk: node === null ? null : async () => {
      const access = assembleAccess(config, (await secret()).secret);
      if (access === null) throw new AgentError("AGENT_SECRET_INVALID", "the secret has nothing for a node");
      return new AriExamination(access, node.asteriskControlSocket);
    },
    state: stateOf(config),
    listen: tryListening,
  };
  return { world, close: () => { aws?.connection.close(); } };
}

/** Asked at most once: several checks want the same answer. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => (answer ??= ask());
}

function ec2Of({ region }: Aws): NonNullable<DoctorWorld["ec2"]> {
  const given = process.env["AWS_ENDPOINT_URL_EC2"] ?? process.env["AWS_ENDPOINT_URL"];
  const url = given ?? `https://ec2.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  return { url, connect: (localAddress, signal) => connectTo(new URL(url), localAddress, signal), clockAheadMs: (localAddress, signal) => clockAheadMs(url, localAddress, () => systemClock.wallMs(), signal) };
}

function connectTo(url: URL, localAddress: string | null, signal: AbortSignal): Promise<{ readonly remoteAddress: string }> {
  const port = url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port, ...(localAddress === null ? {} : { localAddress }) });
    const late = (): void => { socket.destroy(new Error("no answer in time")); };
    const timer = setTimeout(late, ASK_WITHIN_MS);
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", late);
      socket.destroy();
    };
    signal.addEventListener("abort", late, { once: true });
    socket.once("connect", () => { const remoteAddress = socket.remoteAddress ?? ""; end(); resolve({ remoteAddress }); });
    socket.once("error", (error) => { end(); reject(new AgentError("AGENT_CLOUD_UNREACHABLE", `${url.host}${localAddress === null ? "" : ` from ${localAddress}`}: ${error.message}`, error)); });
  });
}

function stateOf({ stateDir }: Config): StatePort {
  return {
    write: async () => {
      try {
        await mkdir(stateDir, { recursive: true, mode: 0o750 });
        await writeFileAtomically(join(stateDir, "doctor.json"), `${JSON.stringify({ at: new Date().toISOString() })}\n`);
      } catch (error) {
        throw new AgentError("AGENT_STATE_UNWRITABLE", `${stateDir}: ${error instanceof Error ? error.message : String(error)}`, error);
      }
    },
    freeBytes: async () => {
      try {
        const { bavail, blocks, bsize } = await statfs(stateDir);
        return { free: bavail * bsize, total: blocks * bsize };
      } catch (error) {
        throw new AgentError("AGENT_STATE_UNWRITABLE", `${stateDir}: ${error instanceof Error ? error.message : String(error)}`, error);
      }
    },
    history: async () => {
      const moves = await readHistory(join(stateDir, HISTORY_FILE));
      return moves === "damaged" ? moves : moves.length;
    },
  };
}

function tryListening(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => { reject(new AgentError("AGENT_LISTEN_FAILED", `${host}:${port} can't be had: ${error.message}`, error)); });
    server.listen(port, host, () => { server.close(() => { resolve(); }); });
  });
}
