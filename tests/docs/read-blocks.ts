/**
 * Reads the command blocks of a document. The words after a fence's language say what it is:
 *
 *     ```sh                runs to its end, with 0
 *     ```sh exit=1         … with 1
 *     ```sh background     goes on while later blocks run, as in a terminal of its own
 *     ```sh not-run        an illustration
 *     ```text              the next fence after a block, in the same chapter: what it prints, up to numbers
 *     ```text exact        … numbers too, but for durations and rates
 *
 *     ```sql               runs too, as the reader of a page would run it without psql: by `bun run sql --write`
 *     ```diff PATH         a change of a file; ```ts PATH and the like: a new one
 *     ```text background   what the background block prints after what it has printed so far: it is waited for
 *
 * `<!-- ctrl-c -->` on a line of its own is the reader's Ctrl-C in the terminal of the background block; what it prints
 * may follow too. GitHub shows neither.
 */

export interface Block {
    kind: "run" | "background" | "not-run" | "ctrl-c" | "wait" | "change" | "new-file";
    /** The file that is changed or new. */
    path: string | null;
    /** The heading above it. */
    chapter: string;
    /** In the document, from 1. */
    line: number;
    command: string;
    exitCode: number;
    /** Its output; null when the document does not show it. */
    printed: string | null;
    isExact: boolean;
}

/** Fences, closed or not; ctrl-c marks; headings. A fence goes first: what looks like a heading in it is none. */
const piece =
    /^```(?<info>.*)\n(?<content>(?:(?!```).*\n)*)(?<end>```$)?|^ *(?<mark><!-- ctrl-c -->) *$|^#+ (?<heading>.*)$/gm;

/** Blocks in the order of the document. Throws for a fence that says what is not in the list above. */
export function readBlocks(document: string): Block[] {
    const blocks: Block[] = [];
    let chapter = "";
    /** The block that the next text fence of the chapter belongs to. */
    let printing: Block | null = null;
    for (const { index, groups } of `${document}\n`.matchAll(piece)) {
        const { info = "", content = "", end, mark, heading } = groups!;
        if (heading !== undefined) {
            chapter = heading;
            printing = null;
            continue;
        }
        const line = document.slice(0, index).split("\n").length;
        if (mark === undefined && end === undefined) throw new Error(`Line ${line}: the block has no end.`);
        const [language = "", ...words] = mark === undefined ? info.trim().split(" ") : ["ctrl-c"];
        const isExact = words.includes("exact");
        const plain = { path: null, chapter, line, command: content, exitCode: 0, printed: null, isExact: false };
        const above: Block | null = printing;
        printing = null;
        if (language === "text" && words.includes("background")) {
            blocks.push({ ...plain, kind: "wait", command: "", printed: content, isExact });
        } else if (language === "text" || language === "") {
            if (above !== null) Object.assign(above, { printed: content, isExact });
        } else if (language === "sh" || language === "ctrl-c") {
            printing = { ...plain, ...readWords(words, line), ...(mark && { kind: "ctrl-c" as const }) };
            blocks.push(printing);
        } else if (language === "sql" && words.length === 0) {
            printing = { ...plain, kind: "run", command: `bun run sql --write "$(cat <<'SQL'\n${content}SQL\n)"\n` };
            blocks.push(printing);
        } else if (words.length === 1) {
            blocks.push({ ...plain, kind: language === "diff" ? "change" : "new-file", path: words[0]! });
        }
    }
    return blocks;
}

function readWords(words: readonly string[], line: number): Pick<Block, "kind" | "exitCode"> {
    const block: Pick<Block, "kind" | "exitCode"> = { kind: "run", exitCode: 0 };
    for (const word of words) {
        const [, exitCode] = /^exit=(\d+)$/.exec(word) ?? [];
        if (exitCode !== undefined) block.exitCode = Number(exitCode);
        else if (word === "background" || word === "not-run") block.kind = word;
        else throw new Error(`Line ${line}: a block cannot be "${word}".`);
    }
    return block;
}
