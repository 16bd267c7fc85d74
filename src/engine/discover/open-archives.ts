/** The files that a listing names, with those in archives in the place of these; and a word about what in them is no input. */
import { isArchive, splitMember } from "../../streams/archive-path.ts";
import { isHiddenPath } from "../../streams/input-names.ts";
import type { IngestLog } from "../context.ts";
import type { Inbox } from "./inbox.ts";
import { createSaySome } from "./say-some.ts";

/** `isWanted`: whether a stream may take files of the archive. */
export async function openArchives(
    inbox: Pick<Inbox, "filesOf">,
    paths: Iterable<string>,
    isWanted: (archive: string) => boolean,
): Promise<string[]> {
    const opened: string[] = [];
    for (const path of paths) {
        if (!isArchive(path) || !isWanted(path)) opened.push(path);
        else for (const file of await inbox.filesOf(path)) opened.push(file.path);
    }
    return opened;
}

const mostExamples = 3;

/** Says of each archive once which of its files no stream takes. `paths` may hold others. */
export function createSayLeft(log: IngestLog): (paths: readonly string[]) => void {
    let left = new Map<string, string[]>();
    const say = createSaySome((line, facts) => log.info(line, facts), {
        event: "archive_files_left",
        line: (archive) => describe(archive, left.get(archive) ?? []),
        further: "More archives hold files that no stream reads.",
    });
    return (paths) => {
        left = new Map();
        for (const path of paths) {
            const split = splitMember(path);
            // What somebody hides is not meant, nor what macOS adds (`__MACOSX/._orders.csv`).
            if (split === null || isHiddenPath(path)) continue;
            const known = left.get(split.archive);
            if (known === undefined) left.set(split.archive, [split.member]);
            else known.push(split.member);
        }
        for (const archive of left.keys()) say(archive, { file: archive });
    };
}

function describe(archive: string, members: readonly string[]): string {
    const others = members.length > mostExamples ? ` and ${members.length - mostExamples} more` : "";
    return `${archive} also holds ${members.slice(0, mostExamples).join(", ")}${others}: not read, since no stream takes them.`;
}
