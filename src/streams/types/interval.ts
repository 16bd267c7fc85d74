/**
 * interval: whole numbers of units, then a time (`1 year 2 mons 3 days 04:05:06.5`, `90 minutes`), or ISO 8601 (`P1Y2M3DT4H`).
 * Only seconds have decimals: Postgres reads half a month as 15 days. `=` takes a month for 30 days, so values are compared as texts.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { anyText, asText, isValid, type TypeRule, typeRule } from "./type-rule.ts";

const whole = "[+-]?[0-9]+";
const seconds = "[+-]?[0-9]+(\\.[0-9]+)?";
const units = "years?|yrs?|mons?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?";
const amount = `(${whole} ?(${units})|${seconds} ?(seconds?|secs?))`;
const time = "[+-]?[0-9]+:[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?";
const spoken = `(${amount}( ${amount})*( ${time})?|${time})`;
const isoTime = `T(${whole}H)?(${whole}M)?(${seconds}S)?`;
const iso = `P(${whole}W|(${whole}Y)?(${whole}M)?(${whole}D)?(${isoTime})?)`;
const form = `^(${spoken}|${iso})$`;

const samples = [
    ...["1 day", "-1 days +02:03:04", "1 year 2 mons 3 days 04:05:06.789", "90 minutes", "P1Y2M3DT4H5M6.5S", "P2W"],
    ...["02:03", "100:00:00", "1.5 days", "0.5 months", "1 day 1 day", "00:00:60", "1.0000001 seconds", "1 2:03:04"],
];

export function intervalRule({ baseTypeText: type }: CatalogType): TypeRule {
    const isPlain = type === "interval";
    return typeRule({
        type,
        loader: anyText(type, samples),
        reasons: ["invalid", "too_precise"],
        compared: asText,
        reason: (value) => `case
    when ${value} ~* '${form}' and ${isValid(value, "interval")} then
        case
            when ${value} ~ '\\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
            ${isPlain ? "" : `when ${value}::interval::text <> ${value}::interval::${type}::text then 'too_precise'`}
        end
    else 'invalid'
end`,
        ...(isPlain ? {} : { cast: (value) => `${value}::interval::${type}` }),
    });
}
