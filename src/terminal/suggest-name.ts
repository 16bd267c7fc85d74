/** The nearest of `names`, when it is near enough to be what was meant; else null. */
export function suggestName(given: string, names: readonly string[]): string | null {
    const ranked = names
        .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
        .sort((left, right) => left.distance - right.distance);
    const nearest = ranked[0];
    return nearest && nearest.distance <= Math.max(given.length < 4 ? 1 : 2, Math.floor(given.length / 3))
        ? nearest.name
        : null;
}

/** Levenshtein: how many characters to insert, delete or replace. */
function editDistance(left: string, right: string): number {
    let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
    for (let row = 1; row <= left.length; row += 1) {
        const current = [row];
        for (let column = 1; column <= right.length; column += 1) {
            const replaced = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
            current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
        }
        previous = current;
    }
    return previous[right.length]!;
}
