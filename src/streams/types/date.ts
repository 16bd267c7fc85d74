/** date: YYYY-MM-DD. Postgres would take `today`, 01-02-26, and a time, which it drops. */
import type { ColumnType, ValueForm } from "./column-type.ts";
import { isRealDate } from "./timestamptz.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

const length = 10;

const isDate: ValueForm = (bytes, start, end) =>
    end - start === length && /^\d{4}-\d\d-\d\d$/.test(Buffer.from(bytes.subarray(start, end)).toString("latin1"));

const loader: ColumnType = {
    name: "date",
    plainEnd: (bytes, start, end) => (start + length <= end && isRealDate(bytes, start) ? start + length : -1),
    telltale: () => isDate,
    writtenAs: "dates",
    slices: null,
    typed: null,
    samples: ["2024-02-29", "2023-02-28", "2023-02-29", "1970-01-01", "0001-01-01", "9999-12-31", "2024-1-5"],
};

export const dateRule: TypeRule = typeRule({
    type: "date",
    loader,
    reasons: ["invalid"],
    // What Postgres writes of what it reads has no other form than this. That tells more than a shape, and costs less.
    reason: (value) => `case
    when ${value} like '____-__-__' and ${isValid(value, "date")} then
        case when ${value}::date::text <> ${value} then 'invalid' end
    else 'invalid'
end`,
});
