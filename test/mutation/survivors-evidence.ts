/** Mutants of the evidence, the votes, the gates and the claim that no test catches, and why that is right. */
export const SURVIVORS_OF_THE_EVIDENCE: Readonly<Record<string, string>> = {
  // gates.ts: nobody has no name, and nobody is his own peer.
  "gates.ts onPeer: state.evidence.target !== null && config.peers.includes(state.evidence.target) -> config.peers.includes(state.evidence.target)": "No target is no peer either: null is in no list of names, and the question is there for the type.",
  "gates.ts rankOf: peer < config.nodeId -> peer <= config.nodeId": "Equal names do not occur: a configuration that names the node among its own PEERS is refused.",
  "gates.ts yieldOf: target === null -> false": "Without a target no heartbeat is found either, because no member is called null: nothing is yielded in both cases.",

  // quorum.ts
  "quorum.ts decisiveReadAtMs: nowMs - markingSinceMs > config.markFastForMs * 0.8 -> nowMs - markingSinceMs >= config.markFastForMs * 0.8": "The 0.8 is a margin for clocks that began a little apart; no rule says on which side its very last millisecond counts.",
  "quorum.ts maybeMarkingSinceMs: state.evidence.target === null ? undefined : state.members[state.evidence.target] -> state.members[state.evidence.target]": "No member is called null, so that nobody is found in both cases; the question is there for the type.",

  // evidence.ts
  "evidence.ts judgeHeartbeat: member?.heartbeat == null || member.heardAtMs === null -> member?.heartbeat == null": "A heartbeat and the instant of its arrival are noted together (foldHeartbeat): neither is there without the other.",
  "evidence.ts lostInTheCold: evidence.target === null ? undefined : state.members[evidence.target] -> state.members[evidence.target]": "Without a target the verdict is given before this is asked; the question is there for the type.",
};
