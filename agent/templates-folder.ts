/** Where the templates are that come with the program: beside agent/ in the sources, beside dist/ on a node. */
import { fileURLToPath } from "node:url";

export const TEMPLATES_FOLDER = fileURLToPath(new URL("../asterisk-config", import.meta.url));
