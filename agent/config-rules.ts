/**
 * What must hold between knobs. Each row is a rule with its reason; the agent refuses to start on a combination that
 * would make it slow in a way nobody meant, or hasty. Comparisons of numbers are data, so that the README prints them.
 */
import { formatHostPort, isWildcard } from "./addresses.ts";
import type { KnobName, KnobValues, NumberKnob } from "./knobs.ts";

/** `left` compared with `times` × `right`, plus the knobs of `plus`. */
export interface Comparison {
  readonly left: NumberKnob;
  readonly is: "at least" | "at most" | "less than";
  readonly times: number;
  readonly right: NumberKnob;
  readonly plus?: NumberKnob;
  readonly why: string;
}

export const COMPARISONS: readonly Comparison[] = [
  { left: "HEARTBEAT_INTERVAL_MS", is: "at least", times: 2, right: "TICK_INTERVAL_MS", why: "heartbeats leave on ticks, so a coarse tick makes them irregular" },
  { left: "PEER_LATE_AFTER_MS", is: "at least", times: 2, right: "HEARTBEAT_INTERVAL_MS", why: "one lost heartbeat must not begin a suspicion" },
  { left: "PEER_LOST_AFTER_MS", is: "at least", times: 3, right: "HEARTBEAT_INTERVAL_MS", why: "two heartbeats lost in a row must not silence a peer" },
  { left: "PEER_LATE_AFTER_MS", is: "less than", times: 1, right: "PEER_LOST_AFTER_MS", why: "the suspicion must begin before the verdict, to collect the other evidence" },
  { left: "SELF_DOUBT_AFTER_MS", is: "at least", times: 2, right: "TICK_INTERVAL_MS", why: "a tick that is a little late is no stall" },
  { left: "PEER_LOST_AFTER_MS", is: "at least", times: 2, right: "HEARTBEAT_INTERVAL_MS", plus: "SELF_DOUBT_AFTER_MS", why: "a stall of this process that is short enough to go unnoticed must never look like a silent peer" },
  { left: "COLD_LOST_AFTER_MS", is: "at least", times: 4, right: "PEER_LOST_AFTER_MS", why: "a standby that has never heard the active must wait far longer than one that has" },
  { left: "WITNESS_ABSENT_AFTER_MS", is: "at least", times: 2, right: "PEER_LOST_AFTER_MS", why: "a witness cut off by the same failure as the active must still be counted" },
  { left: "PROBE_TIMEOUT_MS", is: "less than", times: 1, right: "PROBE_INTERVAL_MS", why: "one probe must have ended before the next begins" },
  { left: "SUSPECT_PROBE_INTERVAL_MS", is: "at most", times: 1, right: "PROBE_INTERVAL_MS", why: "probes hurry when something is suspected" },
  { left: "CANARY_TIMEOUT_MS", is: "less than", times: 1, right: "CANARY_INTERVAL_MS", why: "one canary call must have ended before the next begins" },
  { left: "STASIS_DOWN_AFTER_MS", is: "at least", times: 2, right: "STASIS_INTERVAL_MS", why: "an application counts as missing only after several looks" },
  { left: "OWNER_CONFIRM_INTERVAL_MS", is: "at most", times: 1, right: "SUSPECT_READ_INTERVAL_MS", why: "confirming is the quickest pace of reading" },
  { left: "SUSPECT_READ_INTERVAL_MS", is: "at most", times: 1, right: "OWNER_READ_INTERVAL_MS", why: "reads hurry when something is suspected" },
  { left: "READ_BACKOFF_MAX_MS", is: "at least", times: 1, right: "OWNER_CONFIRM_INTERVAL_MS", why: "the backoff grows from the confirming pace" },
  { left: "CLAIM_CONFIRM_WITHIN_MS", is: "at least", times: 2, right: "CLOUD_TIMEOUT_MS", why: "confirming takes two reads" },
  { left: "CLAIM_TIMEOUT_MS", is: "at most", times: 1, right: "CLAIM_CONFIRM_WITHIN_MS", why: "a claim's own deadline is shorter than the patience with its effect" },
  { left: "CLAIM_RETRY_MIN_MS", is: "at most", times: 1, right: "CLAIM_RETRY_MAX_MS", why: "the backoff grows from the one to the other" },
  { left: "MARK_VISIBLE_AFTER_MS", is: "at least", times: 2, right: "HEARTBEAT_INTERVAL_MS", plus: "SUSPECT_PROBE_INTERVAL_MS", why: "a living active that notices the silence a heartbeat later than we do must have time to ask its reference and to write its mark" },
  { left: "MARK_VISIBLE_AFTER_MS", is: "at most", times: 2, right: "PEER_LOST_AFTER_MS", why: "otherwise the alive mark, not the heartbeat, sets the pace of a failover; raise both if that is what you want" },
  { left: "MARK_INTERVAL_MS", is: "at most", times: 1, right: "MARK_SLOW_INTERVAL_MS", why: "marks slow down with time" },
  { left: "MARK_FAST_FOR_MS", is: "at least", times: 2, right: "PEER_LOST_AFTER_MS", why: "the standby decides while the marks are quick" },
  { left: "YIELD_AFTER_MS", is: "less than", times: 1, right: "PEER_LOST_AFTER_MS", why: "a node that knows that it can't serve must say so sooner than its silence would" },
  { left: "RANK_STAGGER_MS", is: "at least", times: 2, right: "HEARTBEAT_INTERVAL_MS", why: "the next standby in rank must have had time to hear that the first one acts" },
];

/** The values that were read, and how each came to be, for the message. */
export interface RuleInput {
  readonly values: KnobValues;
  /** "set", "default", or the preset's name. */
  readonly origin: (name: KnobName) => string;
}

/** A rule that is no comparison of numbers: says what is wrong, or null. It reads only what it `needs`. */
export interface Relation {
  readonly needs: readonly KnobName[];
  readonly why: string;
  broken(values: KnobValues): string | null;
}

const listed = (names: Iterable<string>): string => [...names].join(", ");

/** The agent's own Stasis application: no other program may use this name. */
export function agentApplication(nodeId: string): string {
  return `node-agent-${nodeId}`;
}

export const RELATIONS: readonly Relation[] = [
  { needs: ["PEER_LATE_AFTER_MS", "PROBE_TIMEOUT_MS", "PROBE_DOWN_AFTER", "SUSPECT_PROBE_INTERVAL_MS", "PEER_LOST_AFTER_MS"], why: "the probes must have spoken when the peer is lost: PEER_LATE_AFTER_MS + PROBE_TIMEOUT_MS + (PROBE_DOWN_AFTER - 1) × SUSPECT_PROBE_INTERVAL_MS at most PEER_LOST_AFTER_MS + SUSPECT_PROBE_INTERVAL_MS", broken: probesTooSlow },
  { needs: ["NODE_ID", "PEERS"], why: "PEERS are the other nodes", broken: ({ NODE_ID, PEERS }) => (PEERS.has(NODE_ID) ? `PEERS must not name this member itself (${NODE_ID}). Take it out, or correct NODE_ID.` : null) },
  { needs: ["ROLE", "PEERS"], why: "a cluster has two to four nodes", broken: clusterSize },
  { needs: ["NODE_ID", "WITNESSES"], why: "a witness is another member", broken: ({ NODE_ID, WITNESSES }) => (WITNESSES.has(NODE_ID) ? `WITNESSES must not name this member itself (${NODE_ID}). Take it out; for a witness set ROLE=witness.` : null) },
  { needs: ["PEERS", "WITNESSES"], why: "a member is a node or a witness", broken: ({ PEERS, WITNESSES }) => twice("WITNESSES must not name a peer", [...WITNESSES.keys()].filter((name) => PEERS.has(name))) },
  { needs: ["PEERS", "WITNESSES"], why: "every member has an address of its own", broken: ({ PEERS, WITNESSES }) => twice("PEERS and WITNESSES give one address to several members", repeated([...PEERS.values(), ...WITNESSES.values()].map(formatHostPort))) },
  { needs: ["PEERS", "PEER_INSTANCES"], why: "every peer's instance must be known to tell it from a stranger", broken: ({ PEERS, PEER_INSTANCES }) => sameNames(PEERS, PEER_INSTANCES) },
  { needs: ["PEER_INSTANCES", "INSTANCE_ID"], why: "every node is an instance of its own", broken: ({ PEER_INSTANCES, INSTANCE_ID }) => twice("PEER_INSTANCES and INSTANCE_ID give one instance to several nodes", repeated([...PEER_INSTANCES.values(), ...(INSTANCE_ID === null ? [] : [INSTANCE_ID])])) },
  { needs: ["SECRET_ID", "SECRETS_FILE"], why: "the secret comes from one place", broken: ({ SECRET_ID, SECRETS_FILE }) => ((SECRET_ID === null) === (SECRETS_FILE === null) ? `SECRET_ID and SECRETS_FILE: ${SECRET_ID === null ? "neither is set" : "both are set"}. Set exactly one: SECRET_ID for Secrets Manager, SECRETS_FILE for a file.` : null) },
  { needs: ["ROLE", "AWS_REGION", "SECRET_ID", "COLD_STANDBY"], why: "AWS is asked in a region", broken: ({ ROLE, AWS_REGION, SECRET_ID, COLD_STANDBY }) => (AWS_REGION === null && (ROLE === "node" || COLD_STANDBY || SECRET_ID !== null) ? `AWS_REGION is missing. Set it to the region of the ${ROLE === "node" || COLD_STANDBY ? "nodes" : "secret"}, for example eu-central-1.` : null) },
  { needs: ["ROLE", "COLD_STANDBY"], why: "who starts a standby must be a third place", broken: ({ ROLE, COLD_STANDBY }) => (ROLE === "node" && COLD_STANDBY ? "COLD_STANDBY is for a witness (ROLE=witness): a stopped standby can't start itself, and an active that is lost can't start it. Take it out here, and set it on the witnesses." : null) },
  { needs: ["ROLE", "AWS_REGION", "REFERENCE_PRIVATE", "REFERENCE_PUBLIC"], why: "outside AWS there is no reference to fall back on", broken: ({ ROLE, AWS_REGION, REFERENCE_PRIVATE, REFERENCE_PUBLIC }) => (ROLE === "witness" && AWS_REGION === null && (REFERENCE_PRIVATE === null || REFERENCE_PUBLIC === null) ? "REFERENCE_PRIVATE and REFERENCE_PUBLIC must both be set on a witness without AWS_REGION: there is no default to fall back on." : null) },
  { needs: ["CLAIM_INTERFACE_ID", "CLAIM_PRIVATE_ADDRESS"], why: "a private address belongs to an interface", broken: ({ CLAIM_INTERFACE_ID, CLAIM_PRIVATE_ADDRESS }) => (CLAIM_PRIVATE_ADDRESS !== null && CLAIM_INTERFACE_ID === null ? "CLAIM_PRIVATE_ADDRESS is set without CLAIM_INTERFACE_ID. Set the interface that has this address, too." : null) },
  { needs: ["NODE_ID", "STASIS_APPS"], why: "a second socket on the agent's own application would evict the agent's", broken: ({ NODE_ID, STASIS_APPS }) => (STASIS_APPS.includes(agentApplication(NODE_ID)) ? `STASIS_APPS must not name ${agentApplication(NODE_ID)}: that is the agent's own application. Take it out.` : null) },
  { needs: ["TLS_CERTIFICATE_FILE", "TLS_KEY_FILE"], why: "a certificate is of no use without its key", broken: ({ TLS_CERTIFICATE_FILE, TLS_KEY_FILE }) => ((TLS_CERTIFICATE_FILE === null) === (TLS_KEY_FILE === null) ? null : `${TLS_KEY_FILE === null ? "TLS_KEY_FILE" : "TLS_CERTIFICATE_FILE"} is missing. Set both TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or neither.`) },
  { needs: ["LISTEN", "STATUS_LISTEN"], why: "a port can be listened on once", broken: ({ LISTEN, STATUS_LISTEN }) => (LISTEN.port === STATUS_LISTEN.port && (isWildcard(LISTEN.host) || LISTEN.host === STATUS_LISTEN.host) ? `LISTEN and STATUS_LISTEN both want port ${LISTEN.port}. Give them different ports.` : null) },
];

/** The sentence for a comparison that does not hold, or null. */
export function comparisonProblem(rule: Comparison, { values, origin }: RuleInput): string | null {
  const left = values[rule.left];
  const bound = rule.times * values[rule.right] + (rule.plus === undefined ? 0 : values[rule.plus]);
  const holds = rule.is === "at least" ? left >= bound : rule.is === "at most" ? left <= bound : left < bound;
  if (holds) return null;
  const knobs = [rule.right, ...(rule.plus === undefined ? [] : [rule.plus])];
  const given = knobs.map((name) => `${name}=${values[name]} (${origin(name)})`).join(", ");
  const [turn, other] = rule.is === "at least" ? ["raise", "lower"] : ["lower", "raise"];
  return `${rule.left}=${left} (${origin(rule.left)}) must be ${rule.is} ${boundText(rule)} = ${bound}, with ${given}: ${rule.why}. Either ${turn} ${rule.left} or ${other} ${knobs.join(" or ")}.`;
}

/** The right side in words: `3 × HEARTBEAT_INTERVAL_MS`. */
export function boundText(rule: Comparison): string {
  return `${rule.times === 1 ? "" : `${rule.times} × `}${rule.right}${rule.plus === undefined ? "" : ` + ${rule.plus}`}`;
}

/** The knobs that a comparison reads. */
export function comparisonNeeds(rule: Comparison): readonly KnobName[] {
  return [rule.left, rule.right, ...(rule.plus === undefined ? [] : [rule.plus])];
}

function probesTooSlow(values: KnobValues): string | null {
  const quickMs = values.SUSPECT_PROBE_INTERVAL_MS;
  const spokenMs = values.PEER_LATE_AFTER_MS + values.PROBE_TIMEOUT_MS + (values.PROBE_DOWN_AFTER - 1) * quickMs;
  const boundMs = values.PEER_LOST_AFTER_MS + quickMs;
  if (spokenMs <= boundMs) return null;
  return `PEER_LATE_AFTER_MS=${values.PEER_LATE_AFTER_MS} + PROBE_TIMEOUT_MS=${values.PROBE_TIMEOUT_MS} + ${values.PROBE_DOWN_AFTER - 1} (PROBE_DOWN_AFTER - 1) × SUSPECT_PROBE_INTERVAL_MS=${quickMs} is ${spokenMs} and must be at most PEER_LOST_AFTER_MS=${values.PEER_LOST_AFTER_MS} + SUSPECT_PROBE_INTERVAL_MS = ${boundMs}: the probes must have spoken when the peer is lost. Lower the probes' knobs or raise PEER_LOST_AFTER_MS.`;
}

function clusterSize({ ROLE, PEERS }: KnobValues): string | null {
  const nodes = PEERS.size + (ROLE === "node" ? 1 : 0);
  if (nodes >= 2 && nodes <= 4) return null;
  return `PEERS makes a cluster of ${nodes} node${nodes === 1 ? "" : "s"}; it must be two to four. ${ROLE === "node" ? "List the other nodes, one to three." : "A witness lists all nodes."}`;
}

function twice(says: string, which: readonly string[]): string | null {
  return which.length === 0 ? null : `${says}: ${listed(which)}. Correct one of them.`;
}

function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function sameNames(peers: ReadonlyMap<string, unknown>, instances: ReadonlyMap<string, string>): string | null {
  const missing = [...peers.keys()].filter((name) => !instances.has(name));
  const extra = [...instances.keys()].filter((name) => !peers.has(name));
  if (missing.length === 0 && extra.length === 0) return null;
  const parts = [...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []), ...(extra.length > 0 ? [`names ${listed(extra)}, which PEERS does not`] : [])];
  return `PEER_INSTANCES must name exactly the nodes of PEERS: it ${parts.join(" and ")}. Write one name=i-… for every peer.`;
}

