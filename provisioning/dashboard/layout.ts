/**
 * What the CloudWatch dashboard shows, from top to bottom: first who is active and whether callers are served, last what
 * only a developer wants. Every metric of the agent and of the Stasis app is in exactly one graph (a test checks it), so that a new metric can't
 * be forgotten.
 */
import type { MetricName } from "../../agent/core/metrics.ts";
import type { AppMetricName } from "../../agent/stasis-app/core/app-metrics.ts";

/** CloudWatch's statistics that we use: the worst or the best second of a minute, or what was counted in it. */
export type Statistic = "Minimum" | "Maximum" | "Average" | "Sum";

/** One graph: these metrics of both nodes. */
export interface Graph {
  readonly title: string;
  readonly metrics: readonly (MetricName | AppMetricName)[];
  readonly statistic: Statistic;
  /** In twenty-fourths of the page's width. */
  readonly width: 6 | 8 | 12;
  /** Stacked areas where the sum is the point. */
  readonly stacked?: true;
  /** Lines that tell the eye where trouble begins. */
  readonly line?: { readonly label: string; readonly value: number };
}

export const GRAPHS: readonly Graph[] = [
  { title: "Who holds the Elastic IP (the sum is 1)", metrics: ["EipHeld"], statistic: "Maximum", width: 8, stacked: true, line: { label: "exactly one", value: 1 } },
  { title: "Can take calls (worst second)", metrics: ["Serving"], statistic: "Minimum", width: 8 },
  { title: "Calls and channels", metrics: ["ActiveCalls", "ActiveChannels"], statistic: "Maximum", width: 8 },
  { title: "Ready to take over: dry run, and not paused", metrics: ["ClaimReady", "Paused"], statistic: "Minimum", width: 8 },
  { title: "Silence of the peer (ms)", metrics: ["PeerSilence"], statistic: "Maximum", width: 8 },
  { title: "Hears the peer, and witnesses", metrics: ["PeerUp", "WitnessesReachable"], statistic: "Minimum", width: 8 },
  { title: "Claims, failed claims, demotions, alive marks", metrics: ["Claims", "ClaimsFailed", "Demotions", "AliveMarks"], statistic: "Sum", width: 8 },
  { title: "Decision to confirmed claim (ms)", metrics: ["ClaimDuration"], statistic: "Maximum", width: 8 },
  { title: "Observers that call the active down", metrics: ["ObserversDown"], statistic: "Maximum", width: 8 },
  { title: "Probes of its own Asterisk (worst second)", metrics: ["AriUp", "SipUp", "StasisAppsUp", "CanaryUp"], statistic: "Minimum", width: 12 },
  { title: "How long the probes take (ms)", metrics: ["AriLatency", "SipLatency", "CanaryLatency"], statistic: "Maximum", width: 12 },
  { title: "Stasis app: calls queued, dialled, in a menu", metrics: ["CallsQueued", "CallsDialling", "CallsInMenu"], statistic: "Maximum", width: 6 },
  { title: "Stasis app: answered, of the last hour's calls", metrics: ["AnsweredRate"], statistic: "Average", width: 6 },
  { title: "Stasis app: events that wait", metrics: ["EventsWaiting"], statistic: "Maximum", width: 6 },
  { title: "Stasis app: age of the oldest event that waits (ms)", metrics: ["EventsOldest"], statistic: "Maximum", width: 6 },
  { title: "Phones and trunks: contacts", metrics: ["ContactsReachable", "ContactsUnreachable"], statistic: "Average", width: 8 },
  { title: "Overloaded queues of Asterisk", metrics: ["QueuesAlerted"], statistic: "Maximum", width: 8, line: { label: "drops SIP requests", value: 1 } },
  { title: "Peers with other settings", metrics: ["ConfigDrift"], statistic: "Maximum", width: 8 },
  { title: "Round trip of a heartbeat (ms)", metrics: ["HeartbeatRtt"], statistic: "Average", width: 6 },
  { title: "Agent: lateness of its clock (ms)", metrics: ["EventLoopLag"], statistic: "Maximum", width: 6 },
  { title: "Agent: memory (MB)", metrics: ["AgentMemory"], statistic: "Maximum", width: 6 },
  { title: "Measurements lost", metrics: ["MetricsDropped", "AppMetricsDropped"], statistic: "Sum", width: 6 },
];
