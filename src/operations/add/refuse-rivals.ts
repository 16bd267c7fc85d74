/** Streams that are declared already, and would have the new one's name or files. */
import { join } from "node:path";
import { streamsFolder } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { isSameTable, loadStreams } from "../../streams/load-streams.ts";
import { claims } from "../../streams/route-files.ts";

export interface NewStream {
    name: string;
    files: string;
    /** Its table; null: a new one is made. */
    table: string | null;
    /** A file that it takes, as the watched folder names it; null: none is known. */
    example: string | null;
    /** It takes the place of the one with its name. */
    isReplacing: boolean;
}

/** @throws SluiceError `stream_exists`, `table_shared` or `stream_ambiguous` */
export async function refuseRivals(
    { name, files, table, example, isReplacing }: NewStream,
    builtIn: string,
): Promise<void> {
    const declared = await loadStreams([builtIn]);
    const streams = isReplacing ? declared.filter((stream) => stream.name !== name) : declared;
    const refuse = (code: string, what: string, remedy: string) =>
        new SluiceError({ code, what, remedy, from: "the command line", exitCode: exitCodes.usage });
    if (name === builtIn) {
        throw refuse(
            "stream_exists",
            `The stream ${name} exists already: it is the built-in one.`,
            "Give another --name.",
        );
    }
    if (streams.some((stream) => stream.name === name)) {
        throw refuse("stream_exists", `The stream ${name} exists already.`, howToChange(name));
    }
    const owner = table === null ? undefined : streams.find((stream) => isSameTable(stream.table, table));
    if (owner !== undefined) {
        throw refuse(
            "table_shared",
            `The stream ${owner.name} loads into ${table} already, and a table belongs to one stream.`,
            `Let \`files\` in ${join(streamsFolder(), `${owner.name}.ts`)} match these files too, or use another table.`,
        );
    }
    const rival = streams.find(
        (stream) => stream.files === files || (example !== null && claims(stream.files, example)),
    );
    if (rival === undefined) return;
    throw refuse(
        "stream_ambiguous",
        `The stream ${rival.name} takes these files already (${rival.files}).`,
        `To correct ${rival.name}: ${howToChange(rival.name)} For a second stream, say which files each takes: --files 'orders-*.csv', and \`files\` in streams/${rival.name}.ts.`,
    );
}

function howToChange(name: string): string {
    return (
        `Edit streams/${name}.ts, and change the table by another file in streams/migrations/. ` +
        "While a table that `add` made is empty, `add` with --replace makes both anew."
    );
}
