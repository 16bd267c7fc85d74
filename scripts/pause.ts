import { hostname, userInfo } from "node:os";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { program } from "../src/environment.ts";
import { type PausedStream, pauseStreams } from "../src/operations/pause-streams.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

const mostCharacters = 500;

export const command = databaseCommand({
    name: "pause",
    summary: "Pauses the ingest of a stream, or of all, on all machines, until it is resumed.",
    description:
        "No file and no chunk is loaded and no merge begins; one that is under way ends and is committed. Files wait in the folder, and the API still accepts uploads. It is kept in the database, so it outlives restarts. Other commands (replay, try, prune, reset) still work.",
    options: [streamOption(), new Option("--reason <text>", "why, for whoever looks at the status or the page")],
    examples: [
        [`${program} pause --reason "disk is replaced until 15:00"`, "all streams"],
        [`${program} pause --stream orders`, "one stream; the others go on"],
    ],
    async run({ flags, inDatabase }) {
        const reason = readReason(flags.reason);
        const streams = await inDatabase(
            async (sql) => pauseStreams(sql, (await chooseStream(sql, flags))?.streamId ?? null, whoAmI(), reason),
            { mayMigrate: true },
        );
        return { lines: [...streams.map(describe), remedy(streams)], json: { streams }, indent: 0 };
    },
});

if (import.meta.main) await runCommand(command);

/** A container may have a user that is in no list. */
function whoAmI(): string {
    try {
        return `${userInfo().username}@${hostname()}`;
    } catch {
        return `uid ${process.getuid?.() ?? "?"}@${hostname()}`;
    }
}

function readReason(reason: unknown): string | null {
    if (typeof reason !== "string" || reason.trim() === "") return null;
    if (reason.length <= mostCharacters) return reason.trim();
    throw refuse("bad_flag_value", `--reason has ${reason.length} characters.`, `Write at most ${mostCharacters}.`);
}

function describe({ stream, hasChanged, pausedBy, pauseReason }: PausedStream): string {
    const name = sanitize(stream);
    if (hasChanged) return `${name} is paused.`;
    const why = pauseReason === null ? "" : `: ${sanitize(pauseReason, { most: 200 })}`;
    return `${name} was paused before, by ${sanitize(pausedBy ?? "somebody")}${why}`;
}

function remedy(streams: readonly PausedStream[]): string {
    const [only, ...others] = streams;
    const which = only !== undefined && others.length === 0 ? ` --stream ${sanitize(only.stream)}` : "";
    return `An ingest at work sees it within a second; what it has begun ends first. Resume: ${program} resume${which}`;
}
