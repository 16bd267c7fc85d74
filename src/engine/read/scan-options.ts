/** The scanner's options for files of one shape. Made once for each shape, since small files mostly share theirs. */
import { grammarOf } from "../../streams/dialect.ts";
import { type FileShape, isColumn } from "./file-shape.ts";
import { createTelltale } from "./hidden-records.ts";
import type { ScanOptions } from "./scanned-records.ts";
import { createHeaderWatch } from "./watch-header.ts";

type ShapeOptions = Required<
    Pick<ScanOptions, "fieldCount" | "keyIndex" | "sliceOf" | "grammar" | "telltale" | "header">
>;

const known = new WeakMap<FileShape, ShapeOptions>();

export function scanOptionsOf(shape: FileShape): ShapeOptions {
    const options = known.get(shape) ?? {
        fieldCount: shape.targets.length,
        keyIndex: keyIndexOf(shape),
        sliceOf: shape.stream.key?.type.slices?.ofBytes ?? (() => 0),
        grammar: grammarOf(shape.dialect),
        telltale: createTelltale(shape),
        header: createHeaderWatch(shape),
    };
    known.set(shape, options);
    return options;
}

/** Without a key, the first column whose values are no names of columns: by it the header watch passes over nearly all records. */
function keyIndexOf({ stream: { key }, targets }: FileShape): number {
    if (key !== null) return targets.indexOf(key);
    return targets.findIndex((target) => isColumn(target) && target.type.plainEnd !== null);
}
