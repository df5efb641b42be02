/**
 * The menu as a state machine: step(menu, state, event) gives the next state and what is to be done. Pure: prompts, timers and
 * transfers are asked for in actions and reported in events. Whatever is asked for carries the turn in which it was asked;
 * a report of an older turn (a timer that fired while a key was pressed, say) is about nothing any more and changes nothing.
 */
import type { CompiledMenu, Step } from "./compile-menu.ts";

type Gather = Extract<Step, { readonly type: "gather" }>;

export interface MenuState {
  /** Path of the node in which the call is. */
  readonly node: string;
  readonly phase: "playing" | "waiting" | "transferring" | "over";
  /** Counts what was asked for. */
  readonly turn: number;
  /** Keys of the present input. */
  readonly digits: string;
  /** Failed inputs at this node. */
  readonly failures: number;
  /** What the caller has typed where a menu asks for more than a choice. */
  readonly values: Readonly<Record<string, string>>;
}

export type MenuEvent =
  /** The call is there. `node` resumes a call that has been in the menu before; `agent`: where that was a transfer, whether its agent is still there or has left. */
  | { readonly type: "entered"; readonly node?: string | null; readonly agent?: "there" | "gone" | null }
  | { readonly type: "played"; readonly turn: number }
  | { readonly type: "digit"; readonly digit: string }
  | { readonly type: "timer"; readonly turn: number }
  /** `answered` is told when it begins, one of the others when it is over. */
  | { readonly type: "transfer"; readonly turn: number; readonly outcome: "answered" | "ended" | "busy" | "no-answer" | "failed" };

export type MenuAction =
  | { readonly type: "play"; readonly turn: number; readonly media: readonly string[] }
  | { readonly type: "stop-play" }
  | { readonly type: "start-timer"; readonly turn: number; readonly ms: number }
  | { readonly type: "stop-timer" }
  | { readonly type: "transfer"; readonly turn: number; readonly to: Extract<Step, { readonly type: "transfer" }>["to"]; readonly ringSeconds: number }
  | { readonly type: "opt-out" }
  /** An event for the world outside. */
  | { readonly type: "tell"; readonly event: string; readonly data: Readonly<Record<string, string>> }
  | { readonly type: "hang-up" };

export interface MenuStep {
  readonly state: MenuState;
  readonly actions: readonly MenuAction[];
}

/** A call that has not entered yet. */
export function newMenuState(): MenuState {
  return { node: "", phase: "over", turn: 0, digits: "", failures: 0, values: {} };
}

/** The next state, and what to do. */
export function step(menu: CompiledMenu, state: MenuState, event: MenuEvent): MenuStep {
  if (event.type === "entered") return resume(menu, { ...state, failures: 0 }, event);
  const node = menu.steps.get(state.node);
  if (state.phase === "over" || node === undefined) return same(state);
  switch (event.type) {
    case "digit":
      return node.type === "gather" ? press(menu, state, node, event.digit) : telling(same(state), [digitTold(event.digit, state.node)]);
    case "played":
      return event.turn === state.turn && state.phase === "playing" ? played(menu, state, node) : same(state);
    case "timer":
      if (event.turn !== state.turn || state.phase !== "waiting" || node.type !== "gather") return same(state);
      return state.digits === "" ? failed(menu, state, node, "timeout") : judge(menu, state, node);
    case "transfer":
      return event.turn === state.turn && state.phase === "transferring" && node.type === "transfer" ? transferred(menu, state, node, event.outcome) : same(state);
  }
}

function resume(menu: CompiledMenu, state: MenuState, { node: path, agent }: Extract<MenuEvent, { readonly type: "entered" }>): MenuStep {
  const node = path == null ? undefined : menu.steps.get(path);
  if (path == null || node === undefined) return enter(menu, state, menu.start);
  if (node.type === "transfer" && agent === "there") return connect({ ...state, node: path }, node);
  return enter(menu, state, node.type === "transfer" && agent === "gone" ? node.after : path);
}

function same(state: MenuState): MenuStep {
  return { state, actions: [] };
}

function telling(next: MenuStep, actions: readonly MenuAction[]): MenuStep {
  return { state: next.state, actions: [...actions, ...next.actions] };
}

function digitTold(digit: string, node: string): MenuAction {
  return { type: "tell", event: "digit", data: { digit, node } };
}

/** Goes to a node. compileMenu() has made sure that nodes without a prompt do not go round in a circle. */
function enter(menu: CompiledMenu, state: MenuState, path: string): MenuStep {
  const node = menu.steps.get(path);
  const here: MenuState = { ...state, node: path, digits: "", failures: 0 };
  switch (node?.type) {
    case "play":
      return play(here, node.media);
    case "gather":
      return ask(here, node, []);
    case "transfer":
      return node.media === undefined ? connect(here, node) : play(here, node.media);
    case "opt-out":
      return telling(enter(menu, here, node.next), [{ type: "opt-out" }, { type: "tell", event: "opt-out", data: { node: path } }]);
    case "event":
      return telling(enter(menu, here, node.next), [{ type: "tell", event: node.event, data: { ...here.values, ...node.data } }]);
    case "goodbye":
      return node.media === undefined ? hangUp(here) : play(here, node.media);
    case undefined:
      return hangUp(here);
  }
}

function hangUp(state: MenuState): MenuStep {
  return { state: { ...state, phase: "over" }, actions: [{ type: "hang-up" }] };
}

function play(state: MenuState, media: readonly string[]): MenuStep {
  const turn = state.turn + 1;
  return { state: { ...state, phase: "playing", turn }, actions: [{ type: "play", turn, media }] };
}

function wait(state: MenuState, ms: number): MenuStep {
  const turn = state.turn + 1;
  return { state: { ...state, phase: "waiting", turn }, actions: [{ type: "start-timer", turn, ms }] };
}

function ask(state: MenuState, node: Gather, before: readonly string[]): MenuStep {
  const media = [...before, ...(node.media ?? [])];
  const fresh = { ...state, digits: "" };
  return media.length > 0 ? play(fresh, media) : wait(fresh, node.firstDigitMs);
}

function connect(state: MenuState, node: Extract<Step, { readonly type: "transfer" }>): MenuStep {
  const turn = state.turn + 1;
  return { state: { ...state, phase: "transferring", turn }, actions: [{ type: "transfer", turn, to: node.to, ringSeconds: node.ringSeconds }] };
}

function played(menu: CompiledMenu, state: MenuState, node: Step): MenuStep {
  switch (node.type) {
    case "play":
      return enter(menu, state, node.next);
    case "gather":
      return wait(state, node.firstDigitMs);
    case "transfer":
      return connect(state, node);
    case "goodbye":
      return hangUp(state);
    case "opt-out":
    case "event":
      return same(state);
  }
}

function press(menu: CompiledMenu, state: MenuState, node: Gather, digit: string): MenuStep {
  if (state.phase === "playing" && !node.bargeIn) return same(state);
  const told = node.secret ? [] : [digitTold(digit, state.node)];
  const silence: MenuAction = state.phase === "playing" ? { type: "stop-play" } : { type: "stop-timer" };
  const ends = digit === node.terminator;
  const digits = ends ? state.digits : state.digits + digit;
  const next: MenuState = { ...state, digits };
  const longer = digits.length < node.maxDigits && (node.into !== undefined || Object.keys(node.choices).some((keys) => keys.length > digits.length && keys.startsWith(digits)));
  const decided = ends || digits.length >= node.maxDigits || (Object.hasOwn(node.choices, digits) && !longer);
  return telling(decided ? judge(menu, next, node) : wait(next, node.interDigitMs), [silence, ...told]);
}

/** The input is complete. */
function judge(menu: CompiledMenu, state: MenuState, node: Gather): MenuStep {
  const choice = Object.hasOwn(node.choices, state.digits) ? node.choices[state.digits] : undefined;
  if (choice !== undefined) return enter(menu, state, choice);
  if (node.into !== undefined && node.next !== undefined && state.digits.length >= node.minDigits) return enter(menu, { ...state, values: { ...state.values, [node.into]: state.digits } }, node.next);
  return failed(menu, state, node, state.digits === "" ? "timeout" : "invalid");
}

function failed(menu: CompiledMenu, state: MenuState, node: Gather, how: "invalid" | "timeout"): MenuStep {
  const failures = state.failures + 1;
  const { media = [], next } = node[how];
  if (failures >= node.tries) return enter(menu, state, node.exhausted);
  if (next !== undefined) return enter(menu, state, next);
  return ask({ ...state, failures }, node, media);
}

function transferred(menu: CompiledMenu, state: MenuState, node: Extract<Step, { readonly type: "transfer" }>, outcome: Extract<MenuEvent, { readonly type: "transfer" }>["outcome"]): MenuStep {
  switch (outcome) {
    case "answered":
      return { state, actions: [{ type: "tell", event: "transferred", data: { node: state.node } }] };
    case "ended":
      return enter(menu, state, node.after);
    case "busy":
    case "no-answer":
      return enter(menu, state, node.busy);
    case "failed":
      return enter(menu, state, node.failed);
  }
}
