/** Writes dashboard.json, which Terraform fills in: `npx tsx provisioning/dashboard/write-dashboard.ts`. */
import { writeFileSync } from "node:fs";
import { dashboardTemplate } from "./dashboard.ts";

writeFileSync(new URL("dashboard.json", import.meta.url), dashboardTemplate());
