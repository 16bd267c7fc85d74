/**
 * Applies a diff without line numbers to a text. Hunks are parted by `@@`. In each, the lines that begin with a space or
 * a minus must stand together in exactly one place of the text.
 */
export function changeText(text: string, diff: string): string {
    return diff
        .split(/^@@.*\n/m)
        .reduce(changeOnce, text.split("\n"))
        .join("\n");
}

function changeOnce(lines: string[], hunk: string): string[] {
    const changes = hunk.split("\n").slice(0, -1);
    const linesOf = (marks: string) =>
        changes.filter((line) => marks.includes(line[0] ?? " ")).map((line) => line.slice(1));
    const [before, after] = [linesOf(" -"), linesOf(" +")];
    const places = lines.keys().filter((start) => before.every((line, index) => lines[start + index] === line));
    const [place, ...others] = places;
    if (place === undefined || others.length > 0) {
        const count = place === undefined ? 0 : others.length + 1;
        throw new Error(`There are ${count} places, not one, that hold:\n${before.join("\n")}`);
    }
    return lines.toSpliced(place, before.length, ...after);
}
