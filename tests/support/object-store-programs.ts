import { homedir } from "node:os";
import { join } from "node:path";

/** The user's: an installation serves every checkout. */
export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sluice-tests");
export const programs = {
    versitygw: join(cacheFolder, "versitygw-1.8.0"),
    s3proxy: join(cacheFolder, "s3proxy-4.1.0.jar"),
};
