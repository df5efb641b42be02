/**
 * The names of all lasting situations that an operator must know, with what each means and what to do. The log, status
 * and the runbook in the README use these names; which of them hold is decided in conditions.ts.
 */
import type { NodeId } from "./types.ts";

/** warn: degraded, and handled or chosen. error: a human must act, or callers are or would be without service. */
export type Severity = "warn" | "error";

interface ConditionRow {
  readonly severity: Severity;
  readonly meaning: string;
  readonly remedy: string;
}

/** In the order in which they are shown, within their severity. */
export const CONDITIONS = {
  "no-node-serves": { severity: "error", meaning: "No Asterisk of this cluster is known to take calls. No claim can help.", remedy: "Repair either Asterisk; the agents do the rest." },
  "asterisk-down": { severity: "error", meaning: "This node's Asterisk can't take calls.", remedy: "The sentence names the probe that fails. Look at Asterisk's own log; a crash leaves a core file." },
  "asterisk-degraded": { severity: "warn", meaning: "This node's Asterisk takes calls, but a probe finds something wrong.", remedy: "The sentence names it. It becomes `down` if it lasts or spreads." },
  "asterisk-not-measured": { severity: "warn", meaning: "The agent has been running for a while and still can't say whether Asterisk takes calls.", remedy: "Is Asterisk running? Do ARI_URL, ARI_USERNAME, SIP_ADDRESS and STASIS_APPS fit it?" },
  "ari-socket-closed": { severity: "warn", meaning: "ARI answers requests, but the agent's event socket is closed, so no canary call can be made.", remedy: "Look at Asterisk's log for refused ARI WebSockets, and at ari.conf and http.conf (session limits)." },
  "yielding": { severity: "warn", meaning: "This active asks a standby to take over, and still holds the address.", remedy: "None if it is over within seconds. If it lasts: look at the standby's status, it says what it waits for." },
  "role-not-applied": { severity: "error", meaning: "Asterisk has not read the configuration of this node's role in several tries: registrations with carriers, and the watch over phones, are still those of the role before.", remedy: "The sentence has the error code. Does ARI let the agent in, does `module reload` answer on Asterisk's console, can the agent write RENDER_TARGET? It is tried again every second." },
  "secret-not-applied": { severity: "error", meaning: "A new version of the secret can't be put to use. What worked before still does.", remedy: "The sentence has the error code: a field that is missing or wrong in the secret, RENDER_TARGET, or ARI. It is tried again every SECRET_INTERVAL_MS; a corrected version ends it." },
  "peer-agent-silent": { severity: "error", meaning: "The active's agent is silent, but its Asterisk answers: callers are served and nothing is claimed.", remedy: "Start the agent on that node; if it runs, let the heartbeat port through between the members." },
  "nodes-cut-apart": { severity: "error", meaning: "The active can't be reached between the nodes, but callers reach it or its alive mark moves: nothing is claimed.", remedy: "Repair the network between the nodes: security group, route, subnet ACL." },
  "peer-lost": { severity: "error", meaning: "A peer has been silent for long, and nothing shows it alive.", remedy: "Look at that instance in the console; bring it back, so that there is a standby again." },
  "peer-does-not-hear-us": { severity: "warn", meaning: "This node hears a peer that does not hear this node.", remedy: "Let the peer's heartbeat port be reached from this node; look for rules that let one direction through only." },
  "peer-asterisk-down": { severity: "error", meaning: "A peer reports that its own Asterisk can't take calls.", remedy: "See that node's status." },
  "several-hold": { severity: "error", meaning: "More than one node says that it holds the address. EC2 gives it to one of them; the other has not noticed yet.", remedy: "Look at the one that EC2 does not show: it can't read EC2, and must stop its outbound calls and registrations." },
  "witness-absent": { severity: "warn", meaning: "A witness is not heard and is left out of the vote.", remedy: "Start the witness, or let the heartbeat port through." },
  "config-drift": { severity: "warn", meaning: "A peer runs with other cluster-wide settings than this node.", remedy: "Compare the two agent.env files; the timing knobs and the member lists must agree." },
  "version-difference": { severity: "warn", meaning: "A member runs another version of the agent or of Asterisk. Expected during an upgrade.", remedy: "Finish the upgrade." },
  "address-on-stranger": { severity: "error", meaning: "The Elastic IP is on an instance outside the cluster. It is never taken from there automatically.", remedy: "Find out who moved it. `nodectl takeover` on the node that shall have it." },
  "address-on-nobody": { severity: "error", meaning: "The Elastic IP is not associated: callers reach nobody.", remedy: "None if a node is serving: it claims after the grace time. Else status says what the claim waits for." },
  "ec2-unreadable": { severity: "error", meaning: "EC2 can't be read, so no address can be moved, and a move would not be noticed.", remedy: "See the error code. Usually: the node's own path to AWS, or the instance role." },
  "ec2-throttled": { severity: "warn", meaning: "EC2 refuses calls because the account's request rate is exhausted. The agent backs off and retries.", remedy: "Find who else in the account calls the same action so often." },
  "claim-not-ready": { severity: "error", meaning: "The last dry run of a claim failed: this node could not take the address.", remedy: "See the error code: permission, path to EC2, or a wrong EIP_ALLOCATION_ID." },
  "marks-not-permitted": { severity: "error", meaning: "The dry run of an alive mark failed: if the nodes were cut apart, this active could not show that it lives.", remedy: "The instance role needs ec2:CreateTags on the address (provisioning/iam/). Start the agent again afterwards." },
  "marks-failing": { severity: "error", meaning: "This active is not heard by a peer, and its alive marks can't be written.", remedy: "See the error code; a standby that sees no mark may claim." },
  "paused": { severity: "warn", meaning: "An operator has stopped all automatic claims.", remedy: "`nodectl resume` when the work is done." },
  "blocked": { severity: "error", meaning: "Too many automatic claims within an hour: no more until an operator has looked.", remedy: "Find out why the address moves so often, then `nodectl ack`." },
  "hold-down": { severity: "warn", meaning: "A claim by quorum is wanted, and waits for the hold-down after the last ownership change.", remedy: "None: it ends by itself. `nodectl takeover` does not wait." },
  "claims-failing": { severity: "error", meaning: "Several claims in a row did not succeed. The agent retries while its reasons persist.", remedy: "See the reason of the last role change for the error code." },
  "claim-pending": { severity: "warn", meaning: "A claim has not been confirmed by EC2 for several seconds.", remedy: "None: the agent keeps reading. If it lasts, look at the address in the console." },
  "cold-start-not-ready": { severity: "error", meaning: "The last dry run of starting a standby failed: this witness could not start it.", remedy: "See the error code: the witness's role (provisioning/iam/witness-cold-standby-policy.json), its path to EC2, or PEER_INSTANCES." },
  "cold-start-failing": { severity: "error", meaning: "The active is lost, and starting the stopped standby fails. It is tried again.", remedy: "See the error code. InsufficientInstanceCapacity: the zone has no such machine now; start another type by hand, or repair the active." },
  "cold-start": { severity: "error", meaning: "The active was lost, and this witness has started a stopped standby that has not been heard yet.", remedy: "It claims about a minute after its boot. `nodectl takeover --force` on it does not wait." },
  "channel-unproven": { severity: "warn", meaning: "A probe of the active has never been answered although its heartbeats are good: the channel is left out of the verdict.", remedy: "sip: let this node reach the peer's SIP port. eip: let this node's public address reach the Elastic IP's SIP port." },
  "reference-failing": { severity: "warn", meaning: "A known-good address does not answer, so a silence on that side accuses nobody.", remedy: "Is the reference right (REFERENCE_PRIVATE, REFERENCE_PUBLIC)? Else this node's own network is broken on that side." },
  "cut-off": { severity: "error", meaning: "This node hears no member and reaches neither reference: it is itself cut off, and accuses nobody.", remedy: "Repair this node's network." },
  "state-unsaved": { severity: "error", meaning: "STATE_DIR can't be written: a restart would forget pause and hold-down.", remedy: "Free space in STATE_DIR, or correct its owner and mode." },
  "metrics-unpublished": { severity: "warn", meaning: "CloudWatch can't be reached; measurements are kept on disk and sent later.", remedy: "See the error code: path to CloudWatch, or the instance role." },
  "metrics-dropped": { severity: "error", meaning: "Measurements are being lost, because CloudWatch has been away for longer than the spool holds.", remedy: "Restore the path to CloudWatch, or free space in STATE_DIR." },
  "self-doubt": { severity: "warn", meaning: "This process stalled a short while ago, threw its evidence away and is collecting fresh evidence.", remedy: "If it repeats: CPU steal, swap, a paused instance." },
  "ticks-late": { severity: "warn", meaning: "The agent's own clock tick comes late all the time: the machine is overloaded.", remedy: "Look at CPU, steal and swap. A stalled standby doubts itself instead of claiming." },
} as const satisfies Record<string, ConditionRow>;

/** A stable kebab-case name. */
export type ConditionName = keyof typeof CONDITIONS;
export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly ConditionName[];

/** A situation that holds now. `name` and `about` together identify it from its beginning to its end. */
export interface Condition {
  readonly name: ConditionName;
  readonly severity: Severity;
  /** The member or channel that it is about; null when it is about this node as a whole. */
  readonly about: NodeId | null;
  /** One sentence with numbers. Numbers change while it lasts, so never compare sentences. */
  readonly sentence: string;
}

/** Makes a condition; the severity is the table's. */
export function condition(name: ConditionName, about: string | null, sentence: string): Condition {
  return { name, severity: CONDITIONS[name].severity, about, sentence };
}
