/** The values that a file's folders give each record, as fields of a COPY beside the record's own. Pure. */
import type { Dialect } from "../../streams/dialect.ts";
import type { FileShape } from "../read/file-shape.ts";

/** Behind each field is the delimiter. Empty where the folders give nothing. */
export interface PathFields {
    /** The fields, and as many empty ones. */
    values: Buffer;
    empty: Buffer;
    count: number;
}

const known = new WeakMap<FileShape, PathFields>();

export function pathFieldsOf(shape: FileShape): PathFields {
    const before = known.get(shape);
    if (before !== undefined) return before;
    const { pathColumns = [], dialect } = shape;
    const { delimiter } = dialect;
    const fields = {
        values: Buffer.from(pathColumns.map(({ value }) => fieldOf(value ?? "", dialect) + delimiter).join("")),
        empty: Buffer.from(delimiter.repeat(pathColumns.length)),
        count: pathColumns.length,
    };
    known.set(shape, fields);
    return fields;
}

/** An empty value is null to COPY, as an empty field of the file is. */
function fieldOf(value: string, { quote, escape: escapeMark }: Dialect): string {
    if (value === "" || /^[A-Za-z0-9]+$/.test(value) || quote === null) return value;
    const escaped = escapeMark === quote ? value : value.replaceAll(escapeMark!, () => escapeMark! + escapeMark!);
    return quote + escaped.replaceAll(quote, () => escapeMark! + quote) + quote;
}

/** The slice of every record, where the key that decides it stands in the folders; null where it does not. */
export function sliceOfPath({ stream: { key }, pathColumns = [] }: FileShape): number | null {
    const ofKey = pathColumns.find(({ column }) => column === key);
    return ofKey === undefined ? null : (key!.type.slices?.ofText(ofKey.value ?? "") ?? 0);
}
