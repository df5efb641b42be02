/** EC2's wire: form-encoded queries in, XML out, as the SDK's ec2Query protocol speaks it. */
import type { Ec2Answer, Ec2Request } from "./ec2-shapes.ts";
import { Ec2Error } from "./ec2-limits.ts";

const NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

/** Reads a query. Throws Ec2Error(InvalidAction) for an action that the model doesn't have. */
export function parseEc2(form: URLSearchParams): Ec2Request {
  const text = (name: string): string => form.get(name) ?? "";
  const optional = (name: string): string | null => form.get(name);
  const flag = (name: string): boolean => form.get(name) === "true";
  const list = (name: string): string[] => Array.from({ length: 100 }, (_unused, index) => form.get(`${name}.${index + 1}`)).filter((value) => value !== null);
  const action = text("Action");
  switch (action) {
    case "DescribeAddresses":
      return { action, allocationIds: list("AllocationId") };
    case "AssociateAddress":
      return { action, allocationId: text("AllocationId"), instanceId: optional("InstanceId"), networkInterfaceId: optional("NetworkInterfaceId"), privateIpAddress: optional("PrivateIpAddress"), allowReassociation: form.has("AllowReassociation") ? flag("AllowReassociation") : null, dryRun: flag("DryRun") };
    case "DisassociateAddress":
      return { action, associationId: text("AssociationId"), dryRun: flag("DryRun") };
    case "CreateTags":
      return { action, resources: list("ResourceId"), tags: tagsOf(form), dryRun: flag("DryRun") };
    case "StartInstances":
      return { action, instanceIds: list("InstanceId"), dryRun: flag("DryRun") };
    case "DescribeInstanceStatus":
      return { action, instanceIds: list("InstanceId"), includeAllInstances: flag("IncludeAllInstances") };
    default:
      throw new Ec2Error("InvalidAction", `The action ${action} is not valid for this web service.`);
  }
}

/** The XML of an answer. */
export function ec2Xml(action: string, answer: Ec2Answer, requestId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}"><requestId>${requestId}</requestId>${bodyOf(answer)}</${action}Response>`;
}

/** The XML of a refusal. */
export function ec2ErrorXml(error: Ec2Error, requestId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${escape(error.code)}</Code><Message>${escape(error.message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`;
}

function bodyOf(answer: Ec2Answer): string {
  switch (answer.kind) {
    case "done":
      return element("return", true);
    case "associated":
      return element("return", true) + element("associationId", answer.associationId);
    case "addresses":
      return element("addressesSet", answer.addresses.map(({ Tags, ...plain }) => ({ ...plain, ...(Tags.length === 0 ? {} : { tagSet: Tags }) })));
    case "started":
      return element("instancesSet", answer.instances.map(({ instanceId, was, is }) => ({ instanceId, currentState: { code: 0, name: is }, previousState: { code: 80, name: was } })));
    case "statuses":
      return element(
        "instanceStatusSet",
        answer.statuses.map((status) => ({
          instanceId: status.InstanceId,
          availabilityZone: status.AvailabilityZone,
          instanceState: { code: 16, name: status.InstanceState.Name },
          instanceStatus: { status: status.InstanceStatus.Status },
          systemStatus: { status: status.SystemStatus.Status },
        })),
      );
  }
}

/** EC2 writes members with a small first letter, and the members of a list as `item`. */
function element(name: string, value: unknown): string {
  const tag = name.charAt(0).toLowerCase() + name.slice(1);
  return `<${tag}>${content(value)}</${tag}>`;
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => element("item", one)).join("");
  if (typeof value === "object" && value !== null) return Object.entries(value).map(([name, one]) => element(name, one)).join("");
  return escape(String(value));
}

function tagsOf(form: URLSearchParams): { Key: string; Value: string }[] {
  const tags: { Key: string; Value: string }[] = [];
  for (let index = 1; form.has(`Tag.${index}.Key`); index += 1) tags.push({ Key: form.get(`Tag.${index}.Key`) ?? "", Value: form.get(`Tag.${index}.Value`) ?? "" });
  return tags;
}

function escape(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
