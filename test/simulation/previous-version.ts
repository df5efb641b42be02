/**
 * The version before this one, as far as others notice it: it knows no call roster, and its heartbeats lack the fields that
 * came later. Which these are is asked of the codec itself: those that it fills in when they are missing.
 */
import { decodeFrame, type Heartbeat } from "../../agent/core/heartbeat.ts";
import { sampleHeartbeat } from "./core-samples.ts";

function laterFields(): Partial<Heartbeat> {
  const whole = sampleHeartbeat();
  const filledIn = Object.keys(whole).flatMap((name): readonly (readonly [string, unknown])[] => {
    const decoded = decodeFrame(JSON.stringify({ ...whole, [name]: undefined }), whole.cluster, whole.node);
    return decoded.ok ? [[name, (decoded.frame as unknown as Record<string, unknown>)[name]]] : [];
  });
  return Object.fromEntries(filledIn);
}

/** The fields that the version before lacks, with what they count as. */
const LATER_FIELDS = laterFields();
const LEFT_OUT = Object.fromEntries(Object.keys(LATER_FIELDS).map((name) => [name, undefined]));

/** The heartbeat's text as the version before would have sent it. */
export function encodedByPrevious(heartbeat: Heartbeat): string {
  return JSON.stringify({ ...heartbeat, ...LEFT_OUT });
}

/** What the version before understands of a heartbeat. */
export function readByPrevious(heartbeat: Heartbeat): Heartbeat {
  return { ...heartbeat, ...LATER_FIELDS };
}
