/** Settings that are enough for a node and for a witness: tests start from them and change what they are about. */
import { AgentError } from "../../agent/errors.ts";
import { loadConfig, type Config } from "../../agent/config.ts";

export const NODE_SETTINGS: Readonly<Record<string, string>> = {
  CLUSTER_ID: "aicc-test",
  NODE_ID: "node-a",
  PEERS: "node-b=10.0.2.10:8090",
  AWS_REGION: "eu-central-1",
  EIP_ALLOCATION_ID: "eipalloc-0a",
  PEER_INSTANCES: "node-b=i-0b",
  SECRET_ID: "aicc-test/asterisk",
};

export const WITNESS_SETTINGS: Readonly<Record<string, string>> = {
  ROLE: "witness",
  CLUSTER_ID: "aicc-test",
  NODE_ID: "witness-1",
  PEERS: "node-a=10.0.1.10:8090,node-b=10.0.2.10:8090",
  SECRETS_FILE: "/etc/asterisk-node-agent/secret.json",
  REFERENCE_PRIVATE: "10.0.3.2:53",
  REFERENCE_PUBLIC: "192.0.2.1:443",
};

/** What a witness needs besides, to start a stopped standby. */
export const COLD_SETTINGS: Readonly<Record<string, string>> = { COLD_STANDBY: "true", AWS_REGION: "eu-central-1", EIP_ALLOCATION_ID: "eipalloc-0a", PEER_INSTANCES: "node-a=i-0a,node-b=i-0b" };

/** The configuration of a witness that starts a stopped standby; undefined takes a setting out. */
export function coldWitnessConfig(changes: Readonly<Record<string, string | undefined>> = {}): Config {
  return loadConfig({ file: { ...WITNESS_SETTINGS, ...COLD_SETTINGS, ...changes }, process: {} }, "1.2.3");
}

/** The configuration of a node whose file has these settings besides NODE_SETTINGS; undefined takes one out. */
export function nodeConfig(changes: Readonly<Record<string, string | undefined>> = {}): Config {
  return loadConfig({ file: { ...NODE_SETTINGS, ...changes }, process: {} }, "1.2.3");
}

/** The same settings with one taken out. */
export function without(settings: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).filter(([each]) => each !== name));
}

/** The lines in which loading told its problems; none when it was content. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.message.split("\n").slice(1).map((line) => line.trim());
  }
}
