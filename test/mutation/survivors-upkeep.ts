/** Mutants of what the passing of time, the probes and the schedule change that no test catches, and why that is right. */
export const SURVIVORS_OF_THE_UPKEEP: Readonly<Record<string, string>> = {
  // policy.ts
  "policy.ts agePolicy: policy.claimsAtMs.length > 0 && nowMs - (policy.claimsAtMs[0] ?? nowMs) >= HOUR_MS -> nowMs - (policy.claimsAtMs[0] ?? nowMs) >= HOUR_MS": "Without a claim the oldest counts as made now, which is less than an hour ago: asked twice on purpose.",
  "policy.ts agePolicy: policy.claimsAtMs.length > 0 -> policy.claimsAtMs.length >= 0": "Without a claim the oldest counts as made now, which is less than an hour ago: asked twice on purpose.",

  // age.ts
  "age.ts age: health !== next.health -> true": "An equal state would be copied in every step: a cost, and nothing else.",
  "age.ts age: config.kind === \"node\" -> true (2)": "All that follows looks at the role, at a switchover or at a claim, and a witness has none; an order for a takeover that it has refused would be forgotten after two minutes, when nobody asks for it any more.",
  "age.ts ageMembers: after === before && state.members[id] !== undefined -> false": "An equal row would be copied in every step: a cost, and nothing else.",
  "age.ts ageMembers: after === before && state.members[id] !== undefined -> after === before": "Every member has its row from the first state on (initialState), and none is ever taken away.",
  "age.ts ageMembers: state.members[id] !== undefined -> state.members[id] === undefined": "Every member has its row from the first state on (initialState): an equal one would be copied, a cost and nothing else.",
  "age.ts ageMembers: before.unheardSinceMs === null && after.unheardSinceMs !== null -> before.unheardSinceMs === null": "The row of a member that was not missed changes only when it is missed now: it is counted as absent no sooner than that.",
  "age.ts yieldIfDown: yielding === state.yielding -> false": "An equal state would be copied in every step: a cost, and nothing else.",
  "age.ts ready: state.role !== \"standby\" || (state.evidence.target !== null  … ence.suspectedAtMs === null) -> state.role !== \"standby\"": "A shortcut: while an active is watched and not suspected, the gates of every automatic claim are closed, too (EC2 asked, owner asked, nobody holds it).",
  "age.ts ready: state.readySince === null ? state : withChanges(state, { readySince: null }) -> withChanges(state, { readySince: null })": "An equal state would be copied in every step: a cost, and nothing else.",
  "age.ts limit: state.role !== \"standby\" || state.policy.blocked || state.po … ength < config.claimsPerHour -> state.role !== \"standby\" || state.policy.blocked": "A shortcut: below the limit limitIsHit says no by itself.",
  "age.ts limit: state.role !== \"standby\" || state.policy.blocked -> state.role !== \"standby\"": "A shortcut: when claims are blocked that gate is closed, and limitIsHit says no by itself.",

  // health.ts
  "health.ts probeFailure: false -> true (3)": "Whether a probe was refused is asked of ARI and SIP alone, never of the database.",
  "health.ts probeFailure: false -> true (5)": "Whether a probe was refused is asked of ARI and SIP alone, never of an application.",
  "health.ts judgeHealth: serving === health.serving && reason === health.reason -> reason === health.reason": "Another verdict comes with another sentence: none of the sentences belongs to two verdicts that can follow each other.",
  "health.ts reachability: !health.ariSocketOpen && ari.misses === 0 && canServe(health.serving) -> !health.ariSocketOpen && ari.misses === 0": "A node that comes back with its event socket closed would be called degraded at once, instead of in the next step; one that has not settled says what it waits for in both cases.",
  "health.ts applications: row.misses === 0 || row.firstMissAtMs === null -> row.misses === 0": "Misses and the instant of the first of them are noted together (foldProbe, doubtHealth): neither is there without the other.",
  "health.ts applications: row.misses === 0 || row.firstMissAtMs === null -> row.firstMissAtMs === null": "Misses and the instant of the first of them are noted together (foldProbe, doubtHealth): neither is there without the other.",
  "health.ts canary: row.misses > 0 && row.okAtMs !== null -> row.misses > 0": "Before its first good canary call a node has not settled: verdict and sentence are those of waiting in both cases.",

  // fold.ts
  "fold.ts heard: next.rttMs !== null && sentAtMs !== undefined -> sentAtMs !== undefined": "When we know when the echoed heartbeat left, foldHeartbeat has just worked the round trip out; the question is there for the type.",
  "fold.ts believeHolder: current !== null && state.members[current]?.heartbeat?.holds === true -> state.members[current]?.heartbeat?.holds === true": "No member is called null, so that nobody says so in both cases; the question is there for the type.",
  "fold.ts markToldBy: node === undefined ? undefined : members[node]?.heartbeat?.mark -> members[node]?.heartbeat?.mark": "No member is called undefined, so that nothing is found in both cases; the question is there for the type.",
  "fold.ts markToldBy: node === undefined || counter == null ? null : { node, counter } -> { node, counter }": "A mark without a counter or a writer is equal to none that EC2 shows (sameMark), as none is; the question is there for the type.",
  "fold.ts markToldBy: node === undefined || counter == null -> node === undefined": "A mark without a counter is equal to none that EC2 shows (sameMark), as none is; the question is there for the type.",
  "fold.ts markToldBy: node === undefined || counter == null -> counter == null": "Without a node no counter is found; the question is there for the type.",
  "fold.ts handedOver: switchover !== null && switchover.offeredAtMs !== null && to?.kind === \"node\" -> switchover !== null && switchover.offeredAtMs !== null": "Only a holder of the kind node has a name, so that no other is the target of a switchover by name.",

  // step.ts
  "step.ts initialState: true -> false": "Nothing has been sent yet, so a heartbeat is due in the first step anyway.",
  "step.ts step: next.passingOn.length > 0 -> true": "An equal state would be copied in every step: a cost, and nothing else.",
  "step.ts step: next.passingOn.length > 0 -> next.passingOn.length >= 0": "An equal state would be copied in every step: a cost, and nothing else.",

  // asterisk-role.ts
  "asterisk-role.ts databaseIsBack: before.role === \"active\" && missed !== null && completion.kind === \"probe\" -> before.role === \"active\" && missed !== null": "Only a probe's answer names a probe, so that no other is the database's; the question is there for the type.",
};
