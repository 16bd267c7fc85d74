import type { SluiceConfig } from "./source-config.ts";

/** Gives an editor the types of sluice.config.ts; returns what it is given. */
export function defineConfig(config: SluiceConfig): SluiceConfig {
    return config;
}
