/**
 * Callers with policies in moto, whose IAM knows actions but neither resources nor conditions: it asks about every EC2,
 * CloudWatch and Secrets Manager call as if it were for the resource "*", and takes conditions as met. So a policy is
 * widened to "*" for it. It also takes an action's service from the signature, where CloudWatch is called `monitoring`. What
 * is left open by that, resources and conditions, iam-policies.test.ts and gate.ts settle.
 */
import { listed, type Policy } from "./policies.ts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The policy as moto can judge it. */
export function widened(policy: Policy): Policy {
  return { ...policy, Statement: policy.Statement.map(({ Sid, Effect, Action }) => ({ Sid, Effect, Action: listed(Action).map((action) => action.replace(/^cloudwatch:/, "monitoring:")), Resource: "*" })) };
}

/** Whether moto enforces IAM and checks signatures from now on. Without, every call is allowed. */
export async function enforce(url: string, on: boolean): Promise<void> {
  const reply = await fetch(`${url}/moto-api/reset-auth`, { method: "POST", body: on ? "0" : "inf" });
  if (!reply.ok) throw new Error(`moto answered ${reply.status} to reset-auth`);
}

/** A user with this policy and an access key of its own. Only while moto does not enforce. */
export async function makeUser(url: string, name: string, policy: Policy): Promise<AccessKey> {
  await callIam(url, { Action: "CreateUser", UserName: name });
  await callIam(url, { Action: "PutUserPolicy", UserName: name, PolicyName: "policy", PolicyDocument: JSON.stringify(policy) });
  const reply = await callIam(url, { Action: "CreateAccessKey", UserName: name });
  const field = (tag: string): string => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(reply)?.[1] ?? "";
  return { accessKeyId: field("AccessKeyId"), secretAccessKey: field("SecretAccessKey") };
}

/** IAM's query protocol in its plainest form: three calls do not need another SDK client. */
async function callIam(url: string, form: Readonly<Record<string, string>>): Promise<string> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", authorization: "AWS4-HMAC-SHA256 Credential=operator/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0" },
    body: new URLSearchParams({ ...form, Version: "2010-05-08" }).toString(),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`moto answered ${reply.status} to ${form["Action"] ?? ""}: ${text}`);
  return text;
}
