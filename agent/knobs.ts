/**
 * THE KNOB TABLE: every setting of the agent is one row. From it come the parser, the types, the error texts, the README
 * table, .env.example and the digest by which members notice that they are configured differently. A knob's sentence says
 * what a reader trades by turning it.
 */
import { MEMBER_NAME, MEMBER_NAME_SHAPE, type Kind, type KindValues, type Limits } from "./config-values.ts";

/** The parts of the table, in reading order. `core`: its numbers are what agent/core decides with. */
export const GROUPS = {
  members: { title: "Who is who", core: false },
  aws: { title: "AWS", core: false },
  secret: { title: "The secret", core: false },
  asterisk: { title: "Asterisk", core: false },
  render: { title: "Asterisk's configuration", core: false },
  agent: { title: "The agent on its machine", core: false },
  link: { title: "Heartbeats and suspicion", core: true },
  probes: { title: "Probes", core: true },
  health: { title: "Does Asterisk take calls?", core: true },
  cloud: { title: "Asking EC2, and claiming", core: true },
  marks: { title: "Alive marks", core: true },
  policy: { title: "Limits on claims", core: true },
  metrics: { title: "Metrics", core: true },
} as const;

export type Group = keyof typeof GROUPS;

/** One knob. */
export interface Knob extends Limits {
  readonly kind: Kind;
  readonly group: Group;
  /** In the syntax of the environment. null: may be left out, and then there is none. Absent: it must be set. */
  readonly default?: string | number | null;
  /** Only a node uses it; a witness ignores it. Absent: both do. */
  readonly on?: "node";
  /** A witness with COLD_STANDBY uses it, too. */
  readonly cold?: true;
  /** It must be equal in the whole cluster: it is part of the digest. */
  readonly same?: true;
  /** For .env.example and for the message when it is missing. */
  readonly example?: string;
  readonly says: string;
}

export const KNOBS = {
  CLUSTER_ID: { kind: "text", group: "members", same: true, pattern: /^[A-Za-z0-9._-]{1,48}$/, shape: "1 to 48 letters, digits, dots, dashes and underscores", example: "aicc-prod", says: "Names the cluster: the nodes that share one Elastic IP, and their witnesses. Members of another cluster are refused." },
  NODE_ID: { kind: "text", group: "members", pattern: MEMBER_NAME, shape: MEMBER_NAME_SHAPE, example: "node-a", says: "Names this member, uniquely in the cluster. Standbys rank by it: the lowest name claims first." },
  ROLE: { kind: "choice", group: "members", choices: ["node", "witness"], default: "node", says: "node: beside an Asterisk. witness: in a third place, without Asterisk and (unless COLD_STANDBY) without AWS; it only observes and votes." },
  PEERS: { kind: "members", group: "members", min: 1, max: 4, example: "node-b=10.0.2.10:8090", says: "The other nodes, each with its private address and heartbeat port. A node has one to three; a witness lists all two to four nodes." },
  WITNESSES: { kind: "members", group: "members", min: 0, max: 3, default: "", on: "node", cold: true, example: "witness-1=10.0.3.10:8090", says: "The witnesses. With one, it and the standby must both find the active gone; with two, a majority of the three. On a witness with COLD_STANDBY: the other witnesses, whose votes it then counts." },
  TIMING: { kind: "choice", group: "members", choices: ["default", "cautious"], default: "default", says: "A preset for the timing knobs. default: two zones of one region. cautious: about three times slower, for busy or jittery machines. A knob that is set wins over the preset." },

  AWS_REGION: { kind: "text", group: "aws", pattern: /^[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}$/, shape: "the name of an AWS region", default: null, example: "eu-central-1", says: "The region of the nodes; the SDK's own variable. Required on a node; on a witness only with COLD_STANDBY, or if the secret is in Secrets Manager." },
  EIP_ALLOCATION_ID: { kind: "text", group: "aws", on: "node", cold: true, same: true, pattern: /^eipalloc-[0-9a-z]{1,32}$/, shape: "an allocation id (eipalloc-…)", example: "eipalloc-0123456789abcdef0", says: "The Elastic IP that the cluster shares, by its allocation id." },
  PEER_INSTANCES: { kind: "instances", group: "aws", on: "node", cold: true, min: 1, max: 4, example: "node-b=i-0123456789abcdef0", says: "The EC2 instance of every peer. An instance that is in no list is a stranger, from which the address is never taken." },
  INSTANCE_ID: { kind: "text", group: "aws", on: "node", pattern: /^i-[0-9a-z]{1,32}$/, shape: "an instance id (i-…)", default: null, example: "i-0fedcba9876543210", says: "This node's own instance. Left out, the agent asks the instance metadata service." },
  ZONE: { kind: "text", group: "aws", pattern: /^[A-Za-z0-9-]{1,32}$/, shape: "1 to 32 letters, digits and dashes", default: null, example: "eu-central-1a", says: "This member's availability zone, shown by status on all members. Left out, a node asks the instance metadata service once at its start; a witness has none." },
  CLAIM_INTERFACE_ID: { kind: "text", group: "aws", on: "node", pattern: /^eni-[0-9a-z]{1,32}$/, shape: "an interface id (eni-…)", default: null, example: "eni-0123456789abcdef0", says: "Claim the address for this network interface instead of the instance. Needed where the instance has several: EC2 then refuses the instance id." },
  CLAIM_PRIVATE_ADDRESS: { kind: "ip", group: "aws", on: "node", default: null, example: "10.0.1.20", says: "Claim the address for this private address of CLAIM_INTERFACE_ID instead of its primary one." },
  AWS_LOCAL_ADDRESS: { kind: "ip", group: "aws", default: null, example: "10.0.1.30", says: "Source address of all connections to AWS, and of the probes to the Elastic IP and to REFERENCE_PUBLIC: the node's own path, which keeps working when the Elastic IP has gone. Left out, the routing table decides." },
  REFERENCE_PRIVATE: { kind: "references", group: "aws", min: 1, max: 4, default: null, example: "169.254.169.253:53", says: "Known-good TCP addresses on the private path; one that answers proves that our own side works. Default: the VPC resolver, 169.254.169.253:53. On a witness without AWS_REGION it must be set." },
  REFERENCE_PUBLIC: { kind: "references", group: "aws", min: 1, max: 4, default: null, example: "ec2.eu-central-1.amazonaws.com:443", says: "The same on the path to the Internet. Default: the region's EC2 endpoint, port 443. On a witness without AWS_REGION it must be set." },

  COLD_STANDBY: { kind: "flag", group: "aws", default: "false", says: "On a witness: when the active is lost by quorum, no standby runs, and EC2 says that one is stopped, start it. Needs AWS_REGION, EIP_ALLOCATION_ID, PEER_INSTANCES of all nodes, and the permission to start them. What has booted then claims by itself, about a minute later (COLD_LOST_AFTER_MS)." },

  SECRET_ID: { kind: "text", group: "secret", pattern: /^[A-Za-z0-9/_+=.@:-]{1,512}$/, shape: "the name or ARN of a secret", unshown: true, default: null, example: "aicc-prod/asterisk", says: "The secret in Secrets Manager. Either this or SECRETS_FILE." },
  SECRETS_FILE: { kind: "text", group: "secret", pattern: /^\/[^\0]{1,4000}$/, shape: "an absolute path", unshown: true, default: null, example: "/etc/asterisk-node-agent/secret.json", says: "A file with the same JSON, mode 0600, where there is no Secrets Manager. Either this or SECRET_ID." },
  SECRET_INTERVAL_MS: { kind: "duration", group: "secret", default: 60_000, min: 1_000, max: 3_600_000, says: "How often a new version of the secret is looked for. Lower makes a key rotation quicker and costs requests." },

  ARI_URL: { kind: "url", group: "asterisk", on: "node", default: "http://127.0.0.1:8088", says: "Where our Asterisk's ARI listens. The password is in the secret." },
  ARI_USERNAME: { kind: "text", group: "asterisk", on: "node", pattern: /^[A-Za-z0-9._-]{1,64}$/, shape: "1 to 64 letters, digits, dots, dashes and underscores", unshown: true, default: "agent", says: "The agent's own user in ari.conf." },
  SIP_ADDRESS: { kind: "target", group: "asterisk", on: "node", default: "127.0.0.1:5060", says: "Where our Asterisk answers SIP OPTIONS over UDP (and TCP, with SIP_TCP)." },
  SIP_TCP: { kind: "flag", group: "asterisk", on: "node", same: true, default: "false", says: "Probe SIP over TCP too. Its failure makes a node degraded, not down." },
  PEER_SIP_PORT: { kind: "port", group: "asterisk", same: true, default: 5060, min: 1, max: 65_535, says: "UDP port at which the nodes' Asterisks answer OPTIONS on their private addresses. The security group must let the members through." },
  EIP_SIP_PORT: { kind: "port", group: "asterisk", same: true, default: 5060, min: 1, max: 65_535, says: "UDP port at which the active answers OPTIONS on the Elastic IP. The security group must let the nodes' public addresses through." },
  ASTERISK_CONTROL_SOCKET: { kind: "text", group: "asterisk", on: "node", pattern: /^\/[^\0]{1,106}$/, shape: "an absolute path of at most 107 bytes (the limit of the kernel)", default: "/var/run/asterisk/asterisk.ctl", says: "Asterisk's control socket, for the reads that ARI does not offer." },
  STASIS_APPS: { kind: "names", group: "asterisk", on: "node", same: true, min: 0, max: 16, default: "", example: "aicc", says: "The Stasis applications without which a node takes no calls. Empty: none is watched, and a node whose application is gone still counts as serving." },

  ELASTIC_IP: { kind: "text", group: "render", on: "node", pattern: /^(?:\d{1,3}\.){3}\d{1,3}$/, shape: "an IPv4 address", default: null, example: "198.51.100.10", says: "The address that EIP_ALLOCATION_ID stands for, as Asterisk tells it to phones and carriers. Left out, EC2 is asked when the configuration is rendered." },
  LOCAL_NET: { kind: "text", group: "render", on: "node", pattern: /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}(?:,(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}){0,7}$/, shape: "one to eight IPv4 networks such as 10.0.0.0/16, by commas", default: null, example: "10.0.0.0/16", says: "Where Asterisk uses its private address instead of the Elastic IP: the VPC and what is routed to it. Left out, the VPC's own networks, from the instance metadata." },
  INCOMING_APP: { kind: "text", group: "render", on: "node", same: true, pattern: /^[A-Za-z0-9._-]{1,64}$/, shape: "1 to 64 letters, digits, dots, dashes and underscores", default: null, example: "aicc", says: "The Stasis application to which the dialplan gives incoming calls. Left out, the first of STASIS_APPS." },
  DATABASE_HOST: { kind: "text", group: "render", on: "node", same: true, pattern: /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, shape: "a host name or an IPv4 address", default: null, example: "aicc.cluster-abc.eu-central-1.rds.amazonaws.com", says: "The MySQL or MariaDB with the phones; user name and password are in the secret. Left out, Asterisk uses no database, and no phone can register." },
  DATABASE_PORT: { kind: "port", group: "render", on: "node", same: true, default: 3306, min: 1, max: 65_535, says: "Its port." },
  DATABASE_NAME: { kind: "text", group: "render", on: "node", same: true, pattern: /^[A-Za-z0-9_-]{1,64}$/, shape: "1 to 64 letters, digits, dashes and underscores", default: "asterisk", says: "The database in it that has Asterisk's tables." },
  TLS_CERTIFICATE_FILE: { kind: "text", group: "render", on: "node", pattern: /^\/[A-Za-z0-9._/-]{1,250}$/, shape: "an absolute path of letters, digits, dots, dashes and underscores", default: null, example: "/etc/asterisk/keys/sip.crt", says: "Asterisk's certificate (PEM, with its chain) for SIP over TLS. Left out, there is no TLS transport." },
  TLS_KEY_FILE: { kind: "text", group: "render", on: "node", pattern: /^\/[A-Za-z0-9._/-]{1,250}$/, shape: "an absolute path of letters, digits, dots, dashes and underscores", default: null, example: "/etc/asterisk/keys/sip.key", says: "The certificate's private key." },
  RENDER_TARGET: { kind: "text", group: "render", on: "node", pattern: /^\/[^\0]{1,4000}$/, shape: "an absolute path", default: "/etc/asterisk", says: "The folder that `nodectl render` writes. The running agent keeps it up to date only after that." },
  RENDER_TEMPLATES: { kind: "text", group: "render", on: "node", pattern: /^\/[^\0]{1,4000}$/, shape: "an absolute path", default: null, example: "/opt/asterisk-config", says: "The folder with the templates. Left out, `asterisk-config/` beside the agent's program." },
  RENDER_WITHIN_MS: { kind: "duration", group: "render", on: "node", default: 40_000, min: 1_000, max: 600_000, says: "How long `nodectl render` tries to reach Secrets Manager, EC2 and the instance metadata. Then it fails, and the last good configuration stays. Keep it under the time that the service manager gives it." },

  LISTEN: { kind: "listen", group: "agent", default: "0.0.0.0:8090", says: "Where heartbeats are received. The security group lets only members through." },
  STATUS_LISTEN: { kind: "loopback", group: "agent", default: "127.0.0.1:8091", says: "Where nodectl, the status page and /metrics are served, on this machine only." },
  STATE_DIR: { kind: "text", group: "agent", pattern: /^\/[^\0]{1,4000}$/, shape: "an absolute path", default: "/var/lib/asterisk-node-agent", says: "What must survive a restart: pause, hold-down, history, unsent metrics, the ledger of dropped calls." },
  METRICS_NAMESPACE: { kind: "text", group: "agent", on: "node", same: true, pattern: /^(?!AWS\/)[A-Za-z0-9._/#:-]{1,255}$/, shape: "a CloudWatch namespace (not AWS/…)", default: "Asterisk/Node", says: "The CloudWatch namespace; the alarms and the IAM policy name it too." },
  METRIC_SPOOL_MIB: { kind: "size", group: "agent", on: "node", default: 64, min: 1, max: 4_096, says: "How much of the disk unsent metrics may take. 64 MiB hold more than a week; what does not fit is dropped and counted." },
  LEDGER_KEEP_DAYS: { kind: "count", group: "agent", on: "node", default: 30, min: 1, max: 3_650, says: "How long the ledgers of dropped calls, which name callers, stay in STATE_DIR." },
  HISTORY_KEEP: { kind: "count", group: "agent", default: 500, min: 10, max: 10_000, says: "How many moves of the address the history in STATE_DIR keeps; the oldest go first. A thousand take about half a megabyte." },
  LOG_LEVEL: { kind: "choice", group: "agent", choices: ["fatal", "error", "warn", "info", "debug", "trace"], default: "info", says: "debug adds every heartbeat, probe and call to AWS." },

  TICK_INTERVAL_MS: { kind: "duration", group: "link", default: 50, min: 10, max: 250, says: "The pace at which the agent looks at the time. Every deadline may be noticed one tick late; lower costs CPU." },
  SELF_DOUBT_AFTER_MS: { kind: "duration", group: "link", same: true, default: 500, min: 50, max: 30_000, says: "A tick later than this means that this process stalled: it throws its evidence away and starts afresh. Lower is safer and, on a loaded machine, slower." },
  HEARTBEAT_INTERVAL_MS: { kind: "duration", group: "link", same: true, default: 250, min: 50, max: 30_000, says: "How often a member says that it lives. Lower finds failures sooner and costs messages." },
  PEER_LATE_AFTER_MS: { kind: "duration", group: "link", same: true, default: 600, min: 100, max: 120_000, says: "Silence after which the active is suspected: probes hurry and EC2 is read. Lower prepares sooner; a suspicion alone moves nothing." },
  PEER_LOST_AFTER_MS: { kind: "duration", group: "link", same: true, default: 1_500, min: 200, max: 600_000, says: "Silence after which the heartbeat channel says down. Lower is faster, and sooner wrong." },
  COLD_LOST_AFTER_MS: { kind: "duration", group: "link", same: true, default: 60_000, min: 1_000, max: 3_600_000, says: "Silence on all channels before a standby that has never heard the active since its own start may call it down. Lower ends an outage sooner into which it booted; higher guards against its own blocked network." },
  WITNESS_ABSENT_AFTER_MS: { kind: "duration", group: "link", same: true, default: 30_000, min: 1_000, max: 3_600_000, says: "A witness that was away for so long before the suspicion is not counted. Lower makes a claim possible sooner after a witness is lost; higher keeps its veto longer." },

  PROBE_INTERVAL_MS: { kind: "duration", group: "probes", default: 1_000, min: 100, max: 60_000, says: "The calm pace of ARI ping and SIP OPTIONS, to our own Asterisk and to the active. Lower finds a hanging Asterisk sooner." },
  PROBE_TIMEOUT_MS: { kind: "duration", group: "probes", default: 400, min: 20, max: 30_000, says: "A probe without an answer for so long has missed. Lower is quicker and takes a busy Asterisk for a hanging one." },
  SUSPECT_PROBE_INTERVAL_MS: { kind: "duration", group: "probes", same: true, default: 200, min: 20, max: 10_000, says: "Pace of the probes, and deadline of those to the active, once something is suspected. Must leave room for a round trip to the other zone." },
  PROBE_DOWN_AFTER: { kind: "count", group: "probes", same: true, default: 3, min: 2, max: 20, says: "Misses in a row until a probe says down. Lower is quicker; one lost packet must not be enough." },
  PROBE_UP_AFTER: { kind: "count", group: "probes", default: 3, min: 1, max: 20, says: "Answers in a row until an Asterisk that was down counts as back. Higher keeps a flapping one out." },

  STASIS_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 2_000, min: 200, max: 60_000, says: "How often each of STASIS_APPS is looked for." },
  STASIS_DOWN_AFTER_MS: { kind: "duration", group: "health", on: "node", default: 10_000, min: 500, max: 600_000, says: "How long an application may be missing before the node counts as down. Lower reacts sooner; higher lets the application restart without a failover." },
  CANARY_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 10_000, min: 500, max: 3_600_000, says: "How often a canary call proves that calls can be made at all. Lower notices sooner and costs Asterisk a Local channel each time." },
  CANARY_TIMEOUT_MS: { kind: "duration", group: "health", on: "node", default: 2_000, min: 100, max: 60_000, says: "A canary call (or a slow read of Asterisk) that takes longer has failed." },
  CANARY_DOWN_AFTER: { kind: "count", group: "health", on: "node", default: 2, min: 1, max: 20, says: "Failed canary calls in a row until the node counts as down." },
  QUEUES_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 10_000, min: 500, max: 600_000, says: "How often Asterisk is asked for overloaded taskprocessors." },
  COUNTS_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 5_000, min: 500, max: 600_000, says: "How often calls and channels are counted." },
  CONTACTS_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 60_000, min: 1_000, max: 3_600_000, says: "How often registered contacts are listed. The listing costs Asterisk CPU; changes in between arrive as events." },
  ROSTER_INTERVAL_MS: { kind: "duration", group: "health", on: "node", default: 2_000, min: 500, max: 600_000, says: "How often the active lists its calls for the roster. Rarer when a listing takes long: it never costs Asterisk more than 1 % of a core. A call shorter than this may be missing from the ledger." },

  OWNER_READ_INTERVAL_MS: { kind: "duration", group: "cloud", default: 60_000, min: 1_000, max: 600_000, says: "How often EC2 is asked who holds the address, in quiet times. Lower notices a move by hand sooner and costs requests." },
  OWNER_CONFIRM_INTERVAL_MS: { kind: "duration", group: "cloud", on: "node", default: 250, min: 50, max: 5_000, says: "The pace of reads while an answer has to be confirmed by a second one, and after a claim." },
  SUSPECT_READ_INTERVAL_MS: { kind: "duration", group: "cloud", on: "node", default: 1_000, min: 100, max: 60_000, says: "How often EC2 is read while the active is suspected." },
  READ_BACKOFF_MAX_MS: { kind: "duration", group: "cloud", on: "node", default: 4_000, min: 100, max: 120_000, says: "The longest wait after failed reads. Lower recovers sooner and presses harder on an EC2 that throttles." },
  CLOUD_TIMEOUT_MS: { kind: "duration", group: "cloud", on: "node", default: 2_000, min: 100, max: 30_000, says: "Deadline of one read or mark. Lower retries sooner; too low never succeeds on a slow day." },
  CLAIM_TIMEOUT_MS: { kind: "duration", group: "cloud", on: "node", default: 3_000, min: 100, max: 60_000, says: "Deadline of the claim itself. What it did is unknown then, until EC2 is read." },
  CLAIM_CONFIRM_WITHIN_MS: { kind: "duration", group: "cloud", on: "node", default: 10_000, min: 1_000, max: 300_000, says: "How long an accepted claim may take to show in EC2's answers before it counts as lost." },
  CLAIM_RETRY_MIN_MS: { kind: "duration", group: "cloud", on: "node", default: 300, min: 50, max: 60_000, says: "Wait before the second try of a claim that failed; doubles with every failure, with jitter." },
  CLAIM_RETRY_MAX_MS: { kind: "duration", group: "cloud", on: "node", default: 5_000, min: 50, max: 300_000, says: "The longest wait between tries of a claim." },
  DRY_RUN_INTERVAL_MS: { kind: "duration", group: "cloud", on: "node", default: 600_000, min: 5_000, max: 86_400_000, says: "How often a dry run proves that a claim would be allowed. Lower finds a broken permission sooner." },
  EGRESS_GRACE_MS: { kind: "duration", group: "cloud", on: "node", default: 5_000, min: 0, max: 120_000, says: "How long after a move our own failures to reach the Internet are blamed on the move." },

  MARK_INTERVAL_MS: { kind: "duration", group: "marks", same: true, on: "node", default: 1_000, min: 200, max: 60_000, says: "How often an active that can't hear a peer marks itself alive on EC2, at first." },
  MARK_SLOW_INTERVAL_MS: { kind: "duration", group: "marks", same: true, on: "node", default: 5_000, min: 200, max: 600_000, says: "The same, once MARK_FAST_FOR_MS have passed. Higher spares EC2's request rate in a long partition." },
  MARK_FAST_FOR_MS: { kind: "duration", group: "marks", same: true, on: "node", default: 60_000, min: 1_000, max: 3_600_000, says: "How long marks are written at the quick pace." },
  MARK_VISIBLE_AFTER_MS: { kind: "duration", group: "marks", same: true, on: "node", default: 900, min: 200, max: 60_000, says: "How long a living active gets to show a mark before EC2's silence counts. Lower claims sooner; too low overlooks an active that lives." },

  YIELD_AFTER_MS: { kind: "duration", group: "policy", on: "node", default: 150, min: 0, max: 60_000, says: "How long the active's own Asterisk must be down before it asks a peer to take over. Higher lets short hiccups pass." },
  HOLD_DOWN_MS: { kind: "duration", group: "policy", same: true, on: "node", default: 30_000, min: 0, max: 3_600_000, says: "No claim by quorum for so long after the address has moved. Higher stops ping-pong, and delays the answer to a second failure." },
  CLAIMS_PER_HOUR: { kind: "count", group: "policy", same: true, on: "node", default: 6, min: 1, max: 1_000, says: "Automatic claims of one node within an hour; then it is blocked until `nodectl ack`." },
  RANK_STAGGER_MS: { kind: "duration", group: "policy", same: true, on: "node", default: 1_000, min: 100, max: 60_000, says: "With three or more nodes: how much longer each next standby in rank waits." },
  VACANT_GRACE_MS: { kind: "duration", group: "policy", same: true, on: "node", default: 3_000, min: 0, max: 600_000, says: "How long the address must have been nobody's before a node claims it unasked." },
  COLD_START_WAIT_MS: { kind: "duration", group: "policy", default: 300_000, min: 10_000, max: 3_600_000, says: "How long a witness with COLD_STANDBY gives a standby that it has started, until it starts one again; one that has taken over is not waited for. Longer than a boot: image, Asterisk, COLD_LOST_AFTER_MS." },

  METRICS_INTERVAL_MS: { kind: "duration", group: "metrics", default: 60_000, min: 1_000, max: 300_000, says: "One PutMetricData for so much time. The alarms count in minutes: below 60 s costs more and shows nothing more; the low end is for tests." },
} as const satisfies Record<string, Knob>;

export type KnobName = keyof typeof KNOBS;
export const KNOB_NAMES = Object.keys(KNOBS) as readonly KnobName[];

/** The same rows, without their literal types: for code that treats all knobs alike. */
export const knobRow = (name: KnobName): Knob => KNOBS[name];

type Row<N extends KnobName> = (typeof KNOBS)[N];
type Value<R extends Knob> = R extends { readonly kind: "choice"; readonly choices: readonly (infer C)[] } ? C : KindValues[R["kind"]];

/** What every knob's text becomes: `null` only where the knob may be left out. */
export type KnobValues = { readonly [N in KnobName]: Row<N> extends { readonly default: null } ? Value<Row<N>> | null : Value<Row<N>> };

/** The knobs whose number goes to agent/core as it is. */
export type CoreKnob = { [N in KnobName]: (typeof GROUPS)[Row<N>["group"]]["core"] extends true ? N : never }[KnobName];
/** Every knob that is a plain number. */
export type NumberKnob = { [N in KnobName]: KnobValues[N] extends number ? N : never }[KnobName];
/** PEER_LOST_AFTER_MS becomes peerLostAfterMs: the field of Config that carries a knob is found by its name. */
export type FieldName<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Lowercase<Head>}${Capitalize<FieldName<Tail>>}` : Lowercase<S>;

/** The field of Config that carries a knob. */
export function fieldName<N extends string>(knob: N): FieldName<N> {
  return knob.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) as FieldName<N>;
}
