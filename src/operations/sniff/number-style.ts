/**
 * How the numbers of a file are written. A source says so once for all of its columns, so it is decided over all of them:
 * from values that have one reading only (`12,5`, `1.234,50`, `1,234,567`), and not at all when these disagree. Pure.
 */
import type { NumberFormat } from "../../streams/source-config.ts";
import type { ColumnEvidence } from "./column-evidence.ts";
import type { Form } from "./value-form.ts";

type Decimal = NonNullable<NumberFormat["decimal"]>;
type Thousands = NonNullable<NumberFormat["thousands"]>;

export interface NumberStyle {
    /** What the source declares; null when numbers are written plainly. */
    format: NumberFormat | null;
    /** The forms that are numbers in this file, besides those with an exponent or a plus sign. */
    numberForms: readonly Form[];
    /** Whether columns contradict one another, so that nothing can be declared. */
    isContradictory: boolean;
}

/** What the values of a column show beyond doubt. Null: they do not show it. */
interface Shown {
    decimal: Decimal | null;
    thousands: Thousands | null;
}

/** The style of the file with these columns. `declared`: what the user says of it. */
export function numberStyleOf(columns: readonly ColumnEvidence[], declared: NumberFormat | null = null): NumberStyle {
    if (declared !== null) return styleOf(declared.decimal ?? ".", declared.thousands ?? null);
    const shown = columns.map(shownBy).filter((style) => style !== null);
    const decimals = new Set(shown.map(({ decimal }) => decimal).filter((mark) => mark !== null));
    const thousands = new Set(shown.map((style) => style.thousands).filter((mark) => mark !== null));
    const [decimal] = decimals;
    const [mark] = thousands;
    if (decimals.size > 1 || thousands.size > 1 || (decimal !== undefined && decimal === mark)) {
        return { ...styleOf(decimals.has(".") ? "." : null, null), isContradictory: true };
    }
    return styleOf(decimal ?? null, mark ?? null);
}

/** Without a decimal mark that is shown, `1.234` may be a thousand or so, and is no number. */
function styleOf(decimal: Decimal | null, thousands: Thousands | null): NumberStyle {
    const byDecimal: readonly Form[] =
        decimal === ","
            ? ["comma_decimal", "comma_thousandths"]
            : decimal === "."
              ? ["decimal", "thousandths"]
              : ["decimal"];
    const byThousands = thousands === null ? [] : groupForms[thousands];
    const format = { ...(decimal === "," && { decimal }), ...(thousands !== null && { thousands }) };
    return {
        format: Object.keys(format).length > 0 ? format : null,
        numberForms: [...new Set<Form>(["integer", ...byDecimal, ...byThousands])],
        isContradictory: false,
    };
}

const groupForms: Record<Thousands, readonly Form[]> = {
    ".": ["point_groups", "point_groups_comma", "thousandths"],
    ",": ["comma_groups", "comma_thousandths"],
    " ": ["space_groups", "space_groups_comma"],
    "'": ["apostrophe_groups"],
    _: [],
};

const allNumbers: readonly Form[] = [
    "integer",
    "decimal",
    "thousandths",
    "exponent",
    "signed_integer",
    "signed_decimal",
    "comma_decimal",
    "comma_thousandths",
    ...Object.values(groupForms).flat(),
];

/** Null: not all of its values are numbers, so that none of them shows anything. */
function shownBy(column: ColumnEvidence): Shown | null {
    const has = (...wanted: Form[]) => column.countOf(...wanted) > 0;
    const { valueCount, numbers } = column;
    if (valueCount === 0 || column.countOf(...new Set(allNumbers)) !== valueCount) return null;
    const hasComma = has("comma_decimal", "point_groups_comma", "space_groups_comma", "point_groups");
    const isGroupedWithPoint = has("space_groups", "apostrophe_groups") && numbers.hasPoint;
    const hasPoint = has("decimal", "exponent", "signed_decimal", "comma_groups") || isGroupedWithPoint;
    // Both in one column: then its numbers are texts, and show nothing of the others.
    if (hasComma && hasPoint) return null;
    const marks = (Object.keys(groupForms) as Thousands[]).filter((mark) =>
        has(...groupForms[mark].filter((form) => form !== "thousandths" && form !== "comma_thousandths")),
    );
    if (marks.length > 1) return null;
    return { decimal: hasComma ? "," : hasPoint ? "." : null, thousands: marks[0] ?? null };
}
