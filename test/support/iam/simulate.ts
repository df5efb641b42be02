/**
 * Would IAM allow it? The answer of a maintained simulator (@cloud-copilot/iam-simulate) that knows, from AWS's own service
 * authorization reference, which resources and condition keys an action has: a policy that asks for a key which AWS never
 * sends is found out, because the simulator does not pass that key on.
 */
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { CLUSTER, type Policy, type Statement } from "./policies.ts";

/** One question as IAM puts it: a call that touches three resources is three questions, and all must be allowed. */
export interface Question {
  /** As in "ec2:AssociateAddress". */
  readonly action: string;
  /** An ARN, or "*" for an action without resources. */
  readonly resource: string;
  readonly context: Readonly<Record<string, string | string[]>>;
}

/** Rejects when the question itself is wrong: an unknown action, or a resource that the action does not have. */
export async function allows(policy: Policy, question: Question): Promise<boolean> {
  const isKms = question.action.startsWith("kms:");
  const reply = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${CLUSTER.account}:role/asterisk-node-demo`,
        action: question.action,
        resource: { resource: question.resource, accountId: CLUSTER.account },
        contextVariables: { "aws:RequestedRegion": CLUSTER.region, ...question.context },
      },
      identityPolicies: [{ name: "policy", policy: isKms ? encryptionContextSettled(policy, question) : policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(isKms ? { resourcePolicy: KEY_POLICY } : {}),
    },
    {},
  );
  if (reply.resultType === "error") throw new Error(`${question.action} on ${question.resource}: ${JSON.stringify(reply.errors)}`);
  return reply.overallResult === "Allowed";
}

/** As in kms-key-policy.json: the account's IAM policies decide. */
const KEY_POLICY = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${CLUSTER.account}:root` }, Action: "kms:*", Resource: "*" }] };

const ENCRYPTION_CONTEXT = "kms:EncryptionContext:SecretARN";

/**
 * The simulator drops kms:EncryptionContext:NAME from the context, because it knows that key by its pattern only. So this one
 * condition is settled here: where it holds it is taken out, where it does not hold the statement is.
 */
function encryptionContextSettled(policy: Policy, question: Question): Policy {
  const given = question.context[ENCRYPTION_CONTEXT];
  const statements = policy.Statement.flatMap((statement): Statement[] => {
    const { [ENCRYPTION_CONTEXT]: asked, ...others } = statement.Condition?.["StringEquals"] ?? {};
    if (asked === undefined) return [statement];
    return asked === given ? [{ ...statement, Condition: { ...statement.Condition, StringEquals: others } }] : [];
  });
  return { ...policy, Statement: statements };
}
