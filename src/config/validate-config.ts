/** The value that sluice.config.ts exports → its settings and sources, or every fault in it at once. Pure. */
import { z } from "zod";
import { parseDatabaseUrl } from "../database/database-target.ts";
import { createSourceSchema, type SourceConfig } from "../streams/source-config.ts";
import type { Stream } from "../streams/stream.ts";
import { suggestName } from "../terminal/suggest-name.ts";
import { parseConnectionString } from "./parse-values.ts";
import { type FileSettingName, fileSettingNames, notifyNames, settings } from "./settings.ts";

/** `at` is a path such as `sources[0].aliases.event_time`. */
export interface ConfigFault {
    at: string;
    problem: string;
}

/** By name, as text: read like the text of a flag. */
export type FileSettings = Partial<Record<FileSettingName, string>>;

/** Built-in streams by name, with false for those that are not wanted. */
export type StreamSwitches = Partial<Record<string, boolean>>;

export type Validated =
    | { sources: SourceConfig[]; settings: FileSettings; streams: StreamSwitches }
    | { faults: ConfigFault[] };

/** `stream`: the one that the sources are of; without it the names of columns are not looked at. */
export function validateConfig(value: unknown, stream: Stream | null): Validated {
    const { data, error } = createConfigSchema(stream).safeParse(value, { error: describeIssue });
    if (error) return { faults: error.issues.flatMap((issue) => faultsOf(issue)) };
    const { notify, ...rest } = data;
    const ofNotify = notifyEntries.map(([inFile, name]) => [name, notify[inFile]]);
    return { ...rest, settings: { ...rest.settings, ...Object.fromEntries(ofNotify) } };
}

/** A text that the setting's flag would take. */
function settingSchema(name: FileSettingName) {
    return z
        .custom<string | number>((value) => /^(string|number)$/.test(typeof value), "must be a string or a number")
        .transform(String)
        .superRefine((text, context) => {
            const parsed = settings[name].parse(text);
            if ("problem" in parsed) context.addIssue(`${parsed.problem} ${parsed.remedy}`);
            else if (settings[name].parse === parseConnectionString && parseDatabaseUrl(text).password !== "") {
                context.addIssue(`holds a password, and this file is shared: put ${settings[name].variable} into .env`);
            }
        });
}

type FileShape<Name extends string> = Record<Name, z.ZodOptional<ReturnType<typeof settingSchema>>>;

/** Settings by the names that they have in the file. */
function shapeOf<Name extends string>(names: readonly (readonly [inFile: Name, name: FileSettingName])[]) {
    return Object.fromEntries(
        names.map(([inFile, name]) => [inFile, settingSchema(name).optional()]),
    ) as FileShape<Name>;
}

const notifyEntries = Object.entries(notifyNames) as [keyof typeof notifyNames, FileSettingName][];

export function createConfigSchema(stream: Stream | null) {
    return z.strictObject({
        /**
         * Settings of this project, written as their flags are: `{ inputDir: "/srv/drops", trigger: "2s", port: 8080 }`. A
         * flag, a variable and a line in .env each win over them. `bun run config` lists the names.
         */
        settings: z.strictObject(shapeOf(fileSettingNames.map((name) => [name, name] as const))).default({}),
        /**
         * Who is told when the state of a stream changes: `{ webhook: "https://hooks.example.com/sluice", after: "1m", page:
         * "https://sluice.example.com" }`. The secret that signs the messages is SLUICE_NOTIFY_SECRET, never here.
         */
        notify: z.strictObject(shapeOf(notifyEntries)).default({}),
        /** The first whose `match` fits a file's name is the file's source; a file that none fits is read as it is. */
        sources: z.array(createSourceSchema(stream)).default([]),
        /** `{ events: false }` turns the built-in stream off: files that no stream of streams/ claims are nobody's. */
        streams: z.partialRecord(stream === null ? z.string() : z.enum([stream.name]), z.boolean()).default({}),
    });
}

const typeNames: Record<string, string> = {
    string: "a text",
    boolean: "true or false",
    array: "a list",
    object: "an object",
    record: "an object",
};

/** Where a schema has no text of its own. Of unknown keys there is a line each. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
    if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => describeUnknownKey(key, issue.inst)).join("\n");
    }
    if (issue.input === undefined) return "is missing";
    return issue.code === "invalid_type" ? `must be ${typeNames[issue.expected] ?? issue.expected}` : undefined;
}

function describeUnknownKey(key: string, schema: unknown): string {
    const near = schema instanceof z.ZodObject ? suggestName(key, Object.keys(schema.shape)) : null;
    return `is not known${near ? `; did you mean ${near}?` : ""}`;
}

function faultsOf(issue: z.core.$ZodIssue, above: PropertyKey[] = []): ConfigFault[] {
    const path = [...above, ...issue.path];
    if (issue.code === "unrecognized_keys") {
        const problems = issue.message.split("\n");
        return issue.keys.map((key, index) => ({ at: describePath([...path, key]), problem: problems[index]! }));
    }
    if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => faultsOf(inner, path));
    if (issue.code === "invalid_union") {
        // The alternative that the value comes nearest to: the one at fault deepest within, or else for more than its type.
        const depth = ([first]: z.core.$ZodIssue[]) =>
            (first?.path.length ?? 0) + (first?.code === "invalid_type" ? 0 : 0.5);
        const nearest = issue.errors.toSorted((left, right) => depth(right) - depth(left))[0] ?? [];
        return nearest.flatMap((inner) => faultsOf(inner, path));
    }
    return [{ at: describePath(path), problem: issue.message }];
}

/** `sources[0].aliases.event_time` */
function describePath(path: readonly PropertyKey[]): string {
    if (path.length === 0) return "export default";
    return path
        .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`))
        .join("");
}
