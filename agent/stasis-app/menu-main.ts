/** `npm run menu -- FILE`: checks a campaign's file and prints its menu as a Mermaid flowchart. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { parseCampaign } from "./core/campaign.ts";
import { menuPicture } from "./core/menu-picture.ts";
import { AppError } from "./errors.ts";

const [file, ...others] = process.argv.slice(2);
if (file === undefined || others.length > 0) {
  process.stderr.write("usage: npm run menu -- FILE\n");
  process.exitCode = 2;
} else {
  try {
    const campaign = parseCampaign(basename(file), readFileSync(file, "utf8"));
    process.stdout.write(menuPicture(campaign.campaign, campaign.menu));
  } catch (error) {
    // Anything else is a defect and shows where it is.
    if (!(error instanceof AppError) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
