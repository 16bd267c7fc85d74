/** A stream that Sluice does not have: what works for it as for the events of the shop knows nothing of a shop. */
import { defineStream } from "../../src/streams/stream.ts";
import { bigint } from "../../src/streams/types/integer.ts";
import { numeric } from "../../src/streams/types/numeric.ts";
import { text } from "../../src/streams/types/text.ts";
import { timestamptz } from "../../src/streams/types/timestamptz.ts";

export const ordersStream = defineStream({
    id: 1,
    name: "orders",
    table: "orders",
    key: "order_id",
    time: "placed_at",
    extras: "more",
    columns: [
        { name: "order_id", type: bigint, isRequired: true, reasons: ["missing", "invalid"] },
        { name: "customer", type: text, isRequired: true, reasons: ["missing"] },
        { name: "total", type: numeric(12, 2), isRequired: false, reasons: ["invalid", "too_precise"] },
        { name: "placed_at", type: timestamptz, isRequired: true, reasons: ["missing", "invalid"] },
        { name: "note", type: text, isRequired: false, reasons: [] },
    ],
});
