/** Checks that the packages of package.json are installed in their versions. It works without them: it imports none. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Found, fail, note, ok } from "./finding.ts";

interface Manifest {
    version?: string;
    engines?: { bun?: string };
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
}

export function checkDependencies(
    rootDir: string,
    { bunVersion = Bun.version, platform = `${process.platform}-${process.arch}` } = {},
): Found {
    const { dependencies = {}, optionalDependencies = {}, engines } = readManifest(join(rootDir, "package.json")) ?? {};
    const faults = Object.entries(dependencies).flatMap(([dependency, wanted]) => {
        const installed = readManifest(join(rootDir, "node_modules", dependency, "package.json"));
        if (installed === null) return [`${dependency} is missing`];
        return installed.version === wanted ? [] : [`${dependency} is ${installed.version}, not ${wanted}`];
    });
    if (faults.length > 0) {
        const others = faults.length > 3 ? ` and ${faults.length - 3} more` : "";
        return fail(`${faults.slice(0, 3).join(", ")}${others}.`, "Run `bun install --frozen-lockfile`.");
    }
    if (engines?.bun && !Bun.semver.satisfies(bunVersion, engines.bun)) {
        return fail(`This is Bun ${bunVersion}; Sluice needs ${engines.bun}.`, "Run `bun upgrade`.");
    }
    return checkServerBinaries(rootDir, optionalDependencies, Object.keys(dependencies).length, bunVersion, platform);
}

/** Only the embedded database needs these binaries. */
function checkServerBinaries(
    rootDir: string,
    optional: Record<string, string>,
    count: number,
    bunVersion: string,
    platform: string,
): Found {
    const all = `Bun ${bunVersion}, ${count} packages`;
    const server = Object.keys(optional).find((optionalName) => optionalName.endsWith(`/${platform}`));
    if (server && readManifest(join(rootDir, "node_modules", server, "package.json")) !== null) {
        return ok(`${all}, and the embedded PostgreSQL for ${platform}.`);
    }
    return note(
        `${all}; there is no embedded PostgreSQL for ${platform} here.`,
        server
            ? "Run `bun install --frozen-lockfile`, or set DATABASE_URL to a database of yours."
            : "Set DATABASE_URL to a database of yours.",
    );
}

function readManifest(path: string): Manifest | null {
    try {
        return JSON.parse(readFileSync(path, "utf8"));
    } catch {
        return null;
    }
}
