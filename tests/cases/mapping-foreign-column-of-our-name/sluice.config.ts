import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "a.csv", aliases: { price: "attributes.list_price", sale_price: "price" }, newColumns: "reject-file" }, { match: "b.csv", aliases: { price: "attributes" }, values: { event_type: { view: "purchase" } } }],
});
