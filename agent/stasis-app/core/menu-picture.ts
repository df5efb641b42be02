/** A menu as a picture: a Mermaid flowchart, which Git hosts, editors and mermaid.live show as it is. */
import { targetsOf, type CompiledMenu, type Step } from "./compile-menu.ts";

/** The flowchart's text. Ways that only a mistake or silence leads to are dotted. */
export function menuPicture(title: string, menu: CompiledMenu): string {
  const ids = new Map([...menu.steps.keys()].map((path, index) => [path, `n${index + 1}`] as const));
  const id = (path: string): string => ids.get(path) ?? "n0";
  const boxes = [...menu.steps].map(([path, step]) => `  ${id(path)}${box(path, step)}`);
  const arrows = [...menu.steps].flatMap(([path, step]) => targetsOf(step).map(([field, target]) => `  ${id(path)} ${arrow(field, step)} ${id(target)}`));
  return ["---", `title: ${JSON.stringify(title)}`, "---", "flowchart TD", `  begin((call)) --> ${id(menu.start)}`, ...boxes, ...arrows, ""].join("\n");
}

function box(path: string, step: Step): string {
  const text = quoted([path, ...wordsOf(step)].join("<br>"));
  switch (step.type) {
    case "gather":
      return `{{${text}}}`;
    case "goodbye":
      return `((${text}))`;
    case "transfer":
      return `[/${text}/]`;
    case "event":
    case "opt-out":
      return `([${text}])`;
    case "play":
      return `[${text}]`;
  }
}

function wordsOf(step: Step): readonly string[] {
  switch (step.type) {
    case "transfer":
      return ["endpoint" in step.to ? step.to.endpoint : step.to.number];
    case "event":
      return [`event ${step.event}`];
    case "opt-out":
      return ["opt out"];
    case "gather":
      return [...(step.media ?? []), `${step.tries} tries, ${step.firstDigitMs / 1000} s, then ${step.interDigitMs / 1000} s`];
    case "play":
    case "goodbye":
      return step.media ?? [];
  }
}

function arrow(field: string, step: Step): string {
  if (field.startsWith("choices.")) return `-->|${quoted(field.slice("choices.".length))}|`;
  if (field === "next" && step.type === "gather") return `-->|${quoted(step.into ?? "digits")}|`;
  if (field === "next" || field === "after") return "-->";
  return `-.->|${quoted(field.replace(/\.next$/, ""))}|`;
}

/** Mermaid takes no quotation mark inside quotation marks, and # begins an entity. */
function quoted(text: string): string {
  return `"${text.replaceAll("#", "#35;").replaceAll('"', "#quot;")}"`;
}
