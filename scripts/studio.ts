/** `bun run db:studio`: drizzle-kit's browser for tables, on the database that the other commands use. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../src/commands/command.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import type { DatabaseTarget } from "../src/database/database-target.ts";

await runCommand({
    name: "db:studio",
    summary: "Opens drizzle-kit's studio on the database.",
    description:
        "It can change everything, and what it changes the ledger does not know: look, don't touch. The page itself comes " +
        "from drizzle's site; the data stays between your browser and this process.",
    options: configOptions(...databaseFields),
    examples: [["bun run db:studio", "the database of DATABASE_URL, else the embedded one"]],
    async run({ flags }) {
        const config = await loadConfig(databaseFields, flags);
        return await withDatabase(config, { applicationName: "sluice studio" }, (_, { target }) => runStudio(target));
    },
});

/** drizzle-kit takes the address from a file only: ours is private, and gone when it ends. */
async function runStudio(target: DatabaseTarget): Promise<number> {
    const dir = mkdtempSync(join(tmpdir(), "sluice-studio-"));
    const configFile = join(dir, "drizzle.config.json");
    writeFileSync(configFile, JSON.stringify(studioConfig(target)), { mode: 0o600 });
    const child = Bun.spawn([process.execPath, "x", "drizzle-kit", "studio", `--config=${configFile}`], {
        cwd: join(import.meta.dir, ".."),
        stdio: ["inherit", "inherit", "inherit"],
    });
    // Also when a signal ends this process.
    process.on("exit", () => {
        child.kill();
        rmSync(dir, { recursive: true, force: true });
    });
    return await child.exited;
}

function studioConfig(target: DatabaseTarget): object {
    const { host, port, user, password, database, tls } = target;
    const checked = { rejectUnauthorized: true, ...(tls.ca === null ? {} : { ca: tls.ca }) };
    const ssl = tls.mode === "disable" ? false : tls.mode === "require" ? "require" : checked;
    return {
        dialect: "postgresql",
        schema: join(import.meta.dir, "../src/database/schema.ts"),
        schemaFilter: ["public", "ingest"],
        dbCredentials: { host, port, user, password, database, ssl },
    };
}
