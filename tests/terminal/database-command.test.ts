import { expect, test } from "bun:test";
import { makeFolder } from "../support/fixture.ts";

const dataDir = makeFolder();

const script = `
    import { runCommand } from ${JSON.stringify(import.meta.resolve("../../src/commands/command.ts"))};
    import { databaseCommand } from ${JSON.stringify(import.meta.resolve("../../src/commands/database-command.ts"))};
    await runCommand(databaseCommand({
        name: "sleep",
        summary: "Sleeps.",
        examples: [["bun run sleep", "until Ctrl-C"]],
        run: ({ inDatabase }) => inDatabase(async (sql) => {
            const [row] = await sql\`select count(*)::int as files from ingest.files\`;
            console.log("files", row.files);
            await sql\`select pg_sleep(60)\`;
        }),
    }));`;

test("sets its own server up, and Ctrl-C during a query stops that server and is no error", async () => {
    const child = Bun.spawn([process.execPath, "-e", script, "script", "--data-dir", dataDir], {
        env: { ...process.env, DATABASE_URL: "" },
        stdout: "pipe",
        stderr: "pipe",
    });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("files 0\n");
    child.kill("SIGINT");
    const stderr = await new Response(child.stderr).text();

    expect(await child.exited).toBe(130);
    expect(stderr).toEndWith("Stopped the embedded PostgreSQL.\n");
    expect(stderr).not.toContain("code:");
});
