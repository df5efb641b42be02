/**
 * What the demo can break, and what is promised for it. The names and the sentences of the help are in faults.json, where
 * start.mjs reads them before anything is installed.
 */
import names from "./faults.json" with { type: "json" };

export type FaultName = keyof typeof names;

/** Either the address moves, and how soon the claim must be sent, or it stays. */
export type Expectation =
  | { readonly kind: "move"; readonly limitMs: number; readonly since: string; readonly oldActiveLives: boolean }
  | {
      readonly kind: "stay";
      /** Conditions of the standby, one of which must be raised: nothing moves, but somebody is told. */
      readonly alarms: readonly string[];
    };

export interface Fault {
  /** As a headline, with the node it happens to. */
  readonly says: (active: string, standby: string) => string;
  /** In the list of what happened: to whom, and what. */
  readonly where: "active" | "network";
  readonly happens: (active: string, standby: string) => string;
  readonly expects: Expectation;
}

/** The limits are promises L1 (crash), L2 (death) and L3 (hang); promise S2 says when nothing may move. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  death: {
    says: (active) => `${active} is gone at once: agent, Asterisk and network`,
    where: "active",
    happens: () => "DIES: agent, Asterisk and network are gone at once",
    expects: { kind: "move", limitMs: 2_000, since: "the death", oldActiveLives: false },
  },
  crash: {
    says: (active) => `the Asterisk of ${active} is killed, its agent lives`,
    where: "active",
    happens: () => "Asterisk is KILLED; the agent lives",
    expects: { kind: "move", limitMs: 600, since: "the crash", oldActiveLives: true },
  },
  hang: {
    says: (active) => `the Asterisk of ${active} hangs: it accepts, and answers nothing`,
    where: "active",
    happens: () => "Asterisk HANGS (SIGSTOP); the agent lives",
    expects: { kind: "move", limitMs: 3_000, since: "the hang", oldActiveLives: true },
  },
  partition: {
    says: (active, standby) => `the network between ${active} and ${standby} is cut, nothing else`,
    where: "network",
    happens: (active, standby) => `is CUT between ${active} and ${standby}; everything else works`,
    expects: { kind: "stay", alarms: ["nodes-cut-apart"] },
  },
  "agent-death": {
    says: (active) => `the agent of ${active} is killed, its Asterisk goes on`,
    where: "active",
    happens: () => "the agent is KILLED; Asterisk goes on",
    expects: { kind: "stay", alarms: ["peer-agent-silent"] },
  },
};

/** The fault with this name. start.mjs has checked it already. */
export function faultNamed(name: string): FaultName {
  const known = (Object.keys(FAULTS) as readonly FaultName[]).find((each) => each === name);
  if (known === undefined) throw new RangeError(`no fault ${name}`);
  return known;
}
