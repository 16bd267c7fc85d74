/**
 * Puts the S3 server of the tests into the user's cache: `bun tests/support/install-object-store.ts` takes S3Proxy from Maven
 * Central (about 20 CPU seconds); `--versitygw` builds that one (about 300). docs/decisions/test-object-store.md has the reasons.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, programs } from "./object-store-programs.ts";

const wanted = process.argv.includes("--versitygw") ? "versitygw" : "s3proxy";

async function install(): Promise<string> {
    const there = Object.values(programs).find(
        (path) => existsSync(path) && (wanted === "s3proxy" || path === programs.versitygw),
    );
    if (there) return `${there} is there.`;
    const needed = wanted === "s3proxy" ? ["mvn", "java"] : ["go"];
    const missing = needed.find((tool) => Bun.which(tool) === null);
    if (missing) return `There is no ${missing} here: the tests of buckets are skipped.`;
    mkdirSync(cacheFolder, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), "sluice-install-"));
    try {
        const made = wanted === "s3proxy" ? await fetchS3proxy(folder) : await buildVersitygw(folder);
        const beside = `${programs[wanted]}.${process.pid}`;
        cpSync(made, beside);
        chmodSync(beside, 0o755);
        renameSync(beside, programs[wanted]);
    } finally {
        // Go's folders of modules cannot be written to.
        await Bun.$`chmod -R u+w ${folder}`.quiet().nothrow();
        rmSync(folder, { recursive: true, force: true });
    }
    return `${programs[wanted]} is there now.`;
}

async function fetchS3proxy(folder: string): Promise<string> {
    const artifact = "org.gaul:s3proxy:4.1.0:jar:jar-with-dependencies";
    await Bun.$`mvn -q -B dependency:get -Dartifact=${artifact} -Dtransitive=false -Dmaven.repo.local=${folder}`.quiet();
    return join(folder, "org/gaul/s3proxy/4.1.0/s3proxy-4.1.0-jar-with-dependencies.jar");
}

async function buildVersitygw(folder: string): Promise<string> {
    const env = { ...process.env, GOBIN: folder };
    await Bun.$`nice -n 19 go install -trimpath -ldflags=-s github.com/versity/versitygw/cmd/versitygw@v1.8.0`.env(env);
    return join(folder, "versitygw");
}

console.log(await install());
