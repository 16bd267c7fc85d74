import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { configOptions } from "../src/config/config.ts";
import { program } from "../src/environment.ts";
import { programFiles } from "../src/program.ts";
import { formatCount } from "../src/terminal/format.ts";

const folder = "data/samples";

export const command: CommandDefinition = {
    name: "samples",
    summary: "Writes the sample files of the walkthrough to data/samples.",
    description: "A checkout has them already. Files that are there are not changed.",
    options: configOptions("json"),
    examples: [[`${program} samples`, "then cp data/samples/*.csv data/input_data/ to load them"]],
    async run() {
        const names = programFiles.list(folder).filter((name) => name.endsWith(".csv"));
        const written = names.filter((name) => !existsSync(join(folder, name)));
        mkdirSync(folder, { recursive: true });
        for (const name of written) writeFileSync(join(folder, name), programFiles.read(`${folder}/${name}`));
        const kept = names.length - written.length;
        const isThere = kept > 0 ? [`${kept} were there already`] : [];
        return {
            lines: [[`${folder}: ${formatCount(written.length, "file")} written`, ...isThere].join(", ").concat(".")],
            json: { folder, written },
        };
    },
};

if (import.meta.main) await runCommand(command);
