/** From an HTTP request to one of the embedded services, and back: who calls, what is asked, which error in which wire. */
import type { IncomingHttpHeaders } from "node:http";
import { performance } from "node:perf_hooks";
import type { AwsLab } from "./aws-lab.ts";
import { Ec2Error, throttled } from "./ec2-limits.ts";
import { ec2ErrorXml, ec2Xml, parseEc2 } from "./ec2-wire.ts";
import type { FaultOutcome } from "./faults.ts";
import { JsonServiceError } from "./json-services.ts";

/** What goes back. */
export interface WireReply {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One AWS call, understood as far as needed to choose its faults and to run it. */
export interface WireCall {
  readonly caller: string;
  readonly action: string;
  /** For the record; without secrets. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Does the work. */
  run(readLagMs: number): WireReply;
  /** The reply of a call that a fault settles before any work, or after it. */
  refuse(outcome: FaultOutcome): WireReply | null;
}

const REQUEST_ID = "00000000-0000-4000-8000-000000000000";

/** Understands a request by its headers, as AWS does; null when it is none of ours. */
export function understand(lab: AwsLab, headers: IncomingHttpHeaders, body: string): WireCall | null {
  const caller = callerOf(headers);
  const target = String(headers["x-amz-target"] ?? "");
  if (target !== "") return jsonCall(lab, caller, target, headers["content-type"] ?? "application/x-amz-json-1.1", body);
  if ((headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")) return ec2Call(lab, caller, new URLSearchParams(body));
  return null;
}

/** The access key id in the signature: each node has its own, so each can be cut off by itself. */
function callerOf(headers: IncomingHttpHeaders): string {
  return /Credential=([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "anonymous";
}

function ec2Call(lab: AwsLab, caller: string, form: URLSearchParams): WireCall {
  const action = form.get("Action") ?? "";
  const refusal = (error: Ec2Error): WireReply => ({ status: error.status, contentType: "text/xml;charset=UTF-8", body: ec2ErrorXml(error, REQUEST_ID) });
  return {
    caller,
    action,
    parameters: Object.fromEntries(form),
    run: (readLagMs) => {
      try {
        if (caller === "anonymous") throw new Ec2Error("MissingAuthenticationToken", "The request is not signed.", 403);
        return { status: 200, contentType: "text/xml;charset=UTF-8", body: ec2Xml(action, lab.ec2.execute(parseEc2(form), performance.now(), readLagMs), REQUEST_ID) };
      } catch (error) {
        if (error instanceof Ec2Error) return refusal(error);
        throw error;
      }
    },
    refuse: (outcome) => {
      if (outcome === "throttle") return refusal(throttled());
      if (outcome === "deny") return refusal(denied());
      const failure = internalError(outcome);
      return failure === null ? null : refusal(failure);
    },
  };
}

/** EC2's words for a missing permission (API reference, client error codes). */
function denied(): Ec2Error {
  return new Ec2Error("UnauthorizedOperation", "You are not authorized to perform this operation.", 403);
}

/** EC2's own failures (API reference, server error codes); null when the outcome is none of them. */
function internalError(outcome: FaultOutcome): Ec2Error | null {
  if (outcome === "error-500" || outcome === "error-after") return new Ec2Error("InternalError", "An internal error has occurred", 500);
  return outcome === "error-503" ? new Ec2Error("Unavailable", "The server is overloaded and can't handle the request", 503) : null;
}

function jsonCall(lab: AwsLab, caller: string, target: string, contentType: string, body: string): WireCall {
  const action = target.split(".")[1] ?? "";
  const refusal = (error: JsonServiceError): WireReply => ({ status: error.status, contentType, headers: { "x-amzn-query-error": `${error.code};Sender`, "x-amzn-errortype": error.code }, body: JSON.stringify({ __type: error.code, message: error.message }) });
  const input: unknown = JSON.parse(body === "" ? "{}" : body);
  return {
    caller,
    action,
    parameters: recordable(action, input),
    run: () => {
      try {
        return { status: 200, contentType, body: JSON.stringify(runJson(lab, caller, action, input)) };
      } catch (error) {
        if (error instanceof JsonServiceError) return refusal(error);
        throw error;
      }
    },
    refuse: (outcome) => {
      if (outcome === "throttle") return refusal(new JsonServiceError("ThrottlingException", "Rate exceeded"));
      if (outcome === "deny") return refusal(new JsonServiceError("AccessDeniedException", "The caller is not authorized to perform the action"));
      if (outcome === "error-500" || outcome === "error-after") return refusal(new JsonServiceError("InternalServiceError", "Internal failure", 500));
      return outcome === "error-503" ? refusal(new JsonServiceError("ServiceUnavailable", "Service unavailable", 503)) : null;
    },
  };
}

function runJson(lab: AwsLab, caller: string, action: string, input: unknown): object {
  switch (action) {
    case "PutMetricData":
      lab.cloudWatch.putMetricData(caller, input, Date.now());
      return {};
    case "GetSecretValue":
      return lab.secrets.getSecretValue(input);
    case "PutSecretValue":
      return lab.secrets.putSecretValue(input);
    default:
      throw new JsonServiceError("UnknownOperationException", `no such operation: ${action}`);
  }
}

function recordable(action: string, input: unknown): Readonly<Record<string, unknown>> {
  if (typeof input !== "object" || input === null) return {};
  return action === "PutSecretValue" ? { SecretId: "SecretId" in input ? input.SecretId : null } : { ...input };
}
