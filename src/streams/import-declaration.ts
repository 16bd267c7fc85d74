/**
 * Loads a file of the user's, streams/<name>.ts or sluice.config.ts, in any form of the program: `import … from "sluice"` is
 * answered here, whether or not a package of that name is installed beside the file.
 */
import { pathToFileURL } from "node:url";

const declared = <T>(declaration: T): T => declaration;

/** What src/index.ts exports: both return what they are given. */
export const exportsOfSluice = { stream: declared, defineConfig: declared };

let isRegistered = false;

/** Resolves to the default export. @throws what the file throws */
export async function importDeclaration(path: string): Promise<unknown> {
    if (!isRegistered) {
        isRegistered = true;
        Bun.plugin({
            name: "sluice",
            setup: (build) => void build.module("sluice", () => ({ exports: exportsOfSluice, loader: "object" })),
        });
    }
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
}
