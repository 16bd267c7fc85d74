/** The scanner's options for files of one shape. Made once for each shape, since small files mostly share theirs. */
import { grammarOf } from "../../streams/dialect.ts";
import type { FileShape } from "./file-shape.ts";
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
        keyIndex: shape.targets.indexOf(shape.stream.key),
        sliceOf: shape.stream.key.type.slices?.ofBytes ?? (() => 0),
        grammar: grammarOf(shape.dialect),
        telltale: createTelltale(shape),
        header: createHeaderWatch(shape),
    };
    known.set(shape, options);
    return options;
}
