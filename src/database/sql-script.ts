/**
 * Several SQL files as one text, which Postgres runs in one transaction, and the place in them of what fails.
 *
 * The server says where an error is (as a position in the whole text) only for some errors, such as a syntax error or an
 * unknown column. For the others each file is preceded by a statement that sends its number as a notice: the last number
 * that arrived is the file that failed.
 */

export interface SqlSource {
    /** For messages: sql/engine/loads.sql. */
    name: string;
    text: string;
}

export interface SqlScript {
    text: string;
    /** Returns `sql/engine/loads.sql, line 12`; null outside the text. `position` is the server's: in characters, from 1. */
    placeOfPosition(position: number): string | null;
    /** Returns the name of the file that begins with this notice; null for any other notice. */
    fileOfNotice(notice: string): string | null;
}

const noticePrefix = "sluice file ";

/** Begin and end of the transaction are sources, too. */
export function composeScript(sources: readonly SqlSource[]): SqlScript {
    const pieces = sources.map(
        // On the first line, so that lines keep their numbers.
        ({ text }, index) => `do $$ begin raise notice '${noticePrefix}${index}'; end $$; ${text}\n;\n`,
    );
    return {
        text: pieces.join(""),
        placeOfPosition(position) {
            let left = [...pieces.join("")].slice(0, position - 1).join("").length;
            const index = pieces.findIndex((piece) => {
                if (left < piece.length) return true;
                left -= piece.length;
                return false;
            });
            if (index === -1) return null;
            return `${sources[index]!.name}, line ${pieces[index]!.slice(0, left).split("\n").length}`;
        },
        fileOfNotice(notice) {
            return notice.startsWith(noticePrefix) ? sources[Number(notice.slice(noticePrefix.length))]!.name : null;
        },
    };
}
