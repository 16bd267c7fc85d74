/** Reads the properties file of the project before this one: host, port, database, user, password, table. Pure. */
import { makeTarget } from "../../database/database-target.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { suggestName } from "../../terminal/suggest-name.ts";

const known = ["host", "port", "database", "user", "password", "table"] as const;
type Property = (typeof known)[number];

/** Other names of the same. */
const aliases: Record<string, Property> = { username: "user", dbname: "database", hostname: "host" };

/** Without a meaning here: there is no JDBC. */
const ignored = ["driver", "batchsize"];

interface Fault {
    line: number | null;
    problem: string;
    remedy: string;
}

/**
 * The text of a properties file → the value of DATABASE_URL. `table`: the one that Sluice writes to, in the schema public.
 * @throws SluiceError `bad_properties` or `other_table` (3) that names every fault with its line, and no password
 */
export function readProperties(text: string, fileName: string, table: string): string {
    const { values, faults } = splitProperties(text);
    const port = values.get("port") || "5432";
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
        faults.push({ line: null, problem: "its port is not a number from 1 to 65535", remedy: "Correct port=." });
    }
    for (const name of ["database", "user"] as const) {
        if (!values.get(name)) faults.push({ line: null, problem: `it has no ${name}`, remedy: `Add ${name}=….` });
    }
    if (faults.length > 0) throw badProperties(fileName, faults);
    refuseOtherTable(values.get("table"), fileName, table);
    return makeTarget({
        host: values.get("host") || "localhost",
        port: Number(port),
        database: values.get("database")!,
        user: values.get("user")!,
        password: values.get("password") ?? "",
    }).url;
}

function splitProperties(text: string): { values: Map<Property, string>; faults: Fault[] } {
    const values = new Map<Property, string>();
    const faults: Fault[] = [];
    for (const [index, raw] of text
        .replace(/^\uFEFF/, "")
        .split(/\r?\n/)
        .entries()) {
        const line = raw.trim();
        if (line === "" || /^[#!;[]/.test(line)) continue;
        const [, key = "", value = ""] = /^([\w.-]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
        const lower = key.toLowerCase();
        const name = aliases[lower] ?? known.find((candidate) => candidate === lower);
        if (name) values.set(name, value.replace(/^(["'])(.*)\1$/, "$2"));
        else if (!ignored.includes(lower)) faults.push({ line: index + 1, ...describeUnknown(key) });
    }
    return { values, faults };
}

function describeUnknown(key: string): { problem: string; remedy: string } {
    if (key === "") return { problem: "this is not a property", remedy: "Write it as name=value." };
    const near = suggestName(key, known);
    return {
        problem: `the property ${key} is not known`,
        remedy: near === null ? `Known properties: ${known.join(", ")}. Remove the line.` : `Did you mean ${near}?`,
    };
}

function badProperties(fileName: string, faults: readonly Fault[]): SluiceError {
    return new SluiceError({
        code: "bad_properties",
        what: faults.map(({ line, problem }) => `${fileName}${line ? `, line ${line}` : ""}: ${problem}.`).join("\n"),
        from: `${fileName} on the command line`,
        remedy: faults.map(({ remedy }) => remedy).join("\n"),
        exitCode: exitCodes.configuration,
    });
}

function refuseOtherTable(named: string | undefined, fileName: string, table: string): void {
    if (!named || [table, `public.${table}`].includes(named.toLowerCase())) return;
    throw new SluiceError({
        code: "other_table",
        what: `${fileName} names the table ${named}; the built-in stream writes only to public.${table}.`,
        from: `table= in ${fileName}`,
        remedy: `Remove the line. To keep the readers of ${named} working once it is empty, replace it with a view: create view ${named} as select * from ${table}.`,
        exitCode: exitCodes.configuration,
    });
}
