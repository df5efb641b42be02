/** The campaigns of a node: every .json file of one folder, the same on both nodes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { joinCampaigns, parseCampaign, type Campaign } from "./core/campaign.ts";
import { AppError } from "./errors.ts";

/** @throws APP_CAMPAIGN_INVALID naming file, node and field; or that there is no folder */
export function readCampaigns(folder: string): ReadonlyMap<string, Campaign> {
  const files = new Map<string, Campaign>();
  const problems: string[] = [];
  for (const file of filesOf(folder)) {
    try {
      files.set(file, parseCampaign(file, readFileSync(join(folder, file), "utf8")));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new AppError("APP_CAMPAIGN_INVALID", problems.join("\n"));
  return joinCampaigns(files);
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith(".json")).toSorted();
  } catch (error) {
    throw new AppError("APP_CAMPAIGN_INVALID", `${folder}, where campaigns are (APP_CAMPAIGNS), can't be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
