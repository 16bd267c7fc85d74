/** `bun run sql 'select …'`: a look into the database without psql. It writes only with --write. */

import { Argument, InvalidArgumentError, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { type DatabaseTarget, withDatabase } from "../src/database/database-target.ts";
import { type ReadonlyResult, runReadonly } from "../src/database/run-readonly.ts";
import { runScript, type StatementDone } from "../src/database/run-script.ts";
import { isConnectionFault, sqlStateOf, sqlStates } from "../src/database/sql-states.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { formatCsv } from "../src/terminal/csv.ts";
import { sanitize } from "../src/terminal/sanitize.ts";
import { formatTable } from "../src/terminal/table.ts";

const defaultLimit = 1000;

export const command = databaseCommand({
    name: "sql",
    summary: "Runs one SQL statement in a read-only transaction and prints what it returns.",
    description: "With --write it runs one or several statements that may write, in one transaction.",
    arguments: [new Argument("[statement]", "one statement, in quotes")],
    options: [
        new Option("--file <path>", "a file that holds the statement, such as those of sql/examples"),
        new Option("--write", "the statements may write: all of them are done, or none"),
        new Option("--database <name>", "another database on the same server"),
        new Option("--csv", "print CSV; cells that a spreadsheet would run are escaped"),
        new Option("--limit <rows>", "print no more rows than this").default(defaultLimit).argParser(parseLimit),
    ],
    examples: [
        [`${program} sql 'select * from ingest.checkpoint'`, "how far each file has come"],
        [`${program} sql 'select reasons, count(*) from ingest.rejects group by 1'`, "why records were rejected"],
        [`${program} sql --json 'select * from events limit 3'`, "a JSON array"],
        [`${program} sql --file sql/examples/show_backlog.sql`, "what waits, where, and since when"],
        [`${program} sql --write --file orders.sql`, "makes a table of your own"],
        [`${program} sql --csv 'select * from ingest.rejects'`, "CSV for a spreadsheet, which runs nothing of it"],
    ],
    async run({ flags, args, config, inDatabase }) {
        const statement = await readStatement(args[0], flags.file);
        const limit = flags.limit as number;
        const chosenOf = (target: DatabaseTarget) =>
            typeof flags.database === "string" ? withDatabase(target, flags.database) : target;
        if (flags.write === true) {
            const done = await inDatabase(
                (_, { target }) => runScript(chosenOf(target), statement).catch(refuseStatement),
                { use: "write" },
            );
            process.stdout.write(config.json ? `${JSON.stringify(done)}\n` : toLine(done));
            return undefined;
        }
        const result = await inDatabase((_, { target }) =>
            runReadonly(chosenOf(target), statement, { limit }).catch(refuseStatement),
        );
        const { columns, rows } = result;
        const isCsv = flags.csv === true && !config.json;
        process.stdout.write(
            config.json ? toJson(result) : isCsv ? formatCsv(columns, printable(rows)) : toTable(result),
        );
        return undefined;
    },
});

if (import.meta.main) await runCommand(command);

/** One of the two, and something in it: an empty statement has no answer, and would be waited for. */
async function readStatement(statement: string | undefined, file: unknown): Promise<string> {
    if (statement !== undefined && file !== undefined) {
        throw refuse("bad_argument", "A statement and a file were both given.", "Give one of them.");
    }
    const text = typeof file === "string" ? await readStatementFile(file) : (statement ?? "");
    if (text.replace(/--.*$/gm, "").trim() !== "") return text;
    throw refuse("missing_argument", "No statement was given.", "Give one in quotes, or --file with the path of one.");
}

async function readStatementFile(path: string): Promise<string> {
    if (await Bun.file(path).exists()) return await Bun.file(path).text();
    throw refuse("no_such_file", `There is no file ${sanitize(path)}.`, "Give the path of a file with one statement.");
}

/** At a terminal nothing raw; in a file, or a pipe to one, the values themselves. */
function printable(rows: ReadonlyResult["rows"]): ReadonlyResult["rows"] {
    if (!process.stdout.isTTY) return rows;
    return rows.map((row) => row.map((value) => (value === null ? null : sanitize(value))));
}

function parseLimit(text: string): number {
    const limit = Number(text);
    if (Number.isSafeInteger(limit) && limit > 0) return limit;
    throw new InvalidArgumentError("It is a number of rows, from 1.");
}

function refuseStatement(error: unknown): never {
    const sqlState = sqlStateOf(error);
    if (sqlState === null || isConnectionFault(error)) throw error;
    const { message, position } = error as { message: string; position?: string };
    throw refuse(
        "statement_failed",
        `${message}${position === undefined ? "" : ` (at character ${position})`}, SQLSTATE ${sqlState}.`,
        sqlState === sqlStates.readOnlyTransaction
            ? "Add --write if the statement is meant to write."
            : "Correct the statement; without --write this command runs one, and cannot write.",
        exitCodes.failed,
    );
}

/** `CREATE TABLE`, `UPDATE 1`, as psql prints it. */
function toLine(done: StatementDone | null): string {
    if (done === null) return "Done.\n";
    return `${done.rowCount === null ? done.command : `${done.command} ${done.rowCount}`}\n`;
}

function toTable({ columns, rows, rowCount }: ReadonlyResult): string {
    const rightAligned = columns.flatMap(({ isNumber }, index) => (isNumber ? [index] : []));
    const lines = formatTable(rows, { header: columns.map(({ name }) => name), rightAligned });
    const plural = rowCount === 1 ? "row" : "rows";
    const count = rows.length < rowCount ? `the first ${rows.length} of ${rowCount} rows` : `${rowCount} ${plural}`;
    return `${[...lines, `(${count})`].join("\n")}\n`;
}

/** Numbers and JSON go in as Postgres spells them, so that no digit is lost. */
function toJson({ columns, rows }: ReadonlyResult): string {
    const objects = rows.map((row) => {
        const fields = columns.map((column, index) => {
            const text = row[index] ?? null;
            if (text === null) return `${JSON.stringify(column.name)}: null`;
            const isLiteral = column.isJson || (column.isNumber && Number.isFinite(Number(text)));
            const value = isLiteral ? text : column.isBoolean ? String(text === "t") : JSON.stringify(text);
            return `${JSON.stringify(column.name)}: ${value}`;
        });
        return `  {${fields.join(", ")}}`;
    });
    return objects.length === 0 ? "[]\n" : `[\n${objects.join(",\n")}\n]\n`;
}
