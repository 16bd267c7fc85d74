/** Whether the first line is a header at all: values of its own columns may stand there. Pure. */
import type { KeyColumn } from "./candidate-keys.ts";
import type { ReadingQuestion } from "./read-values.ts";
import { type Form, formOf } from "./value-form.ts";

/** Words may be names; of these forms are values. */
const valueForms: readonly Form[] = [
    "integer",
    "zero_integer",
    "decimal",
    "thousandths",
    "exponent",
    "comma_decimal",
    "uuid",
    "date",
    "timestamp",
    "timestamptz",
    "day_month",
];

/** Null: it is a header. */
export function doubtHeader(columns: readonly KeyColumn[]): ReadingQuestion | null {
    const typed = columns.filter(({ type }) => type !== "text");
    const doubtful = typed.filter(({ fileName }) => valueForms.includes(formOf(fileName)));
    const repeated = columns.find(({ type, evidence }) => type === "text" && evidence.hasOwnName);
    const isDoubtful = doubtful.length > 0 && doubtful.length * 2 >= typed.length;
    const example = isDoubtful ? doubtful[0]!.fileName : repeated?.fileName;
    if (example === undefined) return null;
    return {
        about: "header",
        what: `The first line may be a record and no header: "${example}" looks like one of its column's values.`,
        remedy: "Give --header with the names of the columns, separated by commas, or --header first-line if it is the header.",
    };
}
