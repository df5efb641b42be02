/**
 * Every error code of the agent: what it means and what the operator does about it. Codes are stable; match on
 * `code`, never on text. README's error table is generated from ERRORS, and a test keeps the two equal.
 */

export const ERRORS = {
  AGENT_CONFIG_INVALID: { meaning: "The configuration can't be used: a knob is missing, out of range, unknown, or two of them contradict each other.", remedy: "Read the lines that follow: each names the knob, the value's problem and what is accepted. Correct agent.env and start the agent again." },
  AGENT_SECRET_INVALID: { meaning: "The secret lacks a field, or a field is not of the expected shape. The message names the field, never its value.", remedy: "Correct that field of the secret (SECRET_ID or SECRETS_FILE) and start the agent again." },
  AGENT_SECRET_UNREADABLE: { meaning: "The secret can't be fetched or read: no permission, no such secret, no path to Secrets Manager, or a file that others may read.", remedy: "Check SECRET_ID and the instance role, or SECRETS_FILE and its mode (0600)." },
  AGENT_STATE_UNREADABLE: { meaning: "What the agent keeps in STATE_DIR can't be read. The damaged file is set aside, and the agent starts with a full hold-down.", remedy: "Look at the *.damaged file in STATE_DIR and at the disk. A pause that was in force must be set again." },
  AGENT_STATE_UNWRITABLE: { meaning: "STATE_DIR can't be written (full disk, permissions). The agent keeps deciding from memory; a restart would forget pause and hold-down.", remedy: "Free space in STATE_DIR or correct its owner (the agent's user) and mode (0750)." },
  AGENT_LISTEN_FAILED: { meaning: "A port that the agent listens on can't be had. The agent ends, and pm2 starts it again.", remedy: "Does another agent still run on this machine? Are LISTEN and STATUS_LISTEN addresses of it?" },
  AGENT_PEER_REFUSED: { meaning: "A connection or frame on the heartbeat port was refused: wrong key, unknown node, other cluster, replayed, malformed, too large, or too many.", remedy: "The log line names which. For a wrong key: do both nodes read the same secret version? For an unknown address: who is it, and why may it reach this port?" },
  AGENT_PEER_VERSION_MISMATCH: { meaning: "The peer speaks a protocol version that this agent does not understand.", remedy: "Bring both agents to the same version, or one release apart." },
  AGENT_CLOUD_TIMEOUT: { meaning: "An AWS call did not answer within its deadline. Whether it took effect is unknown until EC2 is read again.", remedy: "None if rare. If lasting: check the node's own path to AWS (management address or VPC endpoint)." },
  AGENT_CLOUD_UNREACHABLE: { meaning: "AWS can't be reached: connection refused, no route, or the name does not resolve.", remedy: "Check the node's own path to AWS (management address or VPC endpoint), DNS, and AWS_LOCAL_ADDRESS." },
  AGENT_CLOUD_THROTTLED: { meaning: "AWS refused a call because the account's request rate is exhausted. The agent retries with jittered backoff.", remedy: "Find who else in the account calls the same EC2 action; the agent itself makes about one call a minute." },
  AGENT_CLOUD_DENIED: { meaning: "AWS refused a call for lack of permission.", remedy: "Compare the instance role with provisioning/iam/, and look for a boundary or an organisation policy." },
  AGENT_CLOUD_FAILED: { meaning: "AWS answered with an error that is none of the above. The message carries AWS's own code.", remedy: "Look the code up; if it is an internal error of AWS, the agent retries by itself." },
  AGENT_CLAIM_REFUSED: { meaning: "EC2 refused the claim because the address is associated and this claim was only for a free one: another node was faster.", remedy: "None." },
  AGENT_CLAIM_UNCONFIRMED: { meaning: "EC2 accepted the claim, or its outcome is unknown, and reading back does not show this node as the holder.", remedy: "See which instance holds the address in the console. The agent keeps reading and tries again if its reasons persist." },
  AGENT_CLAIM_STALE: { meaning: "The claim was decided, but the process was held up before it could be sent, so it was not sent: the evidence is gathered anew.", remedy: "If it repeats, the machine stalls: look at CPU steal, swap and the event-loop lag metric." },
  AGENT_PROBE_TIMEOUT: { meaning: "A probe was not answered within its deadline.", remedy: "None if rare: a verdict needs several in a row." },
  AGENT_PROBE_REFUSED: { meaning: "A probe was refused: nothing listens there.", remedy: "Is Asterisk running, and is the address the right one (ARI_URL, SIP_ADDRESS)?" },
  AGENT_ARI_DENIED: { meaning: "ARI refused the user name or password.", remedy: "Compare ari_password of the secret with ari.conf; render the configuration again." },
  AGENT_ARI_FAILED: { meaning: "ARI answered with an error, or something the agent can't read.", remedy: "The message carries ARI's answer; Asterisk's log has its side." },
  AGENT_RENDER_INVALID: { meaning: "Asterisk's configuration can't be made: a template is damaged or wants a value that nobody gives, or a value would break out of its line. The message names file, line, placeholder and source, never the value. Nothing was changed.", remedy: "Correct what the lines name: the knob in agent.env, the field of the secret, or the template." },
  AGENT_RENDER_UNWRITABLE: { meaning: "The folder of Asterisk's configuration can't be read or written, or another render holds it. What was there before is still there, whole.", remedy: "Free space, or correct the folder's owner (the agent's user) and mode (2750). Then `nodectl render` again: it completes what was begun." },
  AGENT_MAILBOX_FULL: { meaning: "Events arrive faster than they can be handled. The agent stops, so that it never decides on old facts, and pm2 starts it again.", remedy: "Look at the event-loop lag and the CPU of the machine." },
  AGENT_INVARIANT_BROKEN: { meaning: "The agent found itself in a state that must not exist. It stops with exit code 70 and pm2 starts it again as a node that reads EC2 before it does anything.", remedy: "Report it with the log: it is a defect of the agent." },
} as const satisfies Record<string, { meaning: string; remedy: string }>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/** An expected failure, with a stable code of its program's list. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;

  /**
   * @param code which of the list it is
   * @param message what happened, without any secret or telephone number
   * @param cause the underlying error, kept for the debug log
   */
  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}

/** An expected failure of the world outside, translated by an adapter. The core decides what follows from it. */
export class AgentError extends CodedError<ErrorCode> {
  override readonly name = "AgentError";
}
