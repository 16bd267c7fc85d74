import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { program } from "../src/environment.ts";
import { type PausedStream, resumeStreams } from "../src/operations/pause-streams.ts";
import { formatDuration } from "../src/terminal/format.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "resume",
    summary: "Resumes the ingest of a stream, or of all, after a pause.",
    description: "An ingest at work takes what waits within a second or two. Without one, the next takes it.",
    options: [streamOption()],
    examples: [
        [`${program} resume`, "all streams"],
        [`${program} resume --stream orders`, "one stream; others stay paused"],
    ],
    async run({ flags, inDatabase }) {
        const streams = await inDatabase(
            async (sql) => resumeStreams(sql, (await chooseStream(sql, flags))?.streamId ?? null),
            { mayMigrate: true },
        );
        const resumed = streams.filter(({ hasChanged }) => hasChanged);
        const lines = resumed.length === 0 ? ["Nothing is paused."] : resumed.map(describe);
        return { lines, json: { streams }, indent: 0 };
    },
});

if (import.meta.main) await runCommand(command);

function describe({ stream, pausedAt, pausedBy }: PausedStream): string {
    const forMs = Math.max(0, Date.now() - Date.parse(pausedAt!));
    return `${sanitize(stream)} is resumed, after ${formatDuration(forMs)}. It was paused by ${sanitize(pausedBy ?? "somebody")}.`;
}
