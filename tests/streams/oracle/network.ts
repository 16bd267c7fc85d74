/** Addresses by hand: their bytes and the length of their network. */

export function sayAddress(text: string): string | null {
    const [address = "", mask, ...more] = text.split("/");
    if (more.length > 0 || (mask !== undefined && !/^(0|[1-9]\d{0,2})$/.test(mask))) return null;
    const bytes = address.includes(":") ? readV6(address) : readV4(address);
    if (bytes === null) return null;
    const most = bytes.length * 8;
    const bits = mask === undefined ? most : Number(mask);
    return bits > most ? null : `${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}/${bits}`;
}

function readV4(text: string): number[] | null {
    const octets = text.split(".");
    const isRight =
        octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
    return isRight ? octets.map(Number) : null;
}

function readV6(text: string): number[] | null {
    const halves = text.split("::");
    if (halves.length > 2) return null;
    const read = (half: string): number[] | null => {
        if (half === "") return [];
        const bytes: number[] = [];
        const groups = half.split(":");
        for (const [index, group] of groups.entries()) {
            const v4 = index === groups.length - 1 && group.includes(".") ? readV4(group) : null;
            if (v4 !== null) bytes.push(...v4);
            else if (/^[0-9a-f]{1,4}$/i.test(group))
                bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
            else return null;
        }
        return bytes;
    };
    const [head, tail] = [read(halves[0]!), read(halves[1] ?? "")];
    if (head === null || tail === null) return null;
    if (halves.length === 1) return head.length === 16 ? head : null;
    const missing = 16 - head.length - tail.length;
    return missing < 2 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

const hex = "[0-9a-f]";
const forms = (sizes: readonly [count: number, size: number, separator: string][]) =>
    sizes.map(
        ([count, size, separator]) =>
            new RegExp(`^${new Array(count).fill(`${hex}{${size}}`).join(separator.replace(".", "\\."))}$`, "i"),
    );
const short = forms([
    [6, 2, ":"],
    [6, 2, "-"],
    [2, 6, ":"],
    [2, 6, "-"],
    [3, 4, "."],
    [3, 4, "-"],
    [1, 12, ""],
]);
const long = forms([
    [8, 2, ":"],
    [8, 2, "-"],
    [4, 4, "."],
    [4, 4, "-"],
    [1, 16, ""],
]);

export function sayHardware(text: string, isLong: boolean): string | null {
    return (isLong ? long : short).some((form) => form.test(text))
        ? text.replace(/[^0-9a-f]/gi, "").toLowerCase()
        : null;
}
