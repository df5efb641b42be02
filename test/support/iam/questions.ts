/**
 * From a request as it goes over the wire to the questions that IAM asks about it: which action, on which resources, in
 * which context. After the service authorization reference for EC2, CloudWatch and Secrets Manager.
 */
import type { IncomingHttpHeaders } from "node:http";
import { CLUSTER } from "./policies.ts";
import type { Question } from "./simulate.ts";

/** What AWS knows of a resource by its id, beside the request. */
export interface Inventory {
  /** Tags of an instance, an interface or an address; undefined: there is none of this id. */
  tags(id: string): Readonly<Record<string, string>> | undefined;
  /** The primary interface of an instance. */
  interfaceOf(instanceId: string): string;
}

const ec2Arn = (kind: string, id: string): string => `arn:${CLUSTER.partition}:ec2:${CLUSTER.region}:${CLUSTER.account}:${kind}/${id}`;

/** Every question must be answered with yes. An empty list: not a request that the agent makes. */
export function questionsOf(headers: IncomingHttpHeaders, body: string, inventory: Inventory): readonly Question[] {
  const target = String(headers["x-amz-target"] ?? "");
  if (target !== "") return jsonQuestions(target.split(".")[1] ?? "", JSON.parse(body) as Record<string, unknown>);
  return ec2Questions(new URLSearchParams(body), inventory);
}

function ec2Questions(form: URLSearchParams, inventory: Inventory): readonly Question[] {
  const action = `ec2:${form.get("Action") ?? ""}`;
  const tagged = (kind: string, id: string | null): readonly Question[] => (id === null ? [] : [{ action, resource: ec2Arn(kind, id), context: tagContext(inventory.tags(id) ?? {}) }]);
  switch (action) {
    case "ec2:DescribeAddresses":
    case "ec2:DescribeInstanceStatus":
      return [{ action, resource: "*", context: {} }];
    case "ec2:AssociateAddress": {
      const instance = form.get("InstanceId");
      // Naming the instance associates its primary interface: asked about, too, because AWS does not say that it isn't.
      const network = form.get("NetworkInterfaceId") ?? (instance === null ? null : inventory.interfaceOf(instance));
      return [...tagged("elastic-ip", form.get("AllocationId")), ...tagged("instance", instance), ...tagged("network-interface", network)];
    }
    case "ec2:CreateTags": {
      const values = (pattern: RegExp): string[] => [...form].filter(([name]) => pattern.test(name)).map(([, value]) => value);
      const keys = values(/^Tag\.\d+\.Key$/);
      return values(/^ResourceId\.\d+$/).map((id) => ({ action, resource: ec2Arn("elastic-ip", id), context: { ...tagContext(inventory.tags(id) ?? {}), "aws:TagKeys": keys } }));
    }
    default:
      return [];
  }
}

function jsonQuestions(operation: string, input: Readonly<Record<string, unknown>>): readonly Question[] {
  if (operation === "PutMetricData") return [{ action: "cloudwatch:PutMetricData", resource: "*", context: { "cloudwatch:namespace": String(input["Namespace"]) } }];
  if (operation === "GetSecretValue") return secretQuestions(String(input["SecretId"]), CLUSTER.kms_key_arn);
  return [];
}

/** Reading a secret is also decrypting it, in the name of the reader. */
export function secretQuestions(secretArn: string, keyArn: string): readonly Question[] {
  return [
    { action: "secretsmanager:GetSecretValue", resource: secretArn, context: {} },
    { action: "kms:Decrypt", resource: keyArn, context: { "kms:ViaService": `secretsmanager.${CLUSTER.region}.amazonaws.com`, "kms:EncryptionContext:SecretARN": secretArn } },
  ];
}

function tagContext(tags: Readonly<Record<string, string>>): Question["context"] {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}
