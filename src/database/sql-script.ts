/**
 * Several SQL files as one text, sent in one piece, so that Postgres runs all of it in one transaction, and a failure
 * that still names the file and the line.
 *
 * The server tells where an error is only for some errors (a syntax error, an unknown column), by its position in the
 * whole text. For the others (a table that exists already, a raise) each statement is preceded by one that sends its
 * number as a notice: the last number that arrived is the statement that failed.
 */

export interface SqlSource {
    /** As people know it: sql/engine/loads.sql. */
    name: string;
    text: string;
}

export interface SqlPlace {
    name: string;
    line: number;
}

export interface SqlScript {
    text: string;
    /** @param position as Postgres gives it: in characters, from 1. */
    placeOfPosition(position: number): SqlPlace | null;
    /** @param notice any notice's message. Null unless it is one of ours. */
    placeOfNotice(notice: string): SqlPlace | null;
}

const noticePrefix = "sluice statement ";

/** The transaction commands around the sources are the caller's: prefix and suffix go in as sources too. */
export function composeScript(sources: readonly SqlSource[]): SqlScript {
    const places: SqlPlace[] = [];
    const pieces: { text: string; name: string; firstLine: number }[] = [];
    for (const { name, text } of sources) {
        for (const statement of splitStatements(text)) {
            const marker = `do $sluice$ begin raise notice '${noticePrefix}${places.length}'; end $sluice$;\n`;
            places.push({ name, line: statement.line });
            pieces.push({ text: marker, name, firstLine: statement.line });
            pieces.push({ text: `${statement.text};\n`, name, firstLine: statement.line });
        }
    }
    return {
        text: pieces.map((piece) => piece.text).join(""),
        placeOfPosition(position) {
            let left = position - 1;
            for (const { text, name, firstLine } of pieces) {
                const characters = [...text];
                if (left >= characters.length) {
                    left -= characters.length;
                    continue;
                }
                const before = characters.slice(0, left).filter((character) => character === "\n").length;
                return { name, line: firstLine + before };
            }
            return null;
        },
        placeOfNotice(notice) {
            return notice.startsWith(noticePrefix) ? (places[Number(notice.slice(noticePrefix.length))] ?? null) : null;
        },
    };
}

export interface SqlStatement {
    /** Without the closing semicolon and what precedes its first word. */
    text: string;
    /** Of its first word, from 1. */
    line: number;
}

/** What cannot hold a semicolon that ends a statement; or a word; or the semicolon. */
const token =
    /--[^\n]*|\/\*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?:[a-z_\x80-\uffff][\w\x80-\uffff]*)?\$|[a-z_\x80-\uffff][\w$\x80-\uffff]*|[^\s]/giu;

/**
 * Splits as psql does: semicolons within strings, quoted names, comments, dollar quotes and the body of a
 * `begin atomic … end` function end nothing.
 */
export function splitStatements(text: string): SqlStatement[] {
    const statements: SqlStatement[] = [];
    let start = -1;
    let end = 0;
    let blockDepth = 0;
    let previousWord = "";
    const finish = () => {
        if (start >= 0)
            statements.push({ text: text.slice(start, end), line: text.slice(0, start).split("\n").length });
        start = -1;
    };

    token.lastIndex = 0;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) {
        const part = match[0];
        if (part.startsWith("--")) continue;
        if (part === "/*") {
            token.lastIndex = endOfComment(text, match.index);
            continue;
        }
        if (part === ";" && blockDepth === 0) {
            finish();
            continue;
        }
        if (start < 0) start = match.index;
        end = token.lastIndex = endOfToken(text, match.index, part);
        const word = part.toLowerCase();
        if (blockDepth === 0 && word === "atomic" && previousWord === "begin") blockDepth = 1;
        else if (blockDepth > 0 && word === "case") blockDepth++;
        else if (blockDepth > 0 && word === "end") blockDepth--;
        previousWord = word;
    }
    finish();
    return statements;
}

function endOfToken(text: string, index: number, part: string): number {
    const end = index + part.length;
    if (/^\$.*\$$/s.test(part)) {
        const close = text.indexOf(part, end);
        return close < 0 ? text.length : close + part.length;
    }
    // e'it\'s': only strings with this prefix take the backslash.
    if (/^e$/i.test(part) && text[end] === "'") {
        const string = /'(?:[^'\\]|''|\\.)*'/sy;
        string.lastIndex = end;
        return string.test(text) ? string.lastIndex : text.length;
    }
    return end;
}

/** Block comments nest. */
function endOfComment(text: string, index: number): number {
    const edge = /\/\*|\*\//g;
    edge.lastIndex = index;
    for (let depth = 0, match = edge.exec(text); match !== null; match = edge.exec(text)) {
        depth += match[0] === "/*" ? 1 : -1;
        if (depth === 0) return edge.lastIndex;
    }
    return text.length;
}
