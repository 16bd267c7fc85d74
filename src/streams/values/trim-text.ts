/** The white space that ingest.trimmed takes off, and no other. */
export function trimAsciiSpace(value: string): string {
    let start = 0;
    let end = value.length;
    while (start < end && isSpace(value.charCodeAt(start))) start += 1;
    while (end > start && isSpace(value.charCodeAt(end - 1))) end -= 1;
    return start === 0 && end === value.length ? value : value.slice(start, end);
}

function isSpace(code: number): boolean {
    return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
