/** The value that sluice.config.ts exports: settings, and how the files of each source are read. */
import type { SourceConfig } from "../streams/source-config.ts";
import type { FileSettingName } from "./settings.ts";

export interface SluiceConfig {
    /**
     * Settings of this project, written as their flags are: `{ inputDir: "/srv/drops", trigger: "2s", port: 8080 }`. A
     * flag, a variable and a line in .env each win over them. `bun run config` lists the names.
     */
    settings?: Partial<Record<FileSettingName, string | number>>;
    /** The first whose `match` fits a file's name is the file's source; a file that none fits is read as it is. */
    sources?: SourceConfig[];
}

/** Gives an editor the types of sluice.config.ts; returns what it is given. */
export function defineConfig(config: SluiceConfig): SluiceConfig {
    return config;
}
