/** Mutants of the schedule, and of what is said to the others, that no test catches, and why that is right. */
export const SURVIVORS_OF_THE_SCHEDULE: Readonly<Record<string, string>> = {
  "schedule.ts schedule: due.length === 0 -> false": "An equal state would be copied in every step: a cost, and nothing else.",
  "schedule.ts ownProbes: PROBE_KEYS[probe] ?? `probe:${probe}` -> `probe:${probe}`": "The table holds the same texts: it saves putting them together in every step.",
  "schedule.ts countsMs: switchover.refusingSinceMs !== null && (startedActions[\"prob … < switchover.refusingSinceMs -> (startedActions[\"probe:counts\"] ?? -Infinity) < switchover.refusingSinceMs": "null compares as 0, and no clock has been there: a count that was never made is due anyway. The question is there for the type.",
  "schedule.ts references: track.okSentAtMs === null || track.okSentAtMs < missing -> track.okSentAtMs < missing": "null compares as 0, which is before every miss; the question is there for the type.",
  "schedule.ts suspectReadMs: suspectedAtMs !== null && state.nowMs - suspectedAtMs < HURRY_FOR_MS -> state.nowMs - suspectedAtMs < HURRY_FOR_MS": "Its answer is used only while the active is suspected; the question is there for the type.",
  "schedule.ts readIsDue: decisiveAtMs !== null && startedAtMs < decisiveAtMs -> startedAtMs < decisiveAtMs": "While the active is suspected there is always a decisive read; the question is there for the type.",
  "schedule.ts readIsDue: ownership.answeringSinceMs !== null && ownership.answeringSinceMs > evidence.suspectedAtMs -> ownership.answeringSinceMs > evidence.suspectedAtMs": "null compares as 0, which is after no suspicion; the question is there for the type.",
  "schedule.ts readIsDue: answersAgain && decisiveAtMs !== null -> answersAgain": "While the active is suspected there is always a decisive read; the question is there for the type.",
  "schedule.ts readIsDue: nowMs < decisiveAtMs -> nowMs <= decisiveAtMs": "At that very instant the line before has answered already, unless the read was started in this same instant; then the next is not due in either case.",
  "schedule.ts unheardPeersSince: since !== null && (newest === null || since > newest) -> (newest === null || since > newest)": "A peer that is heard would set what is null to null again, and null is after no instant; the question is there for the type.",
  "schedule.ts unheardPeersSince: newest === null || since > newest -> since > newest": "null compares as 0, and every instant is after that; the question is there for the type.",
  "schedule.ts unheardPeersSince: since > newest -> since >= newest": "Of two equal instants either may be taken.",
  "schedule.ts markIsDue: since === null || !canServe(state.health.serving) || reference.okSentAtMs === null -> since === null || !canServe(state.health.serving)": "null compares as 0, which is before every silence; the question is there for the type.",
  "schedule.ts housekeeping: !state.unsaved || state.inFlight[\"save\"] !== undefined -> !state.unsaved": "Asked twice on purpose: nothing of which one is under way is started, and the record need not be put together for that.",

  // speak.ts
  "speak.ts tellRoster: hearing(member, state.nowMs, config) === \"heard\" && member?.heartbeat != null -> hearing(member, state.nowMs, config) === \"heard\"": "A heartbeat and the instant of its arrival are noted together (foldHeartbeat): who is heard has one.",
  "speak.ts tellRoster: config.kind === \"witness\" || roster.generation === 0 -> roster.generation === 0": "A witness has no Asterisk and lists no calls, so that its roster never has a generation: asked twice on purpose, because a roster names callers.",
  "speak.ts tellRoster: roster === state.roster && sent === roster.sent -> false": "An equal state would be copied with every heartbeat: a cost, and nothing else.",
  "speak.ts heartbeatTo: member?.heartbeat == null || member.heardAtMs === null -> member?.heartbeat == null": "A heartbeat and the instant of its arrival are noted together (foldHeartbeat): neither is there without the other.",
  "speak.ts coldStartPart: config.coldStandby ? coldStandbySays(gateContext(state, config)) : null -> coldStandbySays(gateContext(state, config))": "A shortcut: coldStandbySays asks the same first, and says nothing on every other member.",
};
