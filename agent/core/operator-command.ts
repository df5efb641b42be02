/** What an operator may tell an agent, over its socket in STATE_DIR. */
import type { SwitchoverRequest } from "./switchover.ts";
import type { TakeoverRequest } from "./takeover.ts";

/** `pause`, `resume` and `switchover` are for the cluster, the others for this node. */
export type OperatorCommand =
  | { readonly kind: "switchover"; readonly request: SwitchoverRequest }
  | { readonly kind: "takeover"; readonly request: TakeoverRequest }
  | { readonly kind: "drain"; readonly reason: string; readonly forMs: number }
  | { readonly kind: "undrain" }
  | { readonly kind: "pause"; readonly reason: string; readonly forMs: number | null } | { readonly kind: "resume" } | { readonly kind: "acknowledge" };
