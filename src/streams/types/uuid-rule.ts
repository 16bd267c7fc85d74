/** uuid: with its dashes, in any case. Postgres would take braces, and ids without dashes. */
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";
import { uuid } from "./uuid.ts";

export const uuidRule: TypeRule = typeRule({
    type: "uuid",
    loader: uuid,
    reasons: ["invalid"],
    reason: (value) =>
        `case when (${value} like '________-____-____-____-____________' and ${isValid(value, "uuid")}) is not true then 'invalid' end`,
});
