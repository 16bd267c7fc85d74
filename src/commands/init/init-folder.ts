/** `sluice init`: makes the files and folders of a new project where they are not. */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { program, streamsFolder } from "../../environment.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { formatTable } from "../../terminal/table.ts";
import type { Answer } from "../command.ts";
import { refuse } from "../refuse.ts";
import { configText, environmentText, ignoreText } from "./file-texts.ts";

interface Entry {
    path: string;
    about: string;
    /** A folder has none. */
    text?: string;
    /** Only the owner may read it. */
    isSecret?: boolean;
}

/** `isNamed`: the input folder is not the one that holds without being named. */
export function initFolder(inputDir: string, { isNamed }: { isNamed: boolean }): Answer {
    const entries: Entry[] = [
        {
            path: "sluice.config.ts",
            about: "settings, as comments",
            text: configText(isNamed ? inputDir : null),
        },
        { path: ".env", about: "the database and the API's token, as comments", text: environmentText, isSecret: true },
        { path: ".gitignore", about: "keeps data and secrets out of git", text: ignoreText },
        { path: streamsFolder(), about: "a file for each of your tables" },
        ...(isInBucket(inputDir) ? [] : [{ path: inputDir, about: "put CSV files here" }]),
    ];
    const folderAsFile = entries.find(({ path, text }) => text === undefined && existsSync(path) && !isFolder(path));
    if (folderAsFile) {
        const remedy = "Move that file away, or name another folder with --input or SLUICE_STREAMS_DIR.";
        throw refuse("file_exists", `${folderAsFile.path} is a file, not a folder; nothing was written.`, remedy);
    }
    const made = entries.map((entry) => ({ ...entry, isNew: make(entry) }));
    return {
        lines: [
            ...formatTable(
                made.map(({ path, about, isNew }) => [
                    isNew ? "made" : "kept",
                    path,
                    isNew ? about : "was there already",
                ]),
            ),
            "",
            "Next:",
            ...formatTable(nextSteps(inputDir), { indent: "  " }),
        ],
        json: {
            made: made.filter(({ isNew }) => isNew).map(({ path }) => path),
            kept: made.filter(({ isNew }) => !isNew).map(({ path }) => path),
        },
    };
}

const nextSteps = (inputDir: string) => [
    [`${program} start`, "a first look with sample data: http://127.0.0.1:4040"],
    [`${program} add FILE.csv --key COLUMN`, `a table for one of your CSV files in ${inputDir}`],
    [`${program} start --no-generate`, "loads what arrives there"],
];

const isFolder = (path: string) => statSync(path).isDirectory();

/** Returns whether it was not there. */
function make({ path, text, isSecret = false }: Entry): boolean {
    if (text === undefined) return mkdirSync(path, { recursive: true }) !== undefined;
    try {
        writeFileSync(path, text, { flag: "wx", mode: isSecret ? 0o600 : 0o644 });
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
    }
}
