/** The version of this package, in one place for log, heartbeats and `--version`. */
import packageJson from "../package.json" with { type: "json" };

export const VERSION: string = packageJson.version;
