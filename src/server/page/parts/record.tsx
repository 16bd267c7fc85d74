import { sanitize } from "../../../terminal/sanitize.ts";
import { formatCode } from "../format.ts";

export interface Field {
    column: string;
    value: string | null;
    /** The code of the rule that it broke. */
    reason?: string | null;
}

/** A record as its file had it: by column, or as one text if it could not be split. Untrusted, so it is text only. */
export function RecordFields({ fields, rawText }: { fields: Field[] | null; rawText: string | null }) {
    if (!fields) return <pre class="raw">{sanitize(rawText ?? "", { most: 400 })}</pre>;
    return (
        <dl class="record">
            {fields.map(({ column, value, reason }) => (
                <div key={column}>
                    <dt>{sanitize(column, { most: 60 })}</dt>
                    <dd class={reason ? "wrong" : value === null ? "none" : undefined}>
                        {value === null ? "empty" : sanitize(value, { most: 120 })}
                        {reason && <span class="note"> {formatCode(reason)}</span>}
                    </dd>
                </div>
            ))}
        </dl>
    );
}
