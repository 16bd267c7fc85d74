/**
 * Bundles `sluice` with all that it needs: libraries, SQL, migrations, page. Whoever runs the bundle installs none of them, so
 * no other version of a library is ever met, and the correction of the database driver (src/database/patches) is in it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import type { BuiltFiles } from "../../src/built-files.ts";
import { exitCodes, SluiceError } from "../../src/errors.ts";
import { buildPage } from "../../src/server/page/build-page.ts";
import { pageEntry } from "../../src/shop/page/page-entry.ts";

export const rootDir = join(import.meta.dir, "../..");

/** One file, not split: Bun's parts leave out a module that is imported for what it does to another, as zod-openapi does to zod. */
type Output = Pick<Bun.BuildConfig, "outdir" | "compile">;

/** @throws SluiceError driver_not_corrected; what Bun says when it cannot bundle */
export async function bundleProgram(form: BuiltFiles["form"], output: Output): Promise<Bun.BuildOutput> {
    requireCorrectedDriver(join(rootDir, "node_modules/postgres"));
    const files = await collectFiles(form);
    return await Bun.build({
        entrypoints: [join(rootDir, "scripts/sluice.ts")],
        target: "bun",
        minify: { whitespace: true, syntax: true },
        plugins: [
            {
                name: "built-files",
                setup(build) {
                    build.onLoad({ filter: /[/\\]src[/\\]built-files\.ts$/ }, () => ({
                        contents: `export const builtFiles = ${JSON.stringify(files)};`,
                        loader: "js",
                    }));
                },
            },
        ],
        ...output,
    });
}

async function collectFiles(form: BuiltFiles["form"]): Promise<BuiltFiles> {
    const texts: BuiltFiles["texts"] = {};
    for (const pattern of ["drizzle/*.sql", "drizzle/meta/_journal.json", "sql/**/*.sql", "data/samples/*.csv"]) {
        for (const path of [...new Glob(pattern).scanSync(rootDir)].sort()) {
            texts[path] = readFileSync(join(rootDir, path), "utf8");
        }
    }
    const page: BuiltFiles["page"] = {};
    for (const [path, { bytes, type }] of await buildPage(pageEntry)) {
        page[path] = { type, base64: Buffer.from(bytes).toString("base64") };
    }
    return { form, texts, page };
}

/** npm does not know Bun's patches: a checkout whose packages npm installed has the driver as it was released. */
export function requireCorrectedDriver(packageDir: string): void {
    const driver = readFileSync(join(packageDir, "src/connection.js"), "utf8");
    const patch = readFileSync(join(rootDir, "src/database/patches/postgres@3.4.9.patch"), "utf8");
    const hunks = patch.split(/^@@.*$/m).slice(1);
    const corrected = hunks.map((hunk) => hunk.split("\n").filter((line) => /^[ +]/.test(line)));
    if (corrected.every((lines) => driver.includes(lines.map((line) => line.slice(1)).join("\n")))) return;
    throw new SluiceError({
        code: "driver_not_corrected",
        what: "node_modules/postgres is without a correction of src/database/patches.",
        remedy: "Let Bun install the packages: rm -r node_modules && bun install --frozen-lockfile",
        exitCode: exitCodes.failed,
    });
}
