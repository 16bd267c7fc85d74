/**
 * The command blocks of a document, as readers and the tests meet them. A fence says after its language what it is:
 *
 *     ```sh                runs to its end, with 0
 *     ```sh exit=1         … with 1
 *     ```sh background     goes on while later blocks run, as in a terminal of its own
 *     ```sh not-run        an illustration
 *     ```text              the next fence after a block, in the same chapter: what it prints, up to numbers
 *     ```text exact        … numbers too, but for durations and rates
 *
 *     ```diff PATH         a change of a file; ```ts PATH and the like: a new one
 *     ```text background   what the background block prints after what it has printed so far: it is waited for
 *
 * `<!-- ctrl-c -->` on a line of its own is the reader's Ctrl-C in the terminal of the background block; what it prints
 * may follow too. GitHub shows neither.
 */

export interface Block {
    kind: "run" | "background" | "not-run" | "ctrl-c" | "wait" | "change" | "new-file";
    /** Of a change or a new file: the file. */
    path: string | null;
    /** The heading above it. */
    chapter: string;
    /** In the document, from 1. */
    line: number;
    command: string;
    exitCode: number;
    /** What it prints; null when the document does not say. */
    printed: string | null;
    isExact: boolean;
}

interface Fence {
    line: number;
    info: string;
    content: string;
}

/** Blocks in the order of the document. Throws for a fence that says what is not in the list above. */
export function readBlocks(document: string): Block[] {
    const blocks: Block[] = [];
    let chapter = "";
    let isAfterBlock = false;
    for (const piece of pieces(document)) {
        if (typeof piece === "string") {
            if (/^#+ /.test(piece)) {
                chapter = piece.replace(/^#+ /, "");
                isAfterBlock = false;
            }
            continue;
        }
        const [language, ...words] = piece.info.split(" ");
        if (language === "text" && words.includes("background")) {
            const waiting = { ...toBlock({ ...piece, content: "" }, []), kind: "wait" as const, chapter };
            blocks.push({ ...waiting, printed: piece.content, isExact: words.includes("exact") });
            isAfterBlock = false;
        } else if (language === "text" || language === "") {
            const above = blocks.at(-1);
            if (!isAfterBlock || above === undefined) continue;
            above.printed = piece.content;
            above.isExact = words.includes("exact");
            isAfterBlock = false;
        } else if (language === "sh" || language === "ctrl-c") {
            blocks.push({ ...toBlock(piece, words), chapter });
            isAfterBlock = true;
        } else {
            isAfterBlock = false;
            const [path, ...others] = words;
            if (path === undefined || others.length > 0) continue;
            const kind = language === "diff" ? "change" : "new-file";
            blocks.push({ ...toBlock(piece, []), kind, path, chapter });
        }
    }
    return blocks;
}

function toBlock({ info, line, content }: Fence, words: string[]): Omit<Block, "chapter"> {
    const block: Omit<Block, "chapter"> = {
        kind: info === "ctrl-c" ? "ctrl-c" : "run",
        line,
        command: content,
        path: null,
        exitCode: 0,
        printed: null,
        isExact: false,
    };
    for (const word of words) {
        const [, exitCode] = /^exit=(\d+)$/.exec(word) ?? [];
        if (exitCode !== undefined) block.exitCode = Number(exitCode);
        else if (word === "background" || word === "not-run") block.kind = word;
        else throw new Error(`Line ${line}: a block cannot be "${word}".`);
    }
    return block;
}

/** Fences, ctrl-c marks as fences without content, and the lines between them. */
function* pieces(document: string): Generator<Fence | string> {
    let open: Fence | null = null;
    for (const [index, text] of document.split("\n").entries()) {
        const [, info] = /^```(.*)$/.exec(text) ?? [];
        if (open !== null) {
            if (info === undefined) open.content += `${text}\n`;
            else {
                yield open;
                open = null;
            }
        } else if (info !== undefined) {
            open = { line: index + 1, info: info.trim(), content: "" };
        } else if (text.trim() === "<!-- ctrl-c -->") {
            yield { line: index + 1, info: "ctrl-c", content: "" };
        } else {
            yield text;
        }
    }
    if (open !== null) throw new Error(`Line ${open.line}: the block has no end.`);
}
