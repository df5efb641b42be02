/** What AWS says, as its wires have it, and what chance makes of it. */
import fc from "fast-check";
import { CANARY, mutatedJsonText, mutatedText, noise, type Json } from "./mutate.ts";

/** What the adapters ask. */
export const AWS_QUESTIONS = ["readAddress", "readInstance", "claim", "dryRunClaim", "writeMark", "publish", "fetchSecret"] as const;
export type AwsQuestion = (typeof AWS_QUESTIONS)[number];

const NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";
const reply = (action: string, inside: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}"><requestId>00000000-0000-4000-8000-000000000000</requestId>${inside}</${action}Response>`;
const refusal = (code: string, message: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>`;
const address = (inside: string): string => reply("DescribeAddresses", `<addressesSet><item><publicIp>203.0.113.10</publicIp><allocationId>eipalloc-0a</allocationId><domain>vpc</domain>${inside}</item></addressesSet>`);
const marked = (value: string): string => `<tagSet><item><key>asterisk-node-agent/alive-mark</key><value>${value}</value></item><item><key>claimed-by</key><value>node-a</value></item></tagSet>`;

const REFUSALS = [
  refusal("RequestLimitExceeded", "Request limit exceeded."), refusal("UnauthorizedOperation", "You are not authorized to perform this operation."), refusal("Resource.AlreadyAssociated", "resource eipalloc-0a is already associated"),
  refusal("InternalError", "An internal error has occurred"), refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set."), refusal("InvalidAllocationID.NotFound", "The allocation ID does not exist"), refusal("", ""), refusal("Unavailable", "x".repeat(3_000)),
];

const XML: Readonly<Partial<Record<AwsQuestion, readonly string[]>>> = {
  readAddress: [
    address(`<associationId>eipassoc-1</associationId><instanceId>i-0a</instanceId><networkInterfaceId>eni-0a</networkInterfaceId><privateIpAddress>10.0.1.10</privateIpAddress>${marked("node-a/17")}`),
    address(`<associationId>eipassoc-1</associationId><networkInterfaceId>eni-0a</networkInterfaceId>${marked("node-b/999999999999999")}`),
    address(""), reply("DescribeAddresses", "<addressesSet/>"), reply("DescribeAddresses", ""),
  ],
  readInstance: [
    reply("DescribeInstanceStatus", "<instanceStatusSet><item><instanceId>i-0b</instanceId><instanceState><code>16</code><name>running</name></instanceState><systemStatus><status>ok</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus></item></instanceStatusSet>"),
    reply("DescribeInstanceStatus", "<instanceStatusSet/>"),
  ],
  claim: [reply("AssociateAddress", "<return>true</return><associationId>eipassoc-2</associationId>")],
  dryRunClaim: [refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set."), reply("AssociateAddress", "<return>true</return>")],
  writeMark: [reply("CreateTags", "<return>true</return>")],
};

const JSON_BODIES: Readonly<Partial<Record<AwsQuestion, readonly Json[]>>> = {
  publish: [{}, { __type: "InvalidParameterValueException", message: "The value is invalid." }, { __type: "com.amazonaws.cloudwatch#Throttling", Message: "Rate exceeded" }],
  fetchSecret: [
    { ARN: "arn:aws:secretsmanager:eu-central-1:000000000000:secret:lab", Name: "lab/secret", SecretString: `{"ari_password":"${CANARY}"}`, VersionId: "00000000-0000-4000-8000-000000000001", VersionStages: ["AWSCURRENT"], CreatedDate: 1_795_000_000.5 },
    { Name: "lab/secret", SecretBinary: "AAECAw==", VersionId: "00000000-0000-4000-8000-000000000002" },
    { __type: "ResourceNotFoundException", Message: `no such secret ${CANARY}` }, { __type: "AccessDeniedException", message: "denied" },
  ],
};

const XML_TOKENS = ["<", ">", "</", "/>", "<item>", "</item>", "<item/>", "<publicIp>", "<publicIp/>", "<Code>", "</Code>", "<Error>", "&lt;", "&amp;", "&#0;", "&#x110000;", "&x;", "<![CDATA[", "]]>", "<!--", "<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z \"&x;&x;&x;&x;\">]>", "&z;", "<?xml?>", "<__proto__>1</__proto__>", "<constructor>", "<toString/>", ' a="b"', "\u0000", "999.1.2.3", "node-a/1e9", "true", "0x10", "1e999", "<html><body>502 Bad Gateway</body></html>"];

/** Bodies for one question: mostly its own, sometimes another's, sometimes none. */
export function awsBody(question: AwsQuestion): fc.Arbitrary<string> {
  const json = JSON_BODIES[question];
  const own = json === undefined ? fc.constantFrom(...(XML[question] ?? []), ...REFUSALS) : fc.constantFrom(...json.map((body) => JSON.stringify(body)));
  const mutated = json === undefined ? mutatedText(own, XML_TOKENS) : mutatedJsonText(json);
  const foreign = fc.constantFrom("", " ", "null", "[]", "true", "{}", "<html></html>", '"text"', "\u0000".repeat(20), "<a>".repeat(2_000), "[".repeat(2_000), reply("AssociateAddress", "<return>true</return>"));
  return fc.oneof({ weight: 2, arbitrary: own }, { weight: 8, arbitrary: mutated }, { weight: 1, arbitrary: foreign }, { weight: 1, arbitrary: noise(XML_TOKENS) });
}
