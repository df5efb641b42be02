/** The documents of provisioning/iam with their placeholders filled in, as Terraform fills them in. */
import { fillTemplate } from "../terraform-template.ts";

export const IAM_FOLDER = new URL("../../../provisioning/iam/", import.meta.url);

/** Names of the permission policies (not the trust and key policies). */
export const POLICY_NAMES = ["node-policy", "witness-policy", "witness-cold-standby-policy", "machine-policy", "operator-policy", "packer-build-policy", "stasis-app-policy"] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** One cluster's names. */
export const CLUSTER = {
  partition: "aws",
  region: "eu-central-1",
  account: "123456789012",
  cluster_id: "demo",
  allocation_id: "eipalloc-1",
  metrics_namespace: "Asterisk/Node",
  secret_arn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:asterisk-node-demo-AbCdEf",
  kms_key_arn: "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555",
  log_group_prefix: "/asterisk-node",
  document_prefix: "asterisk-node-demo",
  call_event_topic: "demo-calls",
  call_event_key_arn: "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555",
} as const;

/** A policy of the cluster; `node` is whose, where the policy asks. Throws when it is no JSON after filling in. */
export function policyOf(name: PolicyName, values: Readonly<Record<string, string>> = CLUSTER, node = "node-a"): Policy {
  return JSON.parse(fillTemplate(new URL(`${name}.json`, IAM_FOLDER), { ...values, node_id: node })) as Policy;
}

/** Actions or resources of a statement, always as a list. */
export const listed = (value: string | readonly string[]): readonly string[] => (typeof value === "string" ? [value] : value);
