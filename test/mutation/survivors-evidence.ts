/** Mutants of the evidence, the votes, the gates and the claim that no test catches, and why that is right. */
export const SURVIVORS_OF_THE_EVIDENCE: Readonly<Record<string, string>> = {
  // gates.ts
  "gates.ts onPeer: state.evidence.target !== null && config.peers.includes(state.evidence.target) -> config.peers.includes(state.evidence.target)": "No target is no peer either: null is in no list of names, and the question is there for the type.",
  "gates.ts rankOf: peer < config.nodeId -> peer <= config.nodeId": "Equal names do not occur: a configuration that names the node among its own PEERS is refused.",
  "gates.ts yieldOf: target === null -> false": "Without a target no heartbeat is found either, because no member is called null: nothing is yielded in both cases.",

  // quorum.ts
  "quorum.ts decisiveReadAtMs: nowMs - markingSinceMs > config.markFastForMs * 0.8 -> nowMs - markingSinceMs >= config.markFastForMs * 0.8": "The 0.8 is a margin for clocks that began a little apart; no rule says on which side its very last millisecond counts.",
  "quorum.ts maybeMarkingSinceMs: state.evidence.target === null ? undefined : state.members[state.evidence.target] -> state.members[state.evidence.target]": "No member is called null, so that nobody is found in both cases; the question is there for the type.",

  // evidence.ts
  "evidence.ts judgeHeartbeat: member?.heartbeat == null || member.heardAtMs === null -> member?.heartbeat == null": "A heartbeat and the instant of its arrival are noted together (foldHeartbeat): neither is there without the other.",
  "evidence.ts lostInTheCold: evidence.target === null ? undefined : state.members[evidence.target] -> state.members[evidence.target]": "Without a target the verdict is given before this is asked; the question is there for the type.",

  // suspicion.ts
  "suspicion.ts freshHeartbeat: member?.heartbeat == null || member.heardAtMs === null -> member?.heartbeat == null": "A heartbeat and the instant of its arrival are noted together (foldHeartbeat): neither is there without the other.",

  // ownership.ts and claim.ts: what kind of holder it is follows from which of its fields is there; the question is for the type.
  "ownership.ts sameHolder: b.kind === \"node\" && a.node === b.node -> a.node === b.node": "Only a holder of the kind node has a name, so that no other is equal to one by name.",
  "ownership.ts sameHolder: b.kind === \"stranger\" && a.instanceId === b.instanceId -> a.instanceId === b.instanceId": "Only a stranger has an instance id (null at the least), so that no other holder is equal to one by it.",
  "ownership.ts markMoved: reading.mark === null || reading.holder.kind !== \"node\" -> reading.mark === null": "A mark names its writer, and a holder that is no node has no name: the next question, whether the two are the same, says no.",
  "claim.ts foldClaimRead: reading.holder.kind === \"node\" && reading.holder.node === config.nodeId -> reading.holder.node === config.nodeId": "A holder that is no node has no name, so that it is not taken for this node.",
};
