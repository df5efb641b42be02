/** Mutants of what operators order, and of the start of a stopped standby, that no test catches, and why that is right. */
export const SURVIVORS_OF_THE_ORDERS: Readonly<Record<string, string>> = {
  // offer.ts
  "offer.ts offerOf: target === null ? null : freshHeartbeat(state, target, config) -> freshHeartbeat(state, target, config)": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",
  "offer.ts answeringTarget: to === null ? null : freshHeartbeat(state, to, config) -> freshHeartbeat(state, to, config)": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",

  // switchover-gates.ts
  "switchover-gates.ts targetGates: to === null ? null : freshHeartbeat(state, to, config) -> freshHeartbeat(state, to, config)": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",
  "switchover-gates.ts silence: to === null || !config.peers.includes(to) -> !config.peers.includes(to)": "No peer is called null: asked twice, for the type.",

  // switchover.ts
  "switchover.ts askSwitchover: holder?.kind === \"node\" && holder.node !== config.nodeId -> holder?.kind === \"node\"": "A node keeps no heartbeats of itself, so that it never hears itself as the active: asked twice on purpose.",
  "switchover.ts offered: switchover.to === null || freshHeartbeat(state, switchover.to, config) === null -> freshHeartbeat(state, switchover.to, config) === null": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",
  "switchover.ts withdrawn: switchover.to !== null && freshHeartbeat(state, switchover.to, config) !== null -> freshHeartbeat(state, switchover.to, config) !== null": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",
  "switchover.ts withdraw: isUnderWay(switchover) && switchover.phase !== \"withdrawing\" -> switchover.phase !== \"withdrawing\"": "It is called only while the switchover is under way; the question is there for the type.",
  "switchover.ts end: switchover === null ? state : { ...inPhase(state, switchover … ining: earlierDrain(state) } -> { ...inPhase(state, switchover, \"failed\", ending), draining: earlierDrain(state) }": "It is called only while there is a switchover; the question is there for the type.",
  "switchover.ts endWhenDeposed: switchover.to !== null && isHeldBy(state.ownership, switchover.to) -> isHeldBy(state.ownership, switchover.to)": "No node is called null, so that the address is not on it; the question is there for the type.",

  // takeover.ts
  "takeover.ts activeDanger: state.evidence.target === null ? null : freshHeartbeat(state … ate.evidence.target, config) -> freshHeartbeat(state, state.evidence.target, config)": "No member is called null, so that nobody is heard in both cases; the question is there for the type.",
  "takeover.ts takeoverRefusal: state.ownership.failure !== null && state.ownership.failures > 0 -> state.ownership.failures > 0": "A failure is kept as soon as one is counted (foldReadFailure); the question is there for the type.",

  // cold-standby.ts
  "cold-standby.ts coldStandbyDue: suspected && COLD_START_GATES.every((gate) => gate.passes(context)) -> COLD_START_GATES.every((gate) => gate.passes(context))": "No standby counts as stopped while nothing is suspected, so that its gate is closed: asked twice on purpose, because it saves asking all gates in every step.",
  "cold-standby.ts foldStart: suspectedAtMs !== null && coldStart.notBeforeMs < suspectedAtMs -> coldStart.notBeforeMs < suspectedAtMs": "null compares as 0, and no instant of the monotonic clock is before that; the question is there for the type.",
};
