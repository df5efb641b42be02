/** Command: builds the node image of these files into the cache, if it isn't there yet, so that it can be made ahead of the stage that boots it. */
import { ensureImage } from "./image.ts";

process.stdout.write(`${await ensureImage()}\n`);
