/** keepalived from Debian's packages, beside the same Asterisk in the same namespace. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESS, AWS_PORT, IMDS_ADDRESS, type NodeName } from "../../support/lab/addresses.ts";
import { ALLOCATION, instanceOf, type Pair } from "../../support/lab/pair.ts";
import type { LabProcess } from "../../support/lab/process.ts";
import { rootedCommand } from "../../support/lab/rooted.ts";
import { ensureRoot } from "../../support/lab/roots.ts";
import type { Contender } from "./contender.ts";
import { bundleClaim, checkScript, claimScript, keepalivedConf, RIVAL_FOLDER } from "./keepalived-files.ts";

const REGION = "eu-central-1";
const ROOT_ONLY = 0o700;

type VrrpState = "MASTER" | "BACKUP" | "FAULT" | null;

/** The last state that it has logged. */
function stateIn(log: string): VrrpState {
  return ([...log.matchAll(/Entering (MASTER|BACKUP|FAULT) STATE/g)].at(-1)?.[1] ?? null) as VrrpState;
}

export function keepalivedContender(): Contender {
  const processes = new Map<NodeName, LabProcess>();
  const running = (): readonly (readonly [NodeName, LabProcess])[] => [...processes].filter(([, process]) => process.running());
  const processOn = (node: NodeName): LabProcess => {
    const found = processes.get(node);
    if (found === undefined) throw new Error(`no keepalived was started on ${node}`);
    return found;
  };
  return {
    name: "keepalived",
    processOn,
    async start(pair, node) {
      processes.set(node, await startKeepalived(pair, node));
    },
    actives: () => Promise.resolve(running().filter(([, process]) => stateIn(process.log()) === "MASTER").map(([node]) => node)),
    isSteady(pair, active) {
      const states = running().map(([node, process]) => [node, stateIn(process.log()), process.log().includes("Script `ari` now returning 0") || process.log().includes("VRRP_Script(ari) succeeded")] as const);
      const fit = states.every(([node, state, checked]) => checked && state === (node === active ? "MASTER" : "BACKUP"));
      return Promise.resolve(fit && states.length === pair.nodes.size);
    },
    async stop() {
      for (const process of processes.values()) process.kill("SIGKILL");
      for (const process of processes.values()) await process.exited;
      processes.clear();
    },
  };
}

async function startKeepalived(pair: Pair, node: NodeName): Promise<LabProcess> {
  const [first] = pair.nodes.keys();
  const peer = [...pair.nodes.keys()].find((name) => name !== node) ?? node;
  const folder = join(pair.lab.dir, `keepalived-${node}`);
  const etc = join(folder, "etc");
  await rm(etc, { recursive: true, force: true });
  for (const path of [etc, join(folder, "mount")]) await mkdir(path, { recursive: true });
  const environment = {
    AWS_REGION: REGION, AWS_ENDPOINT_URL: `http://${ADDRESS.aws}:${AWS_PORT}`, AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${IMDS_ADDRESS[node]}`,
    ALLOCATION_ID: ALLOCATION, INSTANCE_ID: instanceOf(node),
  };
  await bundleClaim(join(etc, "claim.cjs"));
  await writeFile(join(etc, "keepalived.conf"), keepalivedConf(node, peer, node === first ? 101 : 100));
  await writeFile(join(etc, "check-ari"), checkScript("agent", pair.secret.ari_password));
  await writeFile(join(etc, "claim"), claimScript(environment));
  for (const script of ["check-ari", "claim"]) await chmod(join(etc, script), ROOT_ONLY);
  const rooted = rootedCommand({
    root: await ensureRoot("telephony"),
    mountpoint: join(folder, "mount"),
    hostname: node,
    binds: { [etc]: RIVAL_FOLDER, [process.execPath]: "/usr/bin/node" },
    command: "keepalived",
    args: ["--dont-fork", "--log-console", "--log-detail", "--use-file", `${RIVAL_FOLDER}/keepalived.conf`],
  });
  return pair.lab.spawn(node, rooted.command, rooted.args, { name: "keepalived" });
}
