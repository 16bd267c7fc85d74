/** The built-in stream: the events of a shop. Its rules, rollups and table are in sql/events/. */
import { defineStream } from "../streams/stream.ts";
import { integer } from "../streams/types/integer.ts";
import { numeric } from "../streams/types/numeric.ts";
import { text } from "../streams/types/text.ts";
import { timestamptz } from "../streams/types/timestamptz.ts";
import { uuid } from "../streams/types/uuid.ts";

export const eventsStream = defineStream({
    id: 0,
    name: "events",
    table: "events",
    key: "event_id",
    time: "event_timestamp",
    extras: "attributes",
    columns: [
        { name: "event_id", type: uuid, isRequired: true, reasons: ["missing", "invalid"] },
        { name: "event_type", type: text, isRequired: true, reasons: ["missing", "unknown"] },
        { name: "product_id", type: text, isRequired: true, reasons: ["missing", "too_long"] },
        { name: "user_id", type: text, isRequired: true, reasons: ["missing", "too_long"] },
        {
            name: "event_timestamp",
            type: timestamptz,
            isRequired: true,
            reasons: ["missing", "invalid", "ambiguous", "skipped", "too_precise", "too_early", "in_future"],
        },
        { name: "quantity", type: integer, isRequired: false, reasons: ["invalid", "negative", "out_of_range"] },
        {
            name: "price",
            type: numeric(10, 2),
            isRequired: false,
            reasons: ["invalid", "negative", "too_precise", "out_of_range"],
        },
    ],
});
