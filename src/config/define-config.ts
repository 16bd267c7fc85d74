/** The value that sluice.config.ts exports: settings, and how the files of each source are read. */
import type { z } from "zod";
import type { createConfigSchema } from "./validate-config.ts";

export type SluiceConfig = z.input<ReturnType<typeof createConfigSchema>>;

/** Gives an editor the types of sluice.config.ts; returns what it is given. */
export function defineConfig(config: SluiceConfig): SluiceConfig {
    return config;
}
