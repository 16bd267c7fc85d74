import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../src/commands/command.ts";
import { bundleProgram, rootDir } from "./build/bundle-program.ts";
import { writeTypes } from "./build/write-types.ts";

const dist = join(rootDir, "dist");
const module =
    "const declared = (declaration) => declaration;\nexport { declared as defineConfig, declared as stream };\n";

await runCommand({
    name: "build:package",
    summary: "Writes dist/, which `npm pack` puts into the npm package: the program as one bundle, and its types.",
    examples: [
        ["bun run build:package", "to look at what the package will hold"],
        ["npm pack", "builds it and writes sluice-VERSION.tgz"],
    ],
    async run() {
        rmSync(dist, { recursive: true, force: true });
        const { outputs } = await bundleProgram("package", { outdir: dist });
        copyFileSync(join(rootDir, "scripts/build/start-bun.mjs"), join(dist, "cli.mjs"));
        writeFileSync(join(dist, "index.js"), module);
        writeFileSync(join(dist, "index.d.ts"), writeTypes());
        const bytes = outputs.reduce((sum, { size }) => sum + size, 0);
        // npm puts the output of this before its own, the name of the file.
        console.error(`dist/ holds the program: ${outputs.length} files, ${(bytes / 1e6).toFixed(1)} MB.`);
        return 0;
    },
});
