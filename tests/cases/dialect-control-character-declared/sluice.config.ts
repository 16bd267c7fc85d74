import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        { match: "a.csv", delimiter: "\x01", quote: false, header: [ "event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price" ] },
        { match: "b.csv", delimiter: "\x01", values: { event_type: { view: "purchase" } }, header: [ "event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price" ] },
    ],
});
