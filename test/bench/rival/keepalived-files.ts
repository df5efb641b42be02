/**
 * The rival's files, as a careful engineer would write them after the well-known guides for keepalived on EC2: unicast
 * VRRP, because a VPC carries no multicast; `nopreempt`, so that a node which returns does not take the address back; a
 * check of Asterisk over ARI each second; and a notify script that moves the address in one call. Where the lab had a
 * choice it was made in the rival's favour: the check is a shell built-in rather than a curl, the claim is a bundled
 * program that starts in a fifth of the AWS command line's time, tries five times, and gives up hung calls early.
 */
import { join } from "node:path";
import { build } from "esbuild";
import { ADDRESS, type NodeName } from "../../support/lab/addresses.ts";
import { REPOSITORY } from "../../support/lab/roots.ts";

/** keepalived's own defaults and the guides' values; in the results, because a figure is worth nothing without them. */
export const RIVAL_SETTINGS = "VRRP version 3, unicast, advert_int 1 (the default), priorities 101 and 100, both `state BACKUP` with `nopreempt`; ARI ping each second, one second to answer, fall 2, rise 2; notify_master calls AssociateAddress once with AllowReassociation, through the AWS SDK with up to 5 attempts (standard retry) of at most 5 s each";

/** Where the files lie in the node's root. */
export const RIVAL_FOLDER = "/opt/elastic-ip";

export function keepalivedConf(node: NodeName, peer: NodeName, priority: number): string {
  return `global_defs {
    router_id ${node}
    vrrp_version 3
    script_user root
    enable_script_security
}
vrrp_script ari {
    script "${RIVAL_FOLDER}/check-ari"
    interval 1
    timeout 2
    fall 2
    rise 2
}
vrrp_instance elastic_ip {
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority ${priority}
    advert_int 1
    unicast_src_ip ${ADDRESS[node]}
    unicast_peer {
        ${ADDRESS[peer]}
    }
    # keepalived wants an address of its own to hold; this one means nothing to anybody.
    virtual_ipaddress {
        169.254.200.51/32 dev lo
    }
    track_script {
        ari
    }
    notify_master "${RIVAL_FOLDER}/claim"
}
`;
}

/** Asks Asterisk's ARI for a ping; bash alone does it, without starting another program. */
export function checkScript(user: string, password: string): string {
  const authorization = Buffer.from(`${user}:${password}`).toString("base64");
  return `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/8088 || exit 1
printf 'GET /ari/asterisk/ping HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Basic ${authorization}\\r\\nConnection: close\\r\\n\\r\\n' >&3
read -r -t 1 -u 3 status || exit 1
[[ $status == *" 200 "* ]]
`;
}

/** The notify script: its environment is the rival's, not the lab's. */
export function claimScript(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`);
  return `#!/bin/sh
${lines.join("\n")}
exec /usr/bin/node --no-warnings ${RIVAL_FOLDER}/claim.cjs >> ${RIVAL_FOLDER}/claim.log 2>&1
`;
}

/** Writes the claiming program, everything it needs inside. */
export async function bundleClaim(file: string): Promise<void> {
  await build({ absWorkingDir: REPOSITORY, entryPoints: [join(import.meta.dirname, "claim-main.ts")], outfile: file, bundle: true, platform: "node", format: "cjs", target: "node20", minify: true, logLevel: "error" });
}
