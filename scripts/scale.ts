import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { migrateDatabase } from "../src/database/migrate.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { type CitusNode, type CitusPlan, planCitus, runCitus } from "../src/operations/scale-citus.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "scale",
    summary: "Distributes the tables of streams over the workers of a Citus cluster, or brings them back.",
    description:
        "The database is the coordinator's. Ledger, rejects, rollups and staging stay there; rows that are there already are moved. Shows what it will do and asks. It can be run again, for new streams. No ingest may run meanwhile.",
    arguments: [new Argument("<engine>", "what to scale on").choices(["citus"])],
    options: [
        new Option("--workers <nodes...>", "host:port of each worker that the coordinator does not know yet"),
        new Option("--undo", "bring the rows of all streams back to the coordinator"),
        new Option("--print", "print the statements, and change nothing"),
        new Option("--yes", "do not ask"),
    ],
    examples: [
        [`${program} scale citus --print`, "the statements that it would run"],
        [`${program} scale citus --workers 10.0.0.2:5432 10.0.0.3:5432`, "add two workers and distribute"],
        [`${program} scale citus --undo`, "back to one machine"],
    ],
    async run({ flags, config, inDatabase }) {
        const workers = ((flags.workers ?? []) as string[]).map(parseNode);
        const isPrinted = flags.print === true;
        const mustAsk = flags.yes !== true && !isPrinted;
        if (mustAsk) requireTerminal("A distribution", "Give --yes if you are sure, or --print to see the statements.");
        return await inDatabase(
            async (sql, { target }) => {
                const plan = await planCitus(sql, workers, flags.undo === true);
                if (isPrinted) {
                    return { lines: plan.steps.map(({ statement }) => `${statement};`), json: { ...plan }, indent: 0 };
                }
                const tell = (line: string) => (config.json ? process.stderr : process.stdout).write(`${line}\n`);
                for (const line of describe(plan)) tell(line);
                if (plan.steps.length === 0) return { lines: [], json: { ...plan } };
                if (mustAsk && !(await askYesOrNo("Go on?"))) return exitCodes.failed;
                await runCitus(sql, plan, ({ what }) => tell(`… ${what}`));
                // undistribute_table has dropped the functions that name the row type of the table.
                await migrateDatabase(target, { log: tell });
                return { lines: ["Done."], json: { ...plan }, indent: 0 };
            },
            { mayMigrate: true },
        );
    },
});

if (import.meta.main) await runCommand(command);

function parseNode(text: string): CitusNode {
    const [, host, port] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(text) ?? [];
    if (host === undefined) {
        throw refuse(
            "bad_flag_value",
            `--workers "${sanitize(text, { most: 60 })}" is no host:port.`,
            "Such as 10.0.0.2:5432.",
        );
    }
    return { host, port: Number(port) };
}

function describe({ workers, steps, kept }: CitusPlan): string[] {
    return [
        `Workers: ${workers.map(({ host, port }) => `${host}:${port}`).join(", ")}`,
        ...(steps.length === 0 ? ["Nothing to do."] : steps.map(({ what }) => `  ${sanitize(what, { most: 300 })}`)),
        ...kept.map(({ stream, table, why }) =>
            sanitize(`  ${table} (stream ${stream}) stays on the coordinator: ${why}`, { most: 1000 }),
        ),
    ];
}
