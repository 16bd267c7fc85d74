/** What files come to that are appended, by their texts alone. It shares nothing with the program. */

interface Read {
    /** As far as it was read. */
    text: string;
    isRefused: boolean;
}

const countOf = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** `readsAgain`: whether a file whose text has changed is read from its beginning; else it is refused. */
export function createAppendModel(readsAgain: boolean) {
    const files = new Map<string, Read>();
    const rows: string[] = [];
    const counts = { read: 0, inserted: 0, rejected: 0 };

    const take = (line: string, isContinued: boolean) => {
        counts.read += 1;
        const values = line.replace(/"q, r"$/, "q; r").split(",");
        const [meter = "", word = ""] = values.map((value) => value.replace(";", ","));
        const isValid = values.length === 2 && /^\d*$/.test(meter) && word !== "bad" && !isContinued;
        counts[isValid ? "inserted" : "rejected"] += 1;
        if (isValid) rows.push([meter, word].filter((value) => value !== "").join(" "));
    };

    const readOn = (before: string, text: string) => {
        const lastLine = before.slice(before.lastIndexOf("\n") + 1);
        const added = text.slice(before.length);
        // A header is no record.
        const isContinued = lastLine !== "" && added !== "" && !/^\r?\n/.test(added);
        const lines = ((isContinued ? lastLine : "") + added).split("\n").map((line) => line.replace(/\r$/, ""));
        for (const [index, line] of lines.entries()) {
            if (line === "" || line === "meter,word" || /^,$/.test(line)) continue;
            take(line, isContinued && index === 0);
        }
    };

    return {
        /** The texts of all files, by name. */
        look(texts: ReadonlyMap<string, string>) {
            for (const [name, text] of texts) {
                const known = files.get(name);
                if (known === undefined && [...files.values()].some((other) => other.text === text)) {
                    // Skipped: nothing of it is read.
                    files.set(name, { text, isRefused: false });
                } else if (known === undefined || text.startsWith(known.text)) {
                    readOn(known?.text ?? "", text);
                    files.set(name, { text, isRefused: false });
                } else if (readsAgain) {
                    readOn("", text);
                    files.set(name, { text, isRefused: false });
                } else {
                    files.set(name, { ...known, isRefused: true });
                }
            }
        },
        state: () => ({
            rows: rows.toSorted(),
            counts: countOf(counts),
            failed: [...files]
                .filter(([, { isRefused }]) => isRefused)
                .map(([name]) => name)
                .sort(),
        }),
    };
}
