/** Reads a campaign's file: everything that is wrong with it in one error, each line with the file, the node and the field. */
import type { core } from "zod";
import { AppError } from "../errors.ts";
import { campaignSchema, type CampaignFile } from "./campaign-schema.ts";
import { compileMenu, type CompiledMenu, type MenuProblem } from "./compile-menu.ts";

/** A campaign that can be run. */
export interface Campaign extends Omit<CampaignFile, "menu"> {
  readonly menu: CompiledMenu;
}

/**
 * Reads one file's text.
 * @throws APP_CAMPAIGN_INVALID naming file, node and field of every problem
 */
export function parseCampaign(file: string, text: string): Campaign {
  const parsed = campaignSchema.safeParse(jsonOf(file, text), { reportInput: true });
  if (!parsed.success) throw invalid(file, parsed.error.issues.map(problemOf));
  const { menu, problems } = compileMenu(parsed.data.menu);
  if (problems.length > 0) throw invalid(file, problems);
  return { ...parsed.data, menu };
}

/**
 * The campaigns of a folder together.
 * @throws APP_CAMPAIGN_INVALID when two have one name, or one called number
 */
export function joinCampaigns(files: ReadonlyMap<string, Campaign>): ReadonlyMap<string, Campaign> {
  const campaigns = new Map<string, Campaign>();
  const entrances = new Map<string, string>();
  for (const [file, campaign] of files) {
    if (campaigns.has(campaign.campaign)) throw invalid(file, [{ node: "(campaign)", field: "campaign", problem: `another file has the name "${campaign.campaign}" already` }]);
    campaigns.set(campaign.campaign, campaign);
    for (const number of campaign.inbound) {
      const other = entrances.get(number);
      if (other !== undefined) throw invalid(file, [{ node: "(campaign)", field: "inbound", problem: `the campaign "${other}" has an entrance with the same number already` }]);
      entrances.set(number, campaign.campaign);
    }
  }
  return campaigns;
}

/** The campaign whose menu a caller gets who called that number; null when there is none. */
export function entranceOf(campaigns: ReadonlyMap<string, Campaign>, called: string): Campaign | null {
  const bare = called.replace(/^\+/, "");
  const all = [...campaigns.values()];
  return all.find(({ inbound }) => inbound.some((number) => number.replace(/^\+/, "") === bare)) ?? all.find(({ inbound }) => inbound.includes("*")) ?? null;
}

function jsonOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError("APP_CAMPAIGN_INVALID", `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function invalid(file: string, problems: readonly MenuProblem[]): AppError {
  const lines = problems.map(({ node, field, problem }) => `  ${file}: node ${node}, field ${field}: ${problem}`);
  return new AppError("APP_CAMPAIGN_INVALID", [`${file} can't be used (${problems.length === 1 ? "1 problem" : `${problems.length} problems`}):`, ...lines].join("\n"));
}

/** Of zod's path the node's own, which is every name that follows a `nodes`, and the rest. */
function problemOf(issue: core.$ZodIssue): MenuProblem {
  const path = issue.path.map(String);
  const names: string[] = [];
  let rest = path;
  for (let prefix = path[0] === "menu" ? 1 : 0; rest[prefix] === "nodes" && rest[prefix + 1] !== undefined; prefix = 0) {
    names.push(rest[prefix + 1] ?? "");
    rest = rest.slice(prefix + 2);
  }
  const field = [...rest, ...(issue.code === "unrecognized_keys" ? [issue.keys.join(", ")] : [])].join(".");
  return { node: names.length > 0 ? names.join("/") : path[0] === "menu" ? "(menu)" : "(campaign)", field: field === "" ? "(whole)" : field, problem: issue.message };
}
