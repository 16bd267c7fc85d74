import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "a.csv", trailingDelimiter: "records" }, { match: "b.csv", trailingDelimiter: "records", header: [ "event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price" ] }],
});
